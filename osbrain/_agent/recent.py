"""The latest lines of an agent's log, numbered: whoever looks in later reads what was said before, logger or not."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from .._clock import Deadline
from .log import LogLevel

# Together less than a megabyte, whatever is logged: each agent has them.
_MOST_LINES = 500
_MOST_CHARACTERS = 200_000
# Of one line; a traceback is longer than this only where it repeats itself.
_LONGEST = 10_000
# Nobody waits longer for a line before he asks again, in seconds.
_PATIENCE = 60.0


@dataclass(frozen=True)
class LogLine:
    """What an agent has logged once; the text may have several lines of its own."""

    #: Counted by the agent, from 1, whatever the level is.
    number: int
    #: In seconds since the epoch.
    when: float
    #: ``'ERROR'``, ``'WARNING'``, ``'INFO'`` or ``'DEBUG'``.
    level: str
    text: str


@dataclass(frozen=True)
class LogNews:
    """Answer to who asks what an agent has logged."""

    #: Number of the newest line of any level: what to ask after next time.
    newest: int
    lines: tuple[LogLine, ...] = ()
    #: How many of those that were asked for, of any level, are not kept any more.
    missed: int = 0
    #: Whether the agent is ending: nothing more will come from it.
    ending: bool = False


class RecentLines:
    """The latest lines of one agent; written by its threads, read by those that answer others."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._characters = 0
        self._newest = 0
        self._ending = False
        # One that the same thread may enter twice: what is logged may be logged while something is.
        self._news = threading.Condition(threading.RLock())

    def add(self, level: str, text: str) -> None:
        """Keep one more line, for which the oldest may have to go."""
        if len(text) > _LONGEST:
            text = f'{text[:_LONGEST]}… ({len(text) - _LONGEST:,} characters more)'
        with self._news:
            self._newest += 1
            self._lines.append(LogLine(self._newest, time.time(), level, text))
            self._characters += len(text)
            while len(self._lines) > _MOST_LINES or self._characters > _MOST_CHARACTERS:
                self._characters -= len(self._lines.popleft().text)
            self._news.notify_all()

    def after(self, number: int, level: str | None = None, seconds: float = 0.0) -> LogNews:
        """Return the lines after *number* that are at least as grave as *level*, all without one.

        If there is none yet, the first one is waited for, for at most *seconds* (and a minute). A *number* that has not
        been given yet is another agent's, which had the name before: everything is new then.
        """
        grave = LogLevel.WORDS if level is None else LogLevel.WORDS[: LogLevel.WORDS.index(LogLevel(level)) + 1]
        deadline = Deadline(min(max(0.0, seconds), _PATIENCE))
        with self._news:
            if number > self._newest:
                number = 0
            self._news.wait_for(lambda: self._ending or bool(self._find(number, grave)), deadline.left)
            oldest = self._newest - len(self._lines)
            missed = max(0, oldest - max(0, number))
            return LogNews(self._newest, tuple(reversed(self._find(number, grave))), missed, self._ending)

    def _find(self, number: int, grave: tuple[str, ...]) -> list[LogLine]:
        """Return the lines after *number* that are so grave, the newest first."""
        found = []
        for line in reversed(self._lines):
            if line.number <= number:
                break
            if line.level in grave:
                found.append(line)
        return found

    def end(self) -> None:
        """Let everybody who waits go: the agent is ending."""
        with self._news:
            self._ending = True
            self._news.notify_all()
