"""What has happened to agents, numbered, for whoever wants to know of each once."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count

from .._clock import Deadline
from .._events import AgentEvent
from .._ids import unique_identifier
from .status import AgentStatus

# Who was not told of so many events in a row has to look at the list of agents anew.
_KEPT = 8192


@dataclass(frozen=True)
class News:
    """Answer to who asks what has happened."""

    #: Which log this is of: a name server that is started again begins another one.
    log: str
    #: Number of the newest event.
    newest: int
    events: tuple[AgentEvent, ...] = ()
    #: Whether events that were asked for are not kept any more, or were never in this log.
    missed: bool = False
    #: Who is there, by name, if events were missed.
    present: dict[str, AgentStatus] = field(default_factory=dict)
    #: Whether the name server is ending: nothing more will come from it.
    ending: bool = False


class EventLog:
    """The latest events, in order."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.identifier = unique_identifier().decode()
        self._events: deque[AgentEvent] = deque(maxlen=kept)
        self._numbers = count(1)
        #: Number of the newest event.
        self.newest = 0
        self._ending = False
        self._news = threading.Condition()

    def add(self, kind: str, name: str, uri: str, reason: str | None = None) -> AgentEvent:
        """Note what has happened just now."""
        with self._news:
            self.newest = next(self._numbers)
            event = AgentEvent(self.newest, kind, name, uri, reason, time.time())
            self._events.append(event)
            self._news.notify_all()
        return event

    def after(self, log: str, number: int, seconds: float) -> News:
        """Return the events after *number* of *log*; wait for the first one for at most *seconds*."""
        with self._news:
            if log != self.identifier or number > self.newest:
                return News(self.identifier, self.newest, missed=True, ending=self._ending)
            self._news.wait_for(lambda: self._ending or self.newest > number, Deadline(max(0.0, seconds)).left)
            new = min(self.newest - number, len(self._events))
            events = tuple(self._events[index] for index in range(len(self._events) - new, len(self._events)))
            missed = new < self.newest - number
            return News(self.identifier, self.newest, () if missed else events, missed, ending=self._ending)

    def end(self) -> None:
        """Let everybody who waits go: no more events will come."""
        with self._news:
            self._ending = True
            self._news.notify_all()
