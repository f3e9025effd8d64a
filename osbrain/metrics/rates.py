"""How fast everything goes: what agents have counted, compared with what they had when they were asked before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .._remote.lookout import Sight
from .._stats import AgentStats, EndpointStats, Histogram, Traffic


class Flow(NamedTuple):
    """What goes through something, in one direction."""

    messages_per_s: float = 0.0
    #: Of the frames, topics and envelopes included.
    bytes_per_s: float = 0.0


NO_FLOW = Flow()


@dataclass(frozen=True)
class EndpointRates:
    """What one endpoint did between two looks; alias, kind and addresses are those of its stats."""

    alias: str
    kind: str
    addresses: tuple[str, ...]
    sent: Flow
    received: Flow
    #: How long decoding and handling took, of what was handled in between.
    handling: Histogram
    errors_per_s: float

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What tells it from the other endpoints of its agent."""
        return self.alias, self.kind, self.addresses


@dataclass(frozen=True)
class AgentRates:
    """What one agent did between two looks."""

    name: str
    #: Seconds between the two, by the agent's own clock; since it was made, if it was not seen before.
    seconds: float
    sent: Flow
    received: Flow
    #: Share of one processor that its process used: 0.25 is a quarter, 2.0 are two of them.
    cpu: float
    #: Share of the time that its handlers took.
    busy: float
    #: Of handlers, timers and called methods.
    errors_per_s: float
    undecodable_per_s: float
    overflows_per_s: float
    endpoints: tuple[EndpointRates, ...]

    @property
    def messages_per_s(self) -> float:
        """How many messages went in and out."""
        return self.sent.messages_per_s + self.received.messages_per_s

    @property
    def bytes_per_s(self) -> float:
        """How many bytes went in and out."""
        return self.sent.bytes_per_s + self.received.bytes_per_s


def rates(before: Sight | None, after: Sight) -> dict[str, AgentRates]:
    """Return how fast each agent that answered at the look *after* has been since the one *before*.

    Of an agent that did not answer before, or was started anew since, the mean since it was made.
    """
    earlier = {} if before is None else {name: agent.stats for name, agent in before.agents.items()}
    answers = {name: agent.stats for name, agent in after.agents.items() if agent.stats is not None}
    return {name: between(earlier.get(name), stats) for name, stats in answers.items()}


def between(before: AgentStats | None, after: AgentStats) -> AgentRates:
    """Return how fast one agent was between two readings of its counters."""
    if before is not None and not _is_later(before, after):
        before = None
    seconds = after.uptime if before is None else after.monotonic - before.monotonic
    earlier = {} if before is None else {_key(one): one for one in before.endpoints}
    endpoints = tuple(_endpoint(earlier.get(_key(one)), one, seconds) for one in after.endpoints)
    return AgentRates(
        name=after.name,
        seconds=seconds,
        sent=_together([one.sent for one in endpoints]),
        received=_together([one.received for one in endpoints]),
        cpu=_per_second(after.cpu - (before.cpu if before else 0.0), seconds),
        busy=_per_second(sum(one.handling.total for one in endpoints), seconds),
        errors_per_s=_per_second(after.errors - (before.errors if before else 0), seconds),
        undecodable_per_s=_per_second(after.undecodable - (before.undecodable if before else 0), seconds),
        overflows_per_s=_per_second(after.overflows - (before.overflows if before else 0), seconds),
        endpoints=endpoints,
    )


def _is_later(before: AgentStats, after: AgentStats) -> bool:
    """Whether both are of the very same agent, in this order: one that took its place has counted from 0."""
    made_before, made = before.monotonic - before.uptime, after.monotonic - after.uptime
    # The clock of another machine, or of one that was started anew, differs by more than reading it twice takes.
    return before.pid == after.pid and before.monotonic < after.monotonic and abs(made - made_before) < 0.5


def _key(endpoint: EndpointStats) -> tuple[str, str, tuple[str, ...]]:
    return endpoint.alias, endpoint.kind, endpoint.addresses


def _endpoint(before: EndpointStats | None, after: EndpointStats, seconds: float) -> EndpointRates:
    # One that was opened since, or again under the same address, has counted from 0.
    if before is None or not _has_grown(before, after):
        before = EndpointStats(after.alias, after.kind, after.role, after.transport, after.serializer, after.addresses)
    return EndpointRates(
        alias=after.alias,
        kind=after.kind,
        addresses=after.addresses,
        sent=_flow(before.sent, after.sent, seconds),
        received=_flow(before.received, after.received, seconds),
        handling=since(before.handling, after.handling),
        errors_per_s=_per_second(after.errors - before.errors, seconds),
    )


def _has_grown(before: EndpointStats, after: EndpointStats) -> bool:
    return (
        before.sent.messages <= after.sent.messages
        and before.received.messages <= after.received.messages
        and before.handling.count <= after.handling.count
    )


def _flow(before: Traffic, after: Traffic, seconds: float) -> Flow:
    return Flow(
        _per_second(after.messages - before.messages, seconds), _per_second(after.bytes - before.bytes, seconds)
    )


def _together(flows: list[Flow]) -> Flow:
    return Flow(sum(one.messages_per_s for one in flows), sum(one.bytes_per_s for one in flows))


def _per_second(amount: float, seconds: float) -> float:
    return max(0.0, amount / seconds) if seconds > 0 else 0.0


def since(before: Histogram, after: Histogram) -> Histogram:
    """Return what *after* has that *before* had not; ``longest`` is at least as long as the longest in between.

    It is that one itself if it is the longest of all, or else the bound below which it was.
    """
    if before.bounds != after.bounds or len(before.counts) != len(after.counts):
        return after
    counts = tuple(max(0, late - early) for early, late in zip(before.counts, after.counts, strict=True))
    highest = max((place for place, count in enumerate(counts) if count), default=None)
    longest = 0.0
    if highest is not None:
        bound = after.bounds[highest] if highest < len(after.bounds) else after.longest
        longest = after.longest if after.longest > before.longest else min(bound, after.longest)
    return Histogram(counts, max(0.0, after.total - before.total), longest, after.bounds)
