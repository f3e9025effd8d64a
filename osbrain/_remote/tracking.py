"""Makes one story of what several name servers, one after the other, tell of the same agents."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from .._events import BIRTH, DEATH, AgentEvent
from .status import AgentStatus

#: Why an agent counts as dead that a name server which was started again never heard of.
NEVER_CAME_BACK = 'it did not come back when the name server did'
#: The same where events were missed, and nobody remembers why.
UNKNOWN = 'nothing is known of how'

_STARTING = 'starting'


class Tracker:
    """Who is there, as far as was told; turns what comes in into events of which none is told twice."""

    def __init__(self, present: Mapping[str, AgentStatus]) -> None:
        #: Address and state of each agent, by name.
        self._known = {name: (record.uri, record.state) for name, record in present.items()}

    def take(self, event: AgentEvent) -> list[AgentEvent]:
        """Return what *event* means to who has been told all before: itself, nothing, or more than it says."""
        uri, state = self._known.get(event.name, (None, None))
        if event.kind == DEATH:
            return [self._gone(event)] if uri == event.uri else []
        told: list[AgentEvent] = []
        if uri != event.uri:
            if uri is not None:
                told.append(self.died(event.name, uri, NEVER_CAME_BACK, event.when))
            told.append(event if event.kind == BIRTH else replace(event, kind=BIRTH, reason=None))
            self._known[event.name] = (event.uri, _STARTING)
            state = _STARTING
        if event.kind not in (BIRTH, state):
            told.append(event)
            self._known[event.name] = (event.uri, event.kind)
        return told

    def compare(self, present: Mapping[str, AgentStatus]) -> list[AgentEvent]:
        """Return what must have happened to those who are *present*; others may be on their way back."""
        told: list[AgentEvent] = []
        for name, record in present.items():
            now = time.time()
            told += self.take(AgentEvent(0, BIRTH, name, record.uri, None, record.since or now))
            if record.state != _STARTING:
                told += self.take(AgentEvent(0, record.state, name, record.uri, record.reason, now))
        return told

    def missing(self, present: Mapping[str, AgentStatus]) -> dict[str, str]:
        """Return the addresses of those who are known, but not *present* (others may be by their names), by name."""
        return {name: uri for name, (uri, _) in self._known.items() if name not in present or present[name].uri != uri}

    def died(self, name: str, uri: str, reason: str, when: float) -> AgentEvent:
        """Conclude that the agent *name* at *uri* is dead."""
        return self._gone(AgentEvent(0, DEATH, name, uri, reason, when))

    def _gone(self, event: AgentEvent) -> AgentEvent:
        del self._known[event.name]
        return event
