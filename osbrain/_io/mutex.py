"""A mutual exclusion that costs next to nothing while nobody else wants it."""

from __future__ import annotations

import threading
from collections import deque

from ..errors import WaitTimeout

# Who has it does nothing that waits. Only one who asks for what he has himself, in a signal's handler, waits so long.
_SECONDS = 10.0


class Mutex:
    """Held by one thread at a time; not to be asked for again by the one that holds it.

    A lock of :mod:`threading` is an atomic instruction each way, and such an instruction waits until everything that
    was written before it, a message's pickle for example, has left the processor's store buffer: 0.15 us a message, a
    tenth of its price. Here a list with one item, the token, does: ``pop`` and ``append`` are atomic for the threads of
    one interpreter. A hot path claims and gives it back in place, as ``__enter__`` and ``__exit__`` do.
    """

    __slots__ = ('claim', 'give', 'waiting')

    def __init__(self) -> None:
        token = [None]
        #: Take the token; ``IndexError`` if somebody has it.
        self.claim = token.pop
        #: Put the token back; whoever does looks at :attr:`waiting` next.
        self.give = token.append
        #: Those who wait, each behind a gate of his own.
        self.waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        try:
            self.claim()
        except IndexError:
            self.wait()

    def __exit__(self, *_: object) -> None:
        self.give(None)
        if self.waiting:
            self.pass_on()

    def wait(self) -> None:
        """Get the token from whoever has it."""
        gate = threading.Lock()
        gate.acquire()
        self.waiting.append(gate)
        try:
            self.claim()  # It may have been given back before anybody could see us wait.
        except IndexError:
            if gate.acquire(timeout=_SECONDS):
                return
        else:
            self.waiting.remove(gate)
            return
        try:
            self.waiting.remove(gate)
        except ValueError:  # It came just now.
            return
        raise WaitTimeout('a socket is in use by another thread', _SECONDS)

    def pass_on(self) -> None:
        """Hand the token to the first who waits: left to chance, a thread that sends all the time would keep it."""
        while self.waiting:
            try:
                self.claim()
            except IndexError:
                return  # Whoever was quicker passes it on.
            try:
                gate = self.waiting.popleft()
            except IndexError:
                self.give(None)
            else:
                gate.release()
                return
