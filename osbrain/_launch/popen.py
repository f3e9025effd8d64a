"""What multiprocessing expects of a running child, for children that are not this process's own."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from .._clock import Deadline
from .._io.poller import wait_readable


class BasePopen:
    """A child known by its pid and a descriptor that becomes readable when it ends."""

    method = ''

    def __init__(self) -> None:
        self.pid = 0
        self.sentinel: Any = -1
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def _status(self) -> int | None:
        """Return the exit code, as :mod:`multiprocessing` writes it, once the sentinel is readable."""
        raise NotImplementedError

    def poll(self, flag: int = os.WNOHANG if hasattr(os, 'WNOHANG') else 1) -> int | None:
        """Return the exit code if the child has ended."""
        return self.wait(0 if flag else None)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the child to end, at most *timeout* seconds; its exit code if it did."""
        if self.returncode is None and wait_readable([self.sentinel], Deadline(timeout).left):
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._status()
        return self.returncode

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the child to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the child."""
        self._signal(signal.SIGKILL)

    def __del__(self) -> None:
        self.close()

    def close(self, close: Callable[[int], None] = os.close) -> None:
        """Give the descriptor back."""
        # *close* is kept here because a module's names are gone when the interpreter ends.
        if self.sentinel >= 0:
            close(self.sentinel)
        self.sentinel = -1
