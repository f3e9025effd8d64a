"""Waiting on file descriptors: the loop's standing set, single waits, and the bell by which other threads end them."""

from __future__ import annotations

import contextlib
import select
import selectors
import signal
import socket
import sys
from typing import Protocol

# poll(2) takes its milliseconds as an int: whoever waits for longer looks again.
_LONGEST = 1_000_000.0


class Bell:
    """A descriptor that any thread can make readable, and the arrival of a signal too.

    A signal that arrives just before the main thread blocks would wait there unseen until something wakes it: Python
    runs its handlers between instructions only (https://docs.python.org/3/library/signal.html, signal.set_wakeup_fd).
    """

    def __init__(self) -> None:
        self._ear, self._hammer = socket.socketpair()
        for end in (self._ear, self._hammer):
            end.setblocking(False)

    @property
    def fd(self) -> int:
        """What to wait on."""
        return self._ear.fileno()

    def ring(self) -> None:
        """End the wait of whoever waits on :attr:`fd`."""
        with contextlib.suppress(OSError):  # closed, or rung already more often than it can hold
            self._hammer.send(b'\0')

    def ring_at_signals(self) -> None:
        """Ring whenever this process gets a signal; to be called in its main thread."""
        signal.set_wakeup_fd(self._hammer.fileno(), warn_on_full_buffer=False)

    def silence(self) -> None:
        """Make the descriptor unreadable again."""
        with contextlib.suppress(OSError):
            self._ear.recv(4096)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptors back."""
        self._ear.close()
        self._hammer.close()


if sys.platform == 'linux':

    class Poller:
        """A standing set of descriptors, waited on together; the price does not grow with the set."""

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def add(self, fd: int) -> None:
            """Watch *fd* for input."""
            self._epoll.register(fd, select.EPOLLIN)

        def remove(self, fd: int) -> None:
            """Watch *fd* no more."""
            with contextlib.suppress(OSError, ValueError):
                self._epoll.unregister(fd)

        def wait(self, seconds: float) -> list[int]:
            """Return the readable descriptors, after at most *seconds*."""
            return [fd for fd, _ in self._epoll.poll(min(seconds, _LONGEST))]

        def close(self) -> None:
            """Give the set's own descriptor back."""
            self._epoll.close()

else:

    class Poller:
        """A standing set of descriptors, waited on together."""

        def __init__(self) -> None:
            self._selector = selectors.DefaultSelector()

        def add(self, fd: int) -> None:
            """Watch *fd* for input."""
            self._selector.register(fd, selectors.EVENT_READ)

        def remove(self, fd: int) -> None:
            """Watch *fd* no more."""
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._selector.unregister(fd)

        def wait(self, seconds: float) -> list[int]:
            """Return the readable descriptors, after at most *seconds*."""
            return [key.fd for key, _ in self._selector.select(min(seconds, _LONGEST))]

        def close(self) -> None:
            """Give the set's own descriptor back."""
            self._selector.close()


class Interruption(Protocol):
    """What can end a wait of the loop's thread from outside."""

    @property
    def fd(self) -> int:
        """Readable when :meth:`serve` has something to do that it had not when it was last asked."""

    def silence(self) -> None:
        """Make :attr:`fd` unreadable again."""

    def serve(self) -> float | None:
        """Do what cannot wait; may raise to end the wait. Seconds until it wants to be asked again, if it does."""


class Pair:
    """Two descriptors, waited on together by one thread, again and again."""

    def __init__(self, first: int, second: int) -> None:
        self.second = second
        self._both = [first, second]
        self._poll = select.poll() if hasattr(select, 'poll') else None
        if self._poll is not None:
            self._poll.register(first, select.POLLIN)
            self._poll.register(second, select.POLLIN)

    def wait(self, seconds: float | None) -> list[int]:
        """Which of them are readable, after at most *seconds* (``None``: when one is)."""
        if self._poll is None:
            return wait_readable(self._both, seconds)
        return [fd for fd, _ in self._poll.poll(_milliseconds(seconds))]


class Look:
    """Looks at one descriptor again and again, without waiting: whether it is readable."""

    __slots__ = ('_fd', '_poll')

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll() if hasattr(select, 'poll') else None
        if self._poll is not None:
            self._poll.register(fd, select.POLLIN)

    def __call__(self) -> bool:
        """Whether it is; also when it is closed."""
        return bool(wait_readable([self._fd], 0) if self._poll is None else self._poll.poll(0))


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, int(min(seconds, _LONGEST) * 1000 + 0.999))


def wait_readable(fds: list[int], seconds: float | None) -> list[int]:
    """Which of *fds* are readable, after at most *seconds* (``None``: when one is)."""
    if not hasattr(select, 'poll'):
        return select.select(fds, [], [], seconds)[0]
    return _poll(fds, select.POLLIN, seconds)


# What a descriptor shows when its other end is gone, whatever is left to be read; elsewhere a broken one shows itself.
_HANG_UP = getattr(select, 'POLLRDHUP', 0)


def wait_hung_up(fds: list[int], seconds: float | None) -> list[int]:
    """Which of *fds* have lost their other end, after at most *seconds* (``None``: when one has)."""
    return _poll(fds, _HANG_UP, seconds)


def _poll(fds: list[int], events: int, seconds: float | None) -> list[int]:
    poll = select.poll()
    for fd in fds:
        poll.register(fd, events)
    return [fd for fd, _ in poll.poll(_milliseconds(seconds))]
