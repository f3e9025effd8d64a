"""What the pages show, as values of JSON: rows of agents, and edges between them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..metrics import AgentSight, Sight
from ..metrics.graph import Edge, Graph
from ..metrics.rates import AgentRates
from .departed import Departure, Losses
from .patches import Json, known_only

# What is not said any more of those that have ended.
_OF_THE_LIVING = frozenset({'sent', 'received', 'sent_bytes', 'received_bytes', 'cpu', 'busy', 'memory', 'failing'})


def rows(sight: Sight, rates: Mapping[str, AgentRates], losses: Mapping[str, Losses]) -> dict[str, Json]:
    """Return a row for each agent that is there, by name."""
    return {name: _row(seen, rates.get(name), losses.get(name)) for name, seen in sight.agents.items()}


def _row(seen: AgentSight, rates: AgentRates | None, losses: Losses | None) -> Json:
    status, stats = seen.status, seen.stats
    silent = seen.trouble is not None and status.state in {'running', 'starting'}
    row = known_only(
        state='silent' if silent else status.state,
        reason=seen.trouble if silent else status.reason,
        kind=status.kind or None,
        host=status.host or None,
        pid=status.pid or None,
        since=status.since or None,
        supervised=status.supervised or None,
        deaths=losses.count if losses else None,
        last_death=losses.last.why if losses else None,
    )
    if stats is not None:
        row |= {
            'memory': stats.memory,
            'errors': stats.errors,
            'undecodable': stats.undecodable,
            'overflows': stats.overflows,
            'refused': stats.refused,
            'waiting': stats.calls_waiting,
            'pending': stats.requests_pending,
        }
    if rates is not None:
        # Rounded: what nobody can read need not be sent each second.
        row |= {
            'sent': _rounded(rates.sent.messages_per_s),
            'received': _rounded(rates.received.messages_per_s),
            'sent_bytes': round(rates.sent.bytes_per_s),
            'received_bytes': round(rates.received.bytes_per_s),
            'cpu': round(rates.cpu, 3),
            'busy': round(rates.busy, 3),
            'failing': _rounded(rates.errors_per_s),
        }
    return row


def _rounded(per_second: float) -> float:
    return round(per_second, 2) if per_second < 100 else round(per_second)


def edges(graph: Graph) -> dict[str, Json]:
    """Return the connections; what one is called is the same at each look."""
    return {_key(edge): _edge(edge) for edge in graph.edges}


def _key(edge: Edge) -> str:
    return json.dumps([*edge.source, *edge.target, edge.address])


def _edge(edge: Edge) -> Json:
    return {
        'source': edge.source.agent,
        'source_alias': edge.source.alias,
        'source_kind': edge.source.kind,
        'target': edge.target.agent,
        'target_alias': edge.target.alias,
        'target_kind': edge.target.kind,
        'transport': edge.transport,
        'serializer': edge.serializer,
        'address': edge.address,
        'sent': _rounded(edge.forth.messages_per_s),
        'returned': _rounded(edge.back.messages_per_s),
        'bytes': round(edge.forth.bytes_per_s + edge.back.bytes_per_s),
    }


def ended_row(departure: Departure, before: Json) -> Json:
    """Return the row of an agent that has ended, of which the row *before* was shown."""
    kept = {field: value for field, value in before.items() if field not in _OF_THE_LIVING}
    state = 'dead' if departure.died else 'ended'
    return {**kept, 'state': state, 'reason': departure.why, 'ended': departure.when}


def lost_edges(before: Mapping[str, Json], now: Mapping[str, Json], agents: Mapping[str, Json]) -> dict[str, Json]:
    """Return the edges of *before* that ended with one of their ends: where it stood stays visible."""
    ended = {name for name, row in agents.items() if row['state'] in {'dead', 'ended'}}
    return {
        key: {**edge, 'sent': 0, 'returned': 0, 'bytes': 0, 'lost': True}
        for key, edge in before.items()
        if key not in now
        and {edge['source'], edge['target']} <= agents.keys()
        and ended & {edge['source'], edge['target']}
    }
