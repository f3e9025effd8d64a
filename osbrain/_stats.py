"""What agents count and measure of themselves: records that travel, and what fills a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp
from typing import NamedTuple

#: What takes less than this is counted together: telling it apart would cost as much as it takes, in seconds.
SHORTEST = 16e-6
# Each bound is twice the one before.
_BOUNDS = tuple(SHORTEST * 2**power for power in range(21))


@dataclass(frozen=True)
class Histogram:
    """How long something took, again and again; all times in seconds.

    ``counts[i]`` is how often it took at most ``bounds[i]`` and more than ``bounds[i - 1]``; the last of ``counts``,
    one more than ``bounds``, is how often it took more than all of them. ``total`` is the sum of all times, ``longest``
    the longest (16 us where nothing took more: what is quicker is not told apart).
    """

    counts: tuple[int, ...] = (0,) * (len(_BOUNDS) + 1)
    total: float = 0.0
    longest: float = 0.0
    #: From 16 us to 16.8 s, each twice the one before.
    bounds: tuple[float, ...] = _BOUNDS

    @property
    def count(self) -> int:
        """How often it happened."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """Seconds on average; 0 if it has not happened."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """Return the bound, in seconds, below which this *share* of all lies (0.99: all but one of a hundred).

        No bound that is returned is above ``longest``; 0 if it has not happened.
        """
        wanted, seen = share * self.count, 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            if seen and seen >= wanted:
                return min(bound, self.longest)
        return self.longest


class Stopwatch:
    """Fills a :class:`Histogram`; of one thread."""

    __slots__ = ('counts', 'longest', 'total')

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.total = self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Note that it took *seconds*."""
        if not self.note_slow(seconds):
            self.note_quick(1, 0.0)
        self.total += seconds

    def note_quick(self, times: int, total: float) -> None:
        """Note that it took less than :data:`SHORTEST` so many *times*; *total* seconds with what is noted beside."""
        if times:
            self.counts[0] += times
            self.longest = max(self.longest, SHORTEST)
        self.total += total

    def note_slow(self, seconds: float) -> int:
        """As :meth:`add`, for what is in a total already, and only if it took more than :data:`SHORTEST`; 1 if so."""
        if seconds <= SHORTEST:
            return 0
        self.longest = max(seconds, self.longest)
        # The exponent of a power of two is one more than that of what is a little less.
        self.counts[min(frexp(seconds / SHORTEST)[1], len(_BOUNDS))] += 1
        return 1

    def read(self) -> Histogram:
        """Return what has been noted until now."""
        return Histogram(tuple(self.counts), self.total, self.longest)


class Traffic(NamedTuple):
    """What went through an endpoint, in one direction."""

    messages: int = 0
    #: Of the frames, topics and envelopes included.
    bytes: int = 0


NOTHING = Traffic()


@dataclass(frozen=True)
class EndpointStats:
    """What one socket or channel of an agent has done since it was opened."""

    #: How its agent calls it; its address if it has no alias.
    alias: str
    #: ``'PUSH'``, ``'PULL'``, … or the channel's kind: ``'ASYNC_REP'``, ``'ASYNC_REQ'``, ``'SYNC_PUB'`` …
    kind: str
    #: ``'server'`` if it was bound, ``'client'`` if it was connected.
    role: str
    #: ``'tcp'``, ``'ipc'``, ``'inproc'``.
    transport: str
    serializer: str
    #: What it is bound or connected to, as text: who has one of them in common with another's is connected to it.
    addresses: tuple[str, ...]
    sent: Traffic = NOTHING
    received: Traffic = NOTHING
    #: How long decoding and handling took, for each message or list of messages.
    handling: Histogram = Histogram()
    #: How often a handler failed.
    errors: int = 0
    #: Messages that were none.
    undecodable: int = 0
    #: Publishers: how often the queue of a subscriber ran full, after which ZeroMQ drops what is for that one.
    overflows: int = 0
    #: Others: how often the queue was full (``hwm``) when something was to be sent, which had to wait.
    waits: int = 0
    #: The most messages that were taken in one turn; ZeroMQ does not say how many wait.
    most_at_once: int = 0
    #: Dispatchers: tasks that are not done yet. Requesters: requests without an answer.
    pending: int = 0
    #: Publishers: how many subscribers there are.
    subscribers: int = 0


@dataclass(frozen=True)
class AgentStats:
    """What an agent has done until now, and what its process has used."""

    name: str
    #: When this was read: in seconds since the epoch, and in seconds of a clock that never goes back.
    when: float
    monotonic: float
    #: Seconds since the agent was made.
    uptime: float
    running: bool
    pid: int
    #: The processor time of its process, user and system together, in seconds.
    cpu: float
    #: The memory of its process that is in use (resident), in bytes.
    memory: int
    threads: int
    endpoints: tuple[EndpointStats, ...]
    #: Of handlers, timers and called methods.
    errors: int
    undecodable: int
    overflows: int
    #: Connections refused for want of the right cluster key.
    refused: int
    timers: int
    #: How long after the planned moment timers were started.
    lateness: Histogram
    #: Calls of others that wait for the agent's loop.
    calls_waiting: int
    #: Requests of this agent that have no answer yet.
    requests_pending: int

    @property
    def sent(self) -> Traffic:
        """Through all endpoints together."""
        return _together([endpoint.sent for endpoint in self.endpoints])

    @property
    def received(self) -> Traffic:
        """Through all endpoints together."""
        return _together([endpoint.received for endpoint in self.endpoints])


def _together(traffic: list[Traffic]) -> Traffic:
    return Traffic(sum(one.messages for one in traffic), sum(one.bytes for one in traffic))
