"""How a dispatcher and its workers write to each other: the first byte says what a frame is.

Dispatcher to worker::

    ?                                            who are you? (after a connection was made)
    !                                            forget what you have, and say hello again
    W  origin 8  hello 4  ack_wait 8             welcome: what follows is for the one who said hello so many times
    T  number 8  attempt 4  message ...          a task; its large buffers follow in frames of their own
    B  count 4  (number 8  attempt 4  length 4)  messages  BATCH     several tasks, none with buffers beside it

Worker to dispatcher::

    (nothing)                                    ZeroMQ sends this when a connection is made (ZMQ_PROBE_ROUTER)
    H  JSON                                      hello: who I am; nothing of yours is with me
    D  origin 8  number 8 ...                    these are done
    F  origin 8  number 8  text                  the handler failed, and how
    R  origin 8  number 8                        begun, but the agent was ended meanwhile
    P                                            no more, please: what I have not acknowledged I have not begun
    Q                                            as P, for good

Numbers are big-endian. The *origin* names the dispatcher, over restarts if it has a journal: acknowledgements that were
meant for another one at the same address say nothing here.
"""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from .serializers import BATCH, Frames, prefixed

WHO = b'?'
RECALL = b'!'
WELCOME = b'W'
TASK = b'T'
TASKS = b'B'
PROBE = b''
HELLO = b'H'
DONE = b'D'
FAILED = b'F'
RELEASED = b'R'
PAUSE = b'P'
QUIT = b'Q'

ORIGIN_LENGTH = 8
#: Where the message of a single task begins.
TASK_LENGTH = 13

# Bytes in one frame, more or less: what is larger than this gains nothing by being sent with others.
_MOST_BYTES = 1 << 20

_WELCOME = struct.Struct('>c8sId')
_TASK = struct.Struct('>cQI')
_ENTRY = struct.Struct('>QII')
_COUNT = struct.Struct('>cI')


class Greeting(NamedTuple):
    """What a worker says of itself."""

    #: The same for as long as its connection to this dispatcher is wanted.
    id: str
    #: How often it has said hello.
    hello: int
    name: str
    pid: int
    #: When its process was started, and where pids mean the same (see osbrain._pids).
    started: int
    space: str
    prefetch: int


# -- Written by the dispatcher ------------------------------------------------------------------------------------


def welcome(origin: bytes, hello: int, ack_wait: float) -> bytes:
    """Answer the *hello*-th greeting of a worker."""
    return _WELCOME.pack(WELCOME, origin, hello, ack_wait)


def task_frames(tasks: list[tuple[int, int, Frames]]) -> list[Frames]:
    """Write tasks (number, attempt, message) in their order, in as few frames as possible."""
    if len(tasks) == 1:
        return [_single(*tasks[0])]
    written: list[Frames] = []
    small: list[tuple[int, int, bytes]] = []
    size = 0
    for task in tasks:
        body = task[2]
        if type(body) is list or size + len(body) > _MOST_BYTES:
            _pack(small, written)
            small, size = [], 0
        if type(body) is list:
            written.append(_single(*task))
        else:
            small.append(task)  # type: ignore[arg-type]
            size += len(body)
    _pack(small, written)
    return written


def _single(number: int, attempt: int, body: Frames) -> Frames:
    return prefixed(_TASK.pack(TASK, number, attempt), body)


def _pack(tasks: list[tuple[int, int, bytes]], written: list[Frames]) -> None:
    if len(tasks) == 1:
        written.append(_single(*tasks[0]))
    elif tasks:
        pack = _ENTRY.pack
        entries = [pack(number, attempt, len(body)) for number, attempt, body in tasks]
        written.append(b''.join([_COUNT.pack(TASKS, len(tasks)), *entries, *[task[2] for task in tasks], BATCH]))


def read_welcome(frame: bytes) -> tuple[bytes, int, float]:
    """Return origin, which greeting is answered, and ``ack_wait``; ``struct.error`` if that is not in it."""
    return _WELCOME.unpack(frame)[1:]


def read_task(frame: bytes) -> tuple[int, int]:
    """Return number and attempt of a single task; ``struct.error`` if they are not in it."""
    return _TASK.unpack_from(frame)[1:]


def read_tasks(frame: bytes) -> list[tuple[int, int, bytes]]:
    """Return number, attempt and message of several tasks; ``ValueError`` or ``struct.error`` if it is cut short."""
    count = _COUNT.unpack_from(frame)[1]
    start = _COUNT.size + count * _ENTRY.size
    tasks = []
    for number, attempt, length in _ENTRY.iter_unpack(frame[_COUNT.size : start]):
        tasks.append((number, attempt, frame[start : start + length]))
        start += length
    if len(tasks) != count or start != len(frame) - len(BATCH):
        raise ValueError('a frame of tasks is cut short')
    return tasks


# -- Written by the worker ----------------------------------------------------------------------------------------


def hello(greeting: Greeting) -> bytes:
    """Say who this worker is."""
    return HELLO + json.dumps(greeting._asdict()).encode()


def done(origin: bytes, numbers: list[int]) -> bytes:
    """Acknowledge tasks."""
    return DONE + origin + struct.pack(f'>{len(numbers)}Q', *numbers)


def failed(origin: bytes, number: int, error: str) -> bytes:
    """Say that a handler failed."""
    return FAILED + origin + number.to_bytes(8, 'big') + error.encode(errors='replace')


def released(origin: bytes, number: int) -> bytes:
    """Give back a task that was begun."""
    return RELEASED + origin + number.to_bytes(8, 'big')


def read_hello(frame: bytes) -> Greeting:
    """Return what a worker says of itself; ``ValueError``, ``TypeError`` or ``KeyError`` if it is no greeting."""
    facts: dict[str, Any] = json.loads(frame[1:])
    greeting = Greeting(**{name: facts[name] for name in Greeting._fields})
    for name, value in greeting._asdict().items():
        kind = str if name in ('id', 'name', 'space') else int
        if type(value) is not kind:
            raise ValueError(f'{value!r} is no {name}')
    if greeting.prefetch < 1 or not 0 <= greeting.hello < 2**32:
        raise ValueError('a worker that takes nothing')
    return greeting


def read_numbers(frame: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return origin and numbers of tasks that are done; ``struct.error`` if they are cut short."""
    count, rest = divmod(len(frame) - 1 - ORIGIN_LENGTH, 8)
    if rest or count < 1:
        raise ValueError('numbers are cut short')
    return frame[1 : 1 + ORIGIN_LENGTH], struct.unpack_from(f'>{count}Q', frame, 1 + ORIGIN_LENGTH)


def read_failed(frame: bytes) -> tuple[bytes, int, str]:
    """Return origin, number and text of a failure (a release has no text); ``ValueError`` if it is cut short."""
    text = 1 + ORIGIN_LENGTH + 8
    if len(frame) < text:
        raise ValueError('a failure is cut short')
    number = int.from_bytes(frame[1 + ORIGIN_LENGTH : text], 'big')
    return frame[1 : 1 + ORIGIN_LENGTH], number, frame[text:].decode(errors='replace')
