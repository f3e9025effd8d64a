"""What happens to agents, as values: births, deaths and what is in between."""

from __future__ import annotations

from dataclasses import dataclass

#: Kinds of events.
BIRTH, RUNNING, STOPPED, DEATH = 'birth', 'running', 'stopped', 'death'


@dataclass(frozen=True)
class AgentEvent:
    """Something that has happened to an agent.

    ``kind`` is ``'birth'`` (it was registered), ``'running'``, ``'stopped'`` (it was stopped or crashed) or
    ``'death'`` (it has given its name back, or its process has ended); ``reason`` says why, where there is a reason.
    """

    #: Counted by the name server, from 1; 0 if it is no event of the name server's, but a conclusion of whoever asked.
    number: int
    kind: str
    name: str
    uri: str = ''
    reason: str | None = None
    #: In seconds since the epoch.
    when: float = 0.0
