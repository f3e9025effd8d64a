"""Who waits for whom: safe calls between agents that would wait in a circle are refused instead.

Every safe call that an agent's loop makes carries the identities of all who wait for it: the agent itself, whoever
waits for the job that it is doing, and whoever waits in its mailbox. The agent that is called looks whether it is among
them, or whether it is itself waiting for one of them; if it waits for somebody else, it asks that one the same
question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import CallCycle

#: Asks the agent that is waited for whether it waits for one of these, directly or not; the path there, or ``()``.
Question = Callable[[tuple[str, ...]], tuple[str, ...]]

_SEPARATOR = '\0'


def identity_of(name: str, uuid: bytes) -> str:
    """Return what stands for an agent in the lists of who waits; names alone may come again."""
    return name + _SEPARATOR + uuid.decode()


def _names(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(who.partition(_SEPARATOR)[0] for who in path)


class Waits:
    """What one agent knows of who waits for whom."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        #: Who waits for the job that the loop is doing.
        self.job: tuple[str, ...] = ()
        self._blocked: tuple[str, Question] | None = None
        self._lock = threading.Lock()

    @contextmanager
    def calling(self, callee: str, ask: Question, queued: Callable[[], tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        """Around a safe call of the loop to *callee*: gives the identities of all who wait for it."""
        if callee == self.identity:
            raise CallCycle(_names((self.identity, callee)))
        self._blocked = (callee, ask)
        try:
            yield tuple(dict.fromkeys((*self.job, *queued(), self.identity)))
        finally:
            self._blocked = None

    def path_to(self, those: tuple[str, ...]) -> tuple[str, ...]:
        """Return the path from this agent to one of *those* that it waits for, itself first, or ``()``."""
        if self.identity in those:
            return (self.identity,)
        blocked = self._blocked
        if blocked is None:
            return ()
        callee, ask = blocked
        rest = (callee,) if callee in those else ask(those)
        return (self.identity, *rest) if rest else ()

    def refuse_circle(self, those: tuple[str, ...]) -> None:
        """:class:`~osbrain.errors.CallCycle` if a job for which *those* wait would wait for one of them."""
        if not those:
            return
        path = self.path_to(those)
        if path:
            # From the one that closes the circle, along those who wait in a row, to this agent and on to it again.
            raise CallCycle(_names((*those[those.index(path[-1]) :], *path)))
