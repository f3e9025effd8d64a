"""``NAME:ALIAS``, as people write which socket of which agent they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import click

_F = TypeVar('_F', bound=Callable[..., Any])


class Target(NamedTuple):
    """A socket of an agent."""

    name: str
    alias: str


def splits(text: str) -> list[Target]:
    """Return every way to read *text*, the shortest name first: names and aliases may have colons in them."""
    places = [place for place, char in enumerate(text) if char == ':']
    return [Target(text[:place], text[place + 1 :]) for place in places if 0 < place < len(text) - 1]


def meant(text: str, known: Iterable[str]) -> Target:
    """Return what *text* means where agents have the names *known*; the first way to read it if nobody has any."""
    names = set(known)
    ways = splits(text)
    return next((way for way in ways if way.name in names), ways[0])


def _checked(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        if not splits(text):
            raise click.UsageError(f'{text!r}: NAME:ALIAS is needed, an agent and one of its sockets', ctx)
    return tuple(dict.fromkeys(value))


def targets_argument(command: _F) -> _F:
    """Take one or more sockets: *targets*, each once, to be read by :func:`meant`."""
    return click.argument('targets', metavar='NAME:ALIAS...', nargs=-1, required=True, callback=_checked)(command)
