"""The thread at the gate of an agent whose sockets use CURVE: it says who may come in, and who was refused.

pyzmq's own handler (zmq.auth.thread) runs an asyncio loop in its thread, and the monitors would need another one.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from .._security.keyring import Keyring, keyring
from .._security.refusals import OnceAMinute
from ..errors import KeyUnusable
from .curve import ZAP, admitted_clients, zap_answer
from .poller import Bell, Poller
from .refusals import BoundEnd, ConnectedEnd, Refusal, another_key

_NOBLOCK = int(zmq.NOBLOCK)
_UNTIL_SOMETHING_HAPPENS = 1e6
_STOPPED = int(zmq.EVENT_MONITOR_STOPPED)

_numbers = itertools.count()


class Gate(threading.Thread):
    """Serves the sockets of one *context*; ends when the context does.

    *report* is called with a level and a text, in this thread.
    """

    def __init__(self, context: zmq.Context[Any], report: Callable[[str, str], object]) -> None:
        super().__init__(name='osbrain-gate', daemon=True)
        self._context = context
        self._report = report
        self._lock = threading.Lock()
        self._new: deque[tuple[zmq.Socket[Any], BoundEnd | ConnectedEnd]] = deque()
        self._ended = False
        self._ends: dict[int, tuple[zmq.Socket[Any], BoundEnd | ConnectedEnd]] = {}
        self._said = OnceAMinute()
        self._known: tuple[Keyring | None, frozenset[bytes]] = (None, frozenset())
        #: How many connections were refused, by either end.
        self.refused = 0
        self._bell = Bell()
        self._poller = Poller()
        self._zap = context.socket(zmq.REP)
        self._zap.setsockopt(zmq.LINGER, 0)
        self._zap.bind(ZAP)
        self.start()

    def watch(self, socket: zmq.Socket[Any], end: BoundEnd | ConnectedEnd) -> None:
        """Tell *end* of what happens on *socket*, until it is closed."""
        name = f'inproc://osbrain-gate-{next(_numbers)}'
        socket.monitor(name, end.events | _STOPPED)
        ear = self._context.socket(zmq.PAIR)
        ear.setsockopt(zmq.LINGER, 0)
        ear.connect(name)
        with self._lock:
            if self._ended:
                ear.close(0)
                return
            self._new.append((ear, end))
        self._bell.ring()

    # -- In the thread ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Answer and listen, until the context is ended."""
        try:
            for fd in (self._bell.fd, self._zap.FD):
                self._poller.add(fd)
            spoken = [self._zap.FD]
            while True:
                for fd in spoken:
                    if fd == self._zap.FD:
                        self._answer_all()
                    elif fd == self._bell.fd:
                        self._bell.silence()
                        self._admit_new()
                    elif fd in self._ends:
                        self._listen(fd)
                spoken = self._poller.wait(_UNTIL_SOMETHING_HAPPENS)
        except zmq.ZMQError as error:
            if error.errno != zmq.ETERM:
                raise
        finally:
            self._close()

    def _admit_new(self) -> None:
        while self._new:
            ear, end = self._new.popleft()
            fd = int(ear.FD)
            self._ends[fd] = ear, end
            self._poller.add(fd)
            # ZeroMQ's descriptors tell of news only: what has come before has to be looked for.
            self._listen(fd)

    def _listen(self, fd: int) -> None:
        ear, end = self._ends[fd]
        while (frames := _received(ear)) is not None:
            event = parse_monitor_message(frames)
            if event['event'] == _STOPPED:
                self._poller.remove(fd)
                del self._ends[fd]
                ear.close(0)
                return
            said = end.take(int(event['event']), event['value'], event['endpoint'].decode(errors='replace'))
            if said is not None:
                self._refused(said)

    def _answer_all(self) -> None:
        while (request := _received(self._zap)) is not None:
            answer, lets_in = zap_answer(request, self._admitted())
            self._zap.send_multipart(answer)
            if not lets_in:
                host = request[3].decode(errors='replace') if len(request) > 3 else ''
                self._refused(another_key(host, host, 'a socket of this agent'))

    def _admitted(self) -> frozenset[bytes]:
        """Return the keys of the clients that may come in; those known last if the key file has become unusable."""
        ring, admitted = self._known
        try:
            current = keyring()
        except KeyUnusable as error:
            self._say(Refusal(('', 'key file'), f'{error}; those who were let in before still are', 'ERROR'))
            return admitted
        if current is not ring:
            admitted = admitted_clients(current.keys)
            self._known = current, admitted
        return admitted

    def _refused(self, refusal: Refusal) -> None:
        self.refused += 1
        self._say(refusal)

    def _say(self, refusal: Refusal) -> None:
        if self._said.lets_through(*refusal.who):
            # Whatever is wrong with the logger: as long as this thread does not go on, nobody comes in.
            with contextlib.suppress(Exception):
                self._report(refusal.level, refusal.text)

    def _close(self) -> None:
        with self._lock:
            self._ended = True
        for ear, _ in (*self._ends.values(), *self._new):
            ear.close(0)
        self._zap.close(0)
        self._poller.close()
        self._bell.close()


def _received(socket: zmq.Socket[Any]) -> list[bytes] | None:
    """Return the message that is there, if there is one."""
    try:
        return socket.recv_multipart(_NOBLOCK)
    except zmq.Again:
        return None
