"""Which children are ended and started again along with one that died, in Erlang/OTP's words."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import OptionInvalid

_T = TypeVar('_T')


class Strategy(str, enum.Enum):
    """Who is started again with a child that died: it alone, all, or those that were started after it."""

    ONE_FOR_ONE = 'one_for_one'
    ONE_FOR_ALL = 'one_for_all'
    REST_FOR_ONE = 'rest_for_one'


# From and up to which place in the order of start, given the place of the dead one and the number of all.
_SPANS: dict[Strategy, Callable[[int, int], tuple[int, int]]] = {
    Strategy.ONE_FOR_ONE: lambda place, count: (place, place + 1),
    Strategy.ONE_FOR_ALL: lambda place, count: (0, count),
    Strategy.REST_FOR_ONE: lambda place, count: (place, count),
}


def affected(strategy: Strategy, order: Sequence[_T], dead: _T) -> list[_T]:
    """Return which of *order* are started again, in that order, when *dead* is; *order* is that of their start."""
    first, last = _SPANS[strategy](order.index(dead), len(order))
    return list(order[first:last])


def in_order(strategy: Strategy) -> bool:
    """Whether a child may rely on those before it: then none is started while one of them does not run."""
    return strategy is not Strategy.ONE_FOR_ONE


def checked_strategy(value: Any) -> Strategy:
    """Return the strategy that *value* names; :class:`~osbrain.errors.OptionInvalid` if it names none."""
    try:
        return Strategy(value)
    except ValueError:
        raise OptionInvalid('strategy', value, 'one of ' + ', '.join(Strategy)) from None
