"""What happens to a process in the foreground, signals included, one thing after the other."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator
from enum import IntEnum
from typing import TypeVar

_E = TypeVar('_E', bound='Events')


class Event(IntEnum):
    """What can happen. Each is a byte, and none is the number of a signal, which are below 65."""

    #: Ctrl-C.
    INTERRUPT = 128
    #: Another signal that asks the process to end. A shell may send one twice: when its terminal is closed, for one.
    SIGNAL = 129
    #: Somebody elsewhere asks the process to end.
    ASKED = 130
    #: Some work is done.
    DONE = 131


_OF_SIGNALS = {int(signal.SIGINT): Event.INTERRUPT, int(signal.SIGTERM): Event.SIGNAL}
# Where there are terminals that can be closed.
_HANGUP = getattr(signal, 'SIGHUP', None)
if _HANGUP is not None:
    _OF_SIGNALS[int(_HANGUP)] = Event.SIGNAL


class Events:
    """A queue of events that signals are put into as well.

    It is a pipe, into which the interpreter itself writes the number of a signal. A handler in Python is no substitute:
    a signal that arrives just before the main thread blocks on a lock, as in ``Queue.get`` or ``Event.wait``, is only
    looked at when something else wakes that thread (on a busy machine one or two of 1,500 signals were lost so).
    """

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._in.setblocking(False)

    def tell(self, event: Event) -> None:
        """Put an event into the queue, from any thread; once it is closed, nobody is told."""
        with contextlib.suppress(OSError):
            self._in.send(bytes([event]))

    def next(self) -> Event:
        """Wait for the next event; in the main thread only."""
        while True:
            byte = self._out.recv(1)[0]
            if byte in _OF_SIGNALS:
                return _OF_SIGNALS[byte]
            # The interpreter tells of all signals that Python handles; not all are of interest.
            with contextlib.suppress(ValueError):
                return Event(byte)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """For the time of a block, let the signals that end a process be events instead."""
        # nohup has the end of a terminal ignored, which is to stay so.
        numbers = [
            number for number in _OF_SIGNALS if number != _HANGUP or signal.getsignal(number) is not signal.SIG_IGN
        ]
        wakeup = signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)

    def close(self) -> None:
        """End the queue."""
        self._out.close()
        self._in.close()

    def __enter__(self: _E) -> _E:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
