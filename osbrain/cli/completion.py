"""What a shell offers to complete: names that the running system knows, at once or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from .._remote.link import Link, nameserver_link
from ..address import SocketAddress
from .waiting import within

# Seconds that a person who has pressed Tab may be kept waiting.
_PATIENCE = 0.7


def agent_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of agents that begin so and are not on the line yet."""
    given = ctx.params.get('names') or ()
    return [name for name in _offered(ctx, _names, incomplete) if name not in given]


def method_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the methods that begin so, of the agent that is named on the line."""
    name = str(ctx.params.get('name'))
    return _offered(ctx, lambda address: _members(address, name)[0], incomplete)


def attribute_settings(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the attributes that begin so, of the agent that is named on the line, each with its ``=``."""
    name = str(ctx.params.get('name'))
    return _offered(ctx, lambda address: [f'{each}=' for each in _members(address, name)[1]], incomplete)


def _offered(ctx: click.Context, ask: Callable[[SocketAddress], Iterable[str]], incomplete: str) -> list[str]:
    address = ctx.params.get('nsaddr')
    if not isinstance(address, SocketAddress):
        return []
    try:
        found = within(_PATIENCE, lambda: list(ask(address)))
    except Exception:
        # Whatever is wrong: who completes a word is not to be told of it in the middle of the line.
        return []
    return sorted(one for one in found if one.startswith(incomplete) and one.isprintable())


def _names(address: SocketAddress) -> list[str]:
    link = nameserver_link(address)
    try:
        return list(link.call('unsafe', 'agents', (), {}, timeout=_PATIENCE))
    finally:
        link.release()


def _members(address: SocketAddress, name: str) -> tuple[list[str], list[str]]:
    ns = nameserver_link(address)
    agent = None
    try:
        record = ns.call('unsafe', 'status', (), {}, timeout=_PATIENCE)[name]
        agent = Link(record.uri, f'agent {name!r}')
        methods, attributes = agent.call('members', timeout=_PATIENCE)
        return methods, attributes
    finally:
        ns.release()
        if agent is not None:
            agent.release()
