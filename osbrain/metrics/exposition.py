"""What a look at a system sees, in the words of Prometheus: base units, ``_total`` for what only grows, ``le`` buckets.

Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .._remote.lookout import Lookout, Sight
from .._stats import AgentStats, EndpointStats, Histogram
from ..errors import OsBrainError

Counter, Gauge = CounterMetricFamily, GaugeMetricFamily


class Figure(NamedTuple):
    """One number that is told of each agent or endpoint."""

    family: type[CounterMetricFamily | GaugeMetricFamily]
    name: str
    what: str
    read: Callable[[Any], float]
    #: How those of several endpoints that had the same alias, one after the other, become one number.
    together: Callable[[Iterable[float]], float] = sum


_AGENT = ('agent',)
_ENDPOINT = ('agent', 'alias', 'kind')

_OF_AGENTS = (
    Figure(Gauge, 'agent_running', "Whether the agent's loop runs.", lambda agent: agent.running),
    Figure(Counter, 'agent_cpu_seconds_total', 'Processor time of its process.', lambda agent: agent.cpu),
    Figure(Gauge, 'agent_resident_memory_bytes', 'Memory of its process that is in use.', lambda agent: agent.memory),
    Figure(Gauge, 'agent_threads', 'Threads of its process.', lambda agent: agent.threads),
    Figure(Counter, 'agent_errors_total', 'Failures of handlers, timers and methods.', lambda agent: agent.errors),
    Figure(
        Counter, 'agent_refused_connections_total', 'Refused for want of the right key.', lambda agent: agent.refused
    ),
    Figure(Gauge, 'agent_timers', 'Timers that may still start.', lambda agent: agent.timers),
    Figure(Gauge, 'agent_calls_waiting', 'Calls that wait for its loop.', lambda agent: agent.calls_waiting),
    Figure(Gauge, 'agent_requests_pending', 'Its requests without an answer.', lambda agent: agent.requests_pending),
)
_OF_ENDPOINTS = (
    Figure(Counter, 'sent_messages_total', 'Messages sent.', lambda endpoint: endpoint.sent.messages),
    Figure(Counter, 'sent_bytes_total', 'Bytes sent, envelopes included.', lambda endpoint: endpoint.sent.bytes),
    Figure(Counter, 'received_messages_total', 'Messages received.', lambda endpoint: endpoint.received.messages),
    Figure(
        Counter, 'received_bytes_total', 'Bytes received, envelopes included.', lambda endpoint: endpoint.received.bytes
    ),
    Figure(Counter, 'handler_errors_total', 'Failures of the handler.', lambda endpoint: endpoint.errors),
    Figure(Counter, 'undecodable_messages_total', 'Messages that were none.', lambda endpoint: endpoint.undecodable),
    Figure(Counter, 'overflows_total', "How often a subscriber's queue ran full.", lambda endpoint: endpoint.overflows),
    Figure(Counter, 'send_waits_total', 'How often sending had to wait.', lambda endpoint: endpoint.waits),
    Figure(
        Gauge,
        'messages_at_once_max',
        'The most messages that were taken in one turn.',
        lambda endpoint: endpoint.most_at_once,
        max,
    ),
    Figure(Gauge, 'pending_messages', 'Tasks not done, requests not answered.', lambda endpoint: endpoint.pending),
    Figure(Gauge, 'subscribers', 'Subscribers connected.', lambda endpoint: endpoint.subscribers),
)


def families(sight: Sight | None) -> Iterator[Metric]:
    """Yield what Prometheus is told; ``None`` is told where the name server does not answer."""
    yield Gauge('osbrain_nameserver_up', 'Whether the name server answers.', float(sight is not None))
    if sight is None:
        return
    up = Gauge('osbrain_up', 'Whether the agent answers.', labels=_AGENT)
    info = Gauge('osbrain_agent_info', 'What the agent is, and where.', labels=(*_AGENT, 'class', 'host', 'pid'))
    born = Gauge('osbrain_agent_start_time_seconds', 'When it was registered, since the epoch.', labels=_AGENT)
    for name, seen in sight.agents.items():
        status = seen.status
        up.add_metric([name], float(seen.stats is not None))
        info.add_metric([name, status.kind, status.host, str(status.pid)], 1)
        born.add_metric([name], status.since)
    yield from (up, info, born)
    agents = {name: seen.stats for name, seen in sight.agents.items() if seen.stats is not None}
    yield from _of_agents(agents)
    yield from _of_endpoints(agents)


def _of_agents(agents: dict[str, AgentStats]) -> Iterator[Metric]:
    for figure in _OF_AGENTS:
        family = figure.family(f'osbrain_{figure.name}', figure.what, labels=_AGENT)
        for name, stats in agents.items():
            family.add_metric([name], figure.read(stats))
        yield family
    late = HistogramMetricFamily('osbrain_agent_timer_lateness_seconds', 'How late timers start.', labels=_AGENT)
    for name, stats in agents.items():
        _add(late, [name], [stats.lateness])
    yield late


def _of_endpoints(agents: dict[str, AgentStats]) -> Iterator[Metric]:
    # Who binds an alias anew has the old socket still, for a while, and under the same alias.
    known: dict[tuple[str, str, str], list[EndpointStats]] = {}
    for name, stats in agents.items():
        for endpoint in stats.endpoints:
            known.setdefault((name, endpoint.alias, endpoint.kind), []).append(endpoint)
    for figure in _OF_ENDPOINTS:
        family = figure.family(f'osbrain_{figure.name}', figure.what, labels=_ENDPOINT)
        for labels, endpoints in known.items():
            family.add_metric(labels, figure.together(figure.read(endpoint) for endpoint in endpoints))
        yield family
    handling = HistogramMetricFamily(
        'osbrain_handling_seconds', 'Decoding and handling, of each message or list.', labels=_ENDPOINT
    )
    for labels, endpoints in known.items():
        _add(handling, labels, [endpoint.handling for endpoint in endpoints])
    yield handling


def _add(family: HistogramMetricFamily, labels: Sequence[str], histograms: Sequence[Histogram]) -> None:
    counts = accumulate(map(sum, zip(*(one.counts for one in histograms), strict=True)))
    bounds = [*map(floatToGoString, histograms[0].bounds), '+Inf']
    family.add_metric(labels, list(zip(bounds, counts, strict=True)), sum(one.total for one in histograms))


class Exposition(Collector):
    """Looks at the system whenever Prometheus asks."""

    def __init__(self, lookout: Lookout) -> None:
        self._lookout = lookout
        # A Lookout is not for several threads at once, and nobody keeps several from asking.
        self._lock = threading.Lock()

    def collect(self) -> Iterable[Metric]:
        """Return what is seen now."""
        with self._lock:
            try:
                sight: Sight | None = self._lookout.look()
            except (OsBrainError, OSError):
                sight = None
        return families(sight)
