"""Whether a child that ended is started again, by its kind and by how it ended."""

from __future__ import annotations

import enum
from typing import Any

from ..errors import OptionInvalid


class Restart(str, enum.Enum):
    """The kinds of children, in Erlang/OTP's words."""

    PERMANENT = 'permanent'
    TRANSIENT = 'transient'
    TEMPORARY = 'temporary'


class End(enum.Enum):
    """How a child ended."""

    #: By itself or by somebody's call, cleanly.
    NORMAL = 'normal'
    #: By a failure, a signal, or on the way to running.
    ABNORMAL = 'abnormal'
    #: As whoever runs the whole system wanted: the name server ended all agents, or somebody pressed Ctrl-C.
    ORDERED = 'ordered'
    #: To be started again at once, as somebody wanted: no failure, whatever its kind is.
    PLANNED = 'planned'


_STARTED_AGAIN = {
    Restart.PERMANENT: frozenset({End.NORMAL, End.ABNORMAL, End.PLANNED}),
    Restart.TRANSIENT: frozenset({End.ABNORMAL, End.PLANNED}),
    Restart.TEMPORARY: frozenset({End.PLANNED}),
}


def starts_again(restart: Restart, end: End) -> bool:
    """Whether a child of the kind *restart* is started again after *end*."""
    return end in _STARTED_AGAIN[restart]


def checked_restart(value: Any) -> Restart:
    """Return the kind that *value* names; :class:`~osbrain.errors.OptionInvalid` if it names none."""
    try:
        return Restart(value)
    except ValueError:
        raise OptionInvalid('restart', value, 'one of ' + ', '.join(Restart)) from None
