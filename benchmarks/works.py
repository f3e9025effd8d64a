"""What a work is: who does it, how much of it, which numbers come out and what those must reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .contender import Contender


class Better(Enum):
    """Which way is better; targets are lower limits then, or upper ones."""

    HIGHER = 'at least'
    LOWER = 'at most'

    def reached(self, value: float, target: float) -> bool:
        return value >= target if self is Better.HIGHER else value <= target


@dataclass(frozen=True)
class Metric:
    """One number of a work, which is one row of the table.

    *key* is its name in what the contender prints; the targets are ratios to the other contenders, *itself* is one for
    the number.
    """

    name: str
    unit: str
    key: str = 'value'
    better: Better = Better.HIGHER
    to_bare: float | None = None
    to_other: float | None = None
    itself: float | None = None


@dataclass(frozen=True)
class Call:
    """What a contender is asked to do: a script in ``contenders/``, a function in it, and options for that."""

    script: str
    function: str
    options: Mapping[str, str | int] = field(default_factory=dict)

    def arguments(self, size: Mapping[str, int]) -> list[str]:
        """Return the script's arguments."""
        return [self.function, *(f'{name}={value}' for name, value in {**self.options, **size}.items())]


@dataclass(frozen=True)
class Work:
    """Something that is measured: by whom, how much in full and in quick runs, and which numbers come out."""

    metrics: tuple[Metric, ...]
    calls: Mapping[Contender, Call]
    full: Mapping[str, int]
    quick: Mapping[str, int]
