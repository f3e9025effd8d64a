"""Messages that have failed too often: handed to ``on_failed``, or kept for whoever looks after them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .dispatch import Task
from .handlers import delivery_call
from .serializers import Codec, Frames
from .work import TaskFailure

#: How many are kept.
KEPT = 1_000


class Reporter(Protocol):
    """What this needs of the agent."""

    agent: Any

    def at_turn_end(self, action: Callable[[], None]) -> None:
        """Run *action* in the loop, once, when the messages that are there have been handled."""

    def log(self, level: str, message: Any) -> None:
        """Log one record."""


class GivenUp:
    """The end of tasks that were given up; *strike* hears of those that need not be remembered any more."""

    __slots__ = ('_call', '_codec', '_host', '_kept', '_strike', '_wants')

    def __init__(self, host: Reporter, codec: Codec, on_failed: Any, strike: Callable[[list[int]], None]) -> None:
        self._host, self._codec, self._strike = host, codec, strike
        self._call: Callable[..., Any] | None = None
        self._wants = False
        if on_failed is not None:
            self._call, self._wants = delivery_call(on_failed, host.agent)
        self._kept: deque[tuple[Task, TaskFailure]] = deque()

    def take(self, task: Task, failure: TaskFailure, alias: Any) -> None:
        """See to one task; its handler is called when the loop has handled the messages that are there."""
        if self._call is not None:
            self._host.at_turn_end(lambda: self._hand_over(task, failure))
            return
        self._keep(task, failure)
        times = 'once' if failure.attempts == 1 else f'{failure.attempts} times'
        why = f'it failed {times}, the last time with {failure.error}'
        self._host.log('ERROR', f'Gave up message {failure.id} of {alias!r}: {why}')

    def _hand_over(self, task: Task, failure: TaskFailure) -> None:
        """Call ``on_failed``; what it cannot cope with is kept."""
        try:
            message = self._message(task.body)
            if self._call is not None:
                self._call(message, failure) if self._wants else self._call(message)
        except BaseException:
            self._keep(task, failure)
            raise
        self._strike([task.number])

    def _keep(self, task: Task, failure: TaskFailure) -> None:
        self._kept.append((task, failure))
        if len(self._kept) > KEPT:
            self._strike([self._kept.popleft()[0].number])

    def _message(self, body: Frames) -> Any:
        """Return the message in *body*, or *body* itself if it cannot be read here either."""
        try:
            return self._codec.decode(body)
        except Exception:
            return body

    def kept(self) -> list[tuple[Any, TaskFailure]]:
        """Return the messages that are kept, the latest last."""
        return [(self._message(task.body), failure) for task, failure in tuple(self._kept)]
