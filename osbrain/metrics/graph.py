"""Who is connected to whom: worked out from the addresses that agents say they are bound and connected to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .._remote.lookout import AgentSight, Sight
from .._stats import AgentStats, EndpointStats
from .rates import NO_FLOW, AgentRates, Flow

# The kinds that begin a conversation: what they send goes the way that an arrow shows.
_SOURCES = frozenset({'PUSH', 'PUB', 'REQ', 'SYNC_PUB', 'ASYNC_REQ', 'ACK_PUSH'})


class End(NamedTuple):
    """One end of a connection."""

    agent: str
    alias: str
    kind: str


@dataclass(frozen=True)
class Edge:
    """One connection, from where messages, requests or tasks come to where they go."""

    source: End
    target: End
    transport: str
    serializer: str
    #: What both have in common; of a channel with two sockets, the first of them.
    address: str
    #: What went from the source to the target.
    forth: Flow = NO_FLOW
    #: Replies and acknowledgements.
    back: Flow = NO_FLOW


@dataclass(frozen=True)
class Node:
    """One agent."""

    name: str
    #: Its class, with the module; empty if it is not known.
    kind: str
    host: str
    pid: int
    #: ``'starting'``, ``'running'``, ``'stopped'`` or ``'gone'``.
    state: str
    #: Why nothing is known of its endpoints; ``None`` if they are known.
    trouble: str | None


@dataclass(frozen=True)
class Loose:
    """An endpoint without another end among the agents that answered."""

    end: End
    #: ``'server'`` if it was bound, ``'client'`` if it is connected to somebody whom nobody here knows.
    role: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The agents, in the order of their names, their connections, and endpoints that have none."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    loose: tuple[Loose, ...]


class _Place(NamedTuple):
    """An endpoint, whose it is, and what went through it."""

    end: End
    stats: EndpointStats
    sent: Flow
    received: Flow


def graph(
    sight: Sight,
    rates: Mapping[str, AgentRates] | None = None,
    known: Mapping[str, AgentStats] | None = None,
) -> Graph:
    """Return who is connected to whom at the look *sight*, with the *rates* since the one before.

    *known*: what agents had said earlier, for those that did not answer this time.
    """
    agents = sorted(sight.agents.items())
    servers: dict[tuple[str, ...], _Place] = {}
    clients: list[tuple[_Place, list[tuple[str, ...]]]] = []
    for name, agent in agents:
        stats = agent.stats or (known or {}).get(name)
        if stats is not None:
            for place in _places(name, stats, (rates or {}).get(name)):
                keys = [_key(address, agent.status.host, stats.pid) for address in place.stats.addresses]
                if place.stats.role == 'server':
                    servers.update(dict.fromkeys(keys, place))
                else:
                    clients.append((place, keys))
    edges, connected = [], set()
    for client, keys in clients:
        found = next((servers[key] for key in keys if key in servers), None)
        if found is not None:
            edges.append(_edge(client, found))
            connected |= {id(client), id(found)}
    places = [*{id(one): one for one in servers.values()}.values(), *(client for client, _ in clients)]
    loose = [Loose(one.end, one.stats.role, one.stats.addresses) for one in places if id(one) not in connected]
    return Graph(
        nodes=tuple(_node(name, agent) for name, agent in agents),
        edges=tuple(sorted(edges, key=lambda edge: (edge.source, edge.target, edge.address))),
        loose=tuple(sorted(loose, key=lambda one: (one.end, one.addresses))),
    )


def _node(name: str, agent: AgentSight) -> Node:
    status = agent.status
    return Node(name, status.kind, status.host, status.pid, status.state, agent.trouble)


def _places(name: str, stats: AgentStats, rates: AgentRates | None) -> Iterator[_Place]:
    flows = {} if rates is None else {one.key: one for one in rates.endpoints}
    for endpoint in stats.endpoints:
        flow = flows.get((endpoint.alias, endpoint.kind, endpoint.addresses))
        end = End(name, endpoint.alias, endpoint.kind)
        yield _Place(end, endpoint, flow.sent if flow else NO_FLOW, flow.received if flow else NO_FLOW)


def _key(address: str, host: str, pid: int) -> tuple[str, ...]:
    """Return what two ends at this address have in common; the same text may mean another place on another host."""
    transport, _, where = address.partition('://')
    if transport == 'inproc':
        return address, host, str(pid)
    return (address, host) if transport == 'ipc' or _is_local(where) else (address,)


def _is_local(where: str) -> bool:
    """Whether *where*, a host and a port, means each machine itself."""
    try:
        address = ipaddress.ip_address(where.rpartition(':')[0].strip('[]'))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _edge(client: _Place, server: _Place) -> Edge:
    """Return the connection of *client* to *server*.

    A client endpoint has this one connection, so that what it counts is what went through; a server has many.
    """
    outwards = client.end.kind in _SOURCES
    source, target = (client, server) if outwards else (server, client)
    forth, back = (client.sent, client.received) if outwards else (client.received, client.sent)
    stats = client.stats
    return Edge(source.end, target.end, stats.transport, stats.serializer, stats.addresses[0], forth, back)
