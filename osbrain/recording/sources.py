"""Sockets of agents as people write them: ``NAME:ALIAS``."""

from __future__ import annotations

from ..errors import OptionInvalid


def parsed(text: str) -> tuple[str, str]:
    """Return name and alias; of several colons the last one divides, as aliases have none."""
    name, _, alias = text.rpartition(':')
    if not name or not alias:
        raise OptionInvalid('a source', text, 'NAME:ALIAS, an agent and how it calls one of its sockets')
    return name, alias
