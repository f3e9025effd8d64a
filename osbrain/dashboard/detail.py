"""All that is known of one agent, as values of JSON: what it is, and what it has done."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .._descriptions import AgentDescription, EndpointDescription
from .._stats import AgentStats, EndpointStats, Histogram
from ..metrics.rates import AgentRates, EndpointRates
from .patches import Json


def detail(name: str, description: Any, stats: AgentStats | None, rates: AgentRates | None) -> Json:
    """Put together what an agent said of itself (or the error that came instead), and its counters, if known."""
    told = description if isinstance(description, AgentDescription) else None
    shown: Json = {'name': name}
    if told is None:
        shown['trouble'] = str(description)
    else:
        shown |= {
            'kind': told.kind,
            'doc': told.doc,
            'on_error': told.on_error,
            'timers': [asdict(timer) for timer in told.timers],
            'methods': [asdict(method) for method in told.methods],
            'attributes': [asdict(attribute) for attribute in told.attributes],
        }
    if stats is not None:
        shown |= {
            'uptime': stats.uptime,
            'threads': stats.threads,
            'cpu_seconds': stats.cpu,
            'lateness': _histogram(stats.lateness),
        }
    shown['endpoints'] = _endpoints(told, stats, rates)
    return shown


def _endpoints(told: AgentDescription | None, stats: AgentStats | None, rates: AgentRates | None) -> list[Json]:
    """One entry for each endpoint that is known from its description, its counters, or both."""
    described = {(one.alias, one.kind, one.addresses): one for one in told.endpoints} if told else {}
    counted = {(one.alias, one.kind, one.addresses): one for one in stats.endpoints} if stats else {}
    speeds = {one.key: one for one in rates.endpoints} if rates else {}
    keys = dict.fromkeys([*described, *counted])
    return [_endpoint(described.get(key), counted.get(key), speeds.get(key)) for key in keys]


def _endpoint(told: EndpointDescription | None, stats: EndpointStats | None, rates: EndpointRates | None) -> Json:
    either: Any = told or stats
    shown: Json = {
        'alias': either.alias,
        'kind': either.kind,
        'role': either.role,
        'transport': either.transport,
        'serializer': either.serializer,
        'addresses': list(either.addresses),
    }
    if told is not None:
        shown |= {'security': told.security, 'handlers': [handler._asdict() for handler in told.handlers]}
    if stats is not None:
        shown |= {
            'sent': stats.sent._asdict(),
            'received': stats.received._asdict(),
            'errors': stats.errors,
            'undecodable': stats.undecodable,
            'overflows': stats.overflows,
            'waits': stats.waits,
            'most_at_once': stats.most_at_once,
            'pending': stats.pending,
            'subscribers': stats.subscribers,
            'handling': _histogram(stats.handling),
        }
    if rates is not None:
        shown |= {'sent_per_s': rates.sent.messages_per_s, 'received_per_s': rates.received.messages_per_s}
    return shown


def _histogram(times: Histogram) -> Json:
    return {
        'bounds': list(times.bounds),
        'counts': list(times.counts),
        'mean': times.mean,
        'half': times.quantile(0.5),
        'most': times.quantile(0.99),
        'longest': times.longest,
    }
