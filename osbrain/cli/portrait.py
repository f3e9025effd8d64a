"""Everything that is known of one agent: sections of tables for people, one object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from .._descriptions import AgentDescription, EndpointDescription
from .._remote.status import AgentStatus
from .._stats import AgentStats, EndpointStats, Histogram
from .units import count, duration, volume


class Section(NamedTuple):
    """One table, under a title."""

    title: str
    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def headline(status: AgentStatus, found: AgentDescription, stats: AgentStats) -> list[str]:
    """Return what is said of an agent before all tables."""
    who = f'{found.name} ({found.kind}): {status.state}' + (f', {status.reason}' if status.reason else '')
    process = (
        f'process {stats.pid} on {status.host or "an unknown host"}, made {duration(stats.uptime)} ago, '
        f'{volume(stats.memory)} of memory, {duration(stats.cpu)} of processor time, {stats.threads} threads'
    )
    counted = (
        f'errors {stats.errors} (on_error {found.on_error}), undecodable {stats.undecodable}, '
        f'overflows {stats.overflows}, refused {stats.refused}, calls waiting {stats.calls_waiting}, '
        f'requests without an answer {stats.requests_pending}'
    )
    return [line for line in (who, found.doc, process, counted) if line]


def sections(found: AgentDescription, stats: AgentStats, everything: bool) -> list[Section]:
    """Return the tables of an agent, empty ones left out; *everything*: also methods that every agent has."""
    methods = [one for one in found.methods if everything or not one.inherited]
    timers = [
        (
            one.alias,
            one.method,
            'once' if one.period is None else duration(one.period),
            f'late by {duration(-one.due_in)}' if one.due_in < 0 else duration(one.due_in),
        )
        for one in found.timers
    ]
    both = [(one, _counted(one, stats)) for one in found.endpoints]
    made = [
        Section('Endpoints', _ENDPOINT, [_endpoint(one) for one in found.endpoints]),
        # One that was opened in between has no counters yet.
        Section('Traffic', _TRAFFIC, [_traffic(one, each) for one, each in both if each is not None]),
        Section('Handlers', ('alias', 'topic', 'handler'), list(_handlers(found.endpoints))),
        Section('Timers', ('alias', 'method', 'period', 'due in'), timers),
        Section('Methods', ('method', 'what it does'), [(one.name + one.signature, one.doc) for one in methods]),
        Section('Attributes', ('name', 'type', 'value'), [(one.name, one.type, one.value) for one in found.attributes]),
    ]
    return [one for one in made if one.rows]


_ENDPOINT = ('alias', 'kind', 'role', 'serializer', 'security', 'address')
_TRAFFIC = ('alias', 'in', 'out', 'bytes in', 'bytes out', 'errors', 'handling', '99 %', 'longest')


def _endpoint(one: EndpointDescription) -> tuple[str, ...]:
    return ', '.join(one.aliases), one.kind, one.role, one.serializer, one.security, ', '.join(one.addresses)


def _traffic(one: EndpointDescription, counted: EndpointStats) -> tuple[str, ...]:
    took = counted.handling
    times = (took.mean, took.quantile(0.99), took.longest) if took.count else ()
    return (
        one.alias,
        count(counted.received.messages),
        count(counted.sent.messages),
        volume(counted.received.bytes),
        volume(counted.sent.bytes),
        count(counted.errors),
        *(map(duration, times) if times else ('', '', '')),
    )


def _counted(one: EndpointDescription, stats: AgentStats) -> EndpointStats | None:
    same = (
        each
        for each in stats.endpoints
        if (each.kind, each.role, each.addresses) == (one.kind, one.role, one.addresses)
    )
    return next(same, None)


def _handlers(endpoints: Iterable[EndpointDescription]) -> Iterable[tuple[str, ...]]:
    for endpoint in endpoints:
        for one in endpoint.handlers:
            topic = '' if one.topic is None else repr(one.topic) + (' exactly' if one.exact else '')
            yield endpoint.alias, topic, ', '.join(one.names)


def facts(status: AgentStatus, found: AgentDescription, stats: AgentStats) -> dict[str, Any]:
    """Return all that is known, for programs."""
    return {
        'name': found.name,
        'class': found.kind,
        'doc': found.doc,
        'state': status.state,
        'reason': status.reason,
        'host': status.host or None,
        'pid': stats.pid,
        'on_error': found.on_error,
        'uptime_s': stats.uptime,
        'cpu_s': stats.cpu,
        'memory_bytes': stats.memory,
        'threads': stats.threads,
        'errors': stats.errors,
        'undecodable': stats.undecodable,
        'overflows': stats.overflows,
        'refused': stats.refused,
        'calls_waiting': stats.calls_waiting,
        'requests_pending': stats.requests_pending,
        'lateness': _times(stats.lateness),
        'endpoints': [_endpoint_facts(one, _counted(one, stats)) for one in found.endpoints],
        'timers': [asdict(one) for one in found.timers],
        'methods': [asdict(one) for one in found.methods],
        'attributes': [asdict(one) for one in found.attributes],
    }


def _endpoint_facts(one: EndpointDescription, counted: EndpointStats | None) -> dict[str, Any]:
    described = {**asdict(one), 'handlers': [handler._asdict() for handler in one.handlers]}
    if counted is None:
        return {**described, 'stats': None}
    names = ('errors', 'undecodable', 'overflows', 'waits', 'most_at_once', 'pending', 'subscribers')
    return {
        **described,
        'stats': {
            'received': counted.received._asdict(),
            'sent': counted.sent._asdict(),
            'handling': _times(counted.handling),
            **{name: getattr(counted, name) for name in names},
        },
    }


def _times(histogram: Histogram) -> dict[str, float]:
    return {
        'count': histogram.count,
        'mean_s': histogram.mean,
        'p50_s': histogram.quantile(0.5),
        'p99_s': histogram.quantile(0.99),
        'longest_s': histogram.longest,
    }
