"""The graph of agents and connections as text: a tree for people, and what Graphviz, Mermaid and programs read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..metrics.graph import Edge, End, Graph, Node
from ..metrics.rates import Flow
from .output import printable
from .units import count

#: An agent's title, and its endpoints, each with whom it is connected to.
Branch = tuple[str, list[tuple[str, list[str]]]]


def rate(edge: Edge) -> str:
    """Return how fast a connection is: ``12/s``, or both directions where something comes back."""
    return f'{_per_second(edge.forth)}, back {_per_second(edge.back)}' if any(edge.back) else _per_second(edge.forth)


def _per_second(flow: Flow) -> str:
    return f'{count(flow.messages_per_s)}/s'


def tree(graph: Graph, arrows: tuple[str, str] = ('→', '←')) -> list[Branch]:
    """Return a branch for each agent: its endpoints, and below each whom it is connected to.

    *arrows*: what stands for going out and for coming in.
    """
    peers: dict[End, list[str]] = {}
    for edge in graph.edges:
        peers.setdefault(edge.source, []).append(f'{arrows[0]} {_end(edge.target)}  {rate(edge)}')
        peers.setdefault(edge.target, []).append(f'{arrows[1]} {_end(edge.source)}  {rate(edge)}')
    for one in graph.loose:
        where = ', '.join(one.addresses)
        nobody = 'nobody is connected' if one.role == 'server' else f'connected to {where}, where no agent answers'
        peers.setdefault(one.end, []).append(f'({nobody})')
    return [
        (_title(node), [(f'{end.alias} {end.kind}', peers[end]) for end in sorted(peers) if end.agent == node.name])
        for node in graph.nodes
    ]


def _end(end: End) -> str:
    return f'{end.agent}:{end.alias} {end.kind}'


def _title(node: Node) -> str:
    kind = node.kind.rpartition('.')[2]
    words = [node.name, f'({kind})' if kind else '', '' if node.state == 'running' else node.state]
    return ' '.join(word for word in words if word) + (f': {node.trouble}' if node.trouble else '')


def _is_well(node: Node) -> bool:
    return node.state == 'running' and node.trouble is None


def dot(graph: Graph) -> Iterable[str]:
    """Return the lines of a graph in Graphviz' language (https://graphviz.org/doc/info/lang.html)."""
    yield 'digraph osbrain {'
    yield '  rankdir=LR;'
    yield '  node [shape=box, style=rounded];'
    for node in graph.nodes:
        style = '' if _is_well(node) else ', style="rounded,dashed"'
        yield f'  {_quoted(node.name)} [label={_quoted(_title(node))}{style}];'
    for edge in graph.edges:
        ends = f'{_quoted(edge.source.agent)} -> {_quoted(edge.target.agent)}'
        yield f'  {ends} [label={_quoted(_label(edge))}];'
    yield '}'


def _label(edge: Edge) -> str:
    source, target = edge.source, edge.target
    return f'{source.alias} {source.kind} to {target.alias} {target.kind}: {rate(edge)}'


def _quoted(text: str) -> str:
    """Return a double-quoted string of Graphviz: there a quote is escaped, and a backslash would begin an escape."""
    escaped = printable(text).replace('\\', '\\\\').replace('"', '\\"')
    return f'"{escaped}"'


def mermaid(graph: Graph) -> Iterable[str]:
    """Return the lines of a flowchart in Mermaid's language (https://mermaid.js.org/syntax/flowchart.html)."""
    # Names may be anything, also words that Mermaid keeps for itself.
    numbers = {node.name: f'a{number}' for number, node in enumerate(graph.nodes)}
    yield 'flowchart LR'
    for node in graph.nodes:
        yield f'  {numbers[node.name]}["{_entities(_title(node))}"]'
    for edge in graph.edges:
        ends = numbers[edge.source.agent], numbers[edge.target.agent]
        yield f'  {ends[0]} -->|"{_entities(_label(edge))}"| {ends[1]}'
    troubled = [numbers[node.name] for node in graph.nodes if not _is_well(node)]
    if troubled:
        yield '  classDef trouble stroke-dasharray: 5 5'
        yield f'  class {",".join(troubled)} trouble'


def _entities(text: str) -> str:
    """Return *text* for a quoted label: Mermaid reads #CODE; as a character, and Markdown and HTML as such."""
    return ''.join(char if char.isalnum() or char in _SAFE else f'#{ord(char)};' for char in printable(text))


_SAFE = ' .,:/()-_+=%'


def facts(graph: Graph) -> dict[str, Any]:
    """Return the graph for programs."""
    return {
        'agents': [
            {
                'name': node.name,
                'class': node.kind or None,
                'host': node.host or None,
                'pid': node.pid or None,
                'state': node.state,
                'trouble': node.trouble,
            }
            for node in graph.nodes
        ],
        'connections': [
            {
                'from': edge.source._asdict(),
                'to': edge.target._asdict(),
                'transport': edge.transport,
                'serializer': edge.serializer,
                'address': edge.address,
                'forth': edge.forth._asdict(),
                'back': edge.back._asdict(),
            }
            for edge in graph.edges
        ],
        'unconnected': [{**one.end._asdict(), 'role': one.role, 'addresses': one.addresses} for one in graph.loose],
    }
