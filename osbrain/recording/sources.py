"""Sockets of agents as people write them: ``NAME:ALIAS``."""

from __future__ import annotations

from ..errors import OptionInvalid

#: ``'NAME:ALIAS'``; or both apart, which names and aliases need that have colons in them.
SourceLike = str | tuple[str, str]


def parsed(source: SourceLike) -> tuple[str, str]:
    """Return name and alias; :class:`~osbrain.errors.OptionInvalid` if it cannot be said where one ends."""
    name, alias = source if isinstance(source, tuple) else source.split(':') if source.count(':') == 1 else ('', '')
    if not name or not alias:
        what = 'NAME:ALIAS, an agent and how it calls one of its sockets; or both in a tuple, if there are more colons'
        raise OptionInvalid('a source', source, what)
    return name, alias
