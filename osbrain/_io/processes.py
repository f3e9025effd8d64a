"""Watching processes of this machine: each has a descriptor that becomes readable when it ends, and all of them one."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable

from .._pids import descriptor


class ProcessWatch:
    """Tells when processes end, at once, on Linux (pidfd_open(2)); elsewhere it watches nothing."""

    def __init__(self) -> None:
        self._poll = select.epoll() if hasattr(os, 'pidfd_open') else None
        self._actions: dict[int, Callable[[], None]] = {}

    @property
    def fd(self) -> int | None:
        """Readable when :meth:`serve` has something to do; ``None`` where nothing can be watched."""
        return None if self._poll is None else self._poll.fileno()

    def watch(self, pid: int, started: int, action: Callable[[], None]) -> Callable[[], None]:
        """Have *action* run when the process *pid* that was *started* then ends; returns what stops the watching.

        ``ProcessLookupError`` if it has ended already.
        """
        if self._poll is None:
            return _nothing
        fd = descriptor(pid, started)
        if fd is None:  # whoever asks has another way to notice
            return _nothing
        self._actions[fd] = action
        self._poll.register(fd, select.EPOLLIN)
        return lambda: self._forget(fd)

    def _forget(self, fd: int) -> None:
        if self._actions.pop(fd, None) is not None and self._poll is not None:
            with contextlib.suppress(OSError, ValueError):
                self._poll.unregister(fd)
            os.close(fd)

    def serve(self) -> None:
        """Run the actions for the processes that have ended."""
        if self._poll is None:
            return
        for fd, _ in self._poll.poll(0):
            action = self._actions.get(fd)
            self._forget(fd)
            if action is not None:
                action()

    def close(self) -> None:
        """Watch nothing more."""
        for fd in list(self._actions):
            self._forget(fd)
        if self._poll is not None:
            self._poll.close()


def _nothing() -> None:
    """Stop what was never begun."""
