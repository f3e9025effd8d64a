"""What a dispatcher writes down of its tasks, where it has a journal; where it has none, nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..errors import JournalFailed
from .dispatch import Task


class Journal(Protocol):
    """Where tasks are kept beyond the end of the process (osbrain._io.journal)."""

    origin: bytes

    @property
    def first_number(self) -> int:
        """A number above all that were ever given out."""

    def kept(self) -> list[Any]:
        """Every task that is there, in order."""

    def add(self, first: int, bodies: list[Any]) -> None:
        """Write down tasks."""

    def done(self, numbers: list[int]) -> None:
        """Note that these can go."""

    def note(self, number: int, attempts: int, failures: int, error: str, given_up: bool) -> None:
        """Write down what became of an attempt."""

    def flush(self) -> None:
        """Commit what was noted."""

    def close(self) -> None:
        """Let go of the file."""


class Clerk(Protocol):
    """What a ledger needs of the agent."""

    def at_turn_end(self, action: Callable[[], None]) -> None:
        """Run *action* in the loop, once, when the messages that are there have been handled."""

    def warn(self, text: str) -> None:
        """Log a warning."""


class Ledger:
    """Writes tasks down at once, and together what became of them; its owner's *lock* is held meanwhile."""

    __slots__ = ('_clerk', '_flushing', '_journal', '_lock')

    def __init__(self, clerk: Clerk, lock: threading.Condition, journal: Journal | None) -> None:
        self._clerk, self._lock, self._journal = clerk, lock, journal
        self._flushing = False

    @property
    def lasts(self) -> bool:
        """Whether what is written down outlives the process."""
        return self._journal is not None

    def add(self, first: int, bodies: list[Any]) -> None:
        """Write down new tasks; :class:`~osbrain.errors.JournalFailed` if that is impossible."""
        if self._journal is not None:
            self._journal.add(first, bodies)

    def strike(self, numbers: list[int]) -> None:
        """Strike out tasks that need not be remembered, at the end of the turn or with the next that are added."""
        if self._journal is not None and numbers:
            self._journal.done(numbers)
            if not self._flushing:
                self._flushing = True
                self._clerk.at_turn_end(self._flush)

    def note(self, tasks: Iterable[Task]) -> None:
        """Write down how often these were tried, and whether they were given up."""
        if self._journal is not None:
            for task in tasks:
                facts = (task.number, task.attempts, task.failures, task.error, not task.open)
                self._unharmed(self._journal.note, *facts)

    def _flush(self) -> None:
        with self._lock:
            self._flushing = False
            if self._journal is not None:
                self._unharmed(self._journal.flush)

    def _unharmed(self, write: Callable[..., None], *args: Any) -> None:
        """Write what may be missing: tasks would only be repeated, and only if this process ended now."""
        try:
            write(*args)
        except JournalFailed as error:
            self._clerk.warn(str(error))

    def close(self) -> None:
        """Write down what is left to write, and let go of the file."""
        self._flush()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
