r"""How a tap writes to whoever listens to it, and what it hears.

Tap to listener::

    number 8  when 8  direction 1  frame         what went through a socket, if it is one small frame
    number 8  when 8  direction 1                the same otherwise; its frames follow

Listener to tap, on the connection by which it is subscribed::

    \x02  copies 8  bytes 8                      so much more has been taken in

Numbers are big-endian and without gaps, so that the listener knows what it has missed; *when* is in seconds since the
epoch. No pickle is needed to read any of it.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any, NamedTuple

from .serializers import Frames

#: As many copies, and as many bytes, may be on their way to a listener; what comes on top is dropped, and its number
#: tells. One that is stopped, or slow, costs no more memory than this.
MOST_COPIES = 100_000
MOST_BYTES = 64 << 20
#: A listener says what it has taken in after so much of it: often enough for a tap never to run dry.
SETTLED_COPIES = 1_000
SETTLED_BYTES = 1 << 20

_HEADER = struct.Struct('>QdB')
_TAKEN = struct.Struct('>cQQ')
_TAKEN_BEGINS = b'\x02'
# Up to here it is cheaper to put a frame behind its header than to send one more.
_TOGETHER = 4096


class Framing(NamedTuple):
    """What has to be known of a socket to read the frames that go through it."""

    #: Of the socket or channel: 'PUSH', 'SYNC_PUB' ...
    kind: str
    serializer: str
    #: What stands before every topic: a channel's identifier, or nothing.
    prefix: bytes = b''


class Direction(IntEnum):
    """Which way frames went."""

    IN = 0
    OUT = 1
    #: None: the socket was closed.
    END = 2


class Copy(NamedTuple):
    """What went through a socket."""

    number: int
    when: float
    direction: Direction
    frames: Frames


def write(copy: Copy) -> Frames:
    """Write a copy for a listener."""
    header = _HEADER.pack(*copy[:3])
    if type(copy.frames) is list:
        return [header, *copy.frames]
    return header + copy.frames if len(copy.frames) < _TOGETHER else [header, copy.frames]  # type: ignore[operator]


def read(parts: list[bytes]) -> Copy:
    """Read what :func:`write` has written; ``struct.error`` or ``ValueError`` if it is cut short."""
    number, when, direction = _HEADER.unpack_from(parts[0])
    rest: list[Any] = parts[1:] or [parts[0][_HEADER.size :]]
    return Copy(number, when, Direction(direction), rest if len(rest) > 1 else rest[0])


def taken(copies: int, size: int) -> bytes:
    """Say how much more has been taken in."""
    return _TAKEN.pack(_TAKEN_BEGINS, copies, size)


def read_taken(frame: bytes) -> tuple[int, int]:
    """Return what :func:`taken` says; nothing if it is something else."""
    if len(frame) != _TAKEN.size or frame[:1] != _TAKEN_BEGINS:
        return 0, 0
    return _TAKEN.unpack(frame)[1:]
