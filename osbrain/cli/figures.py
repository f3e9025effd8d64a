"""What is measured of a stream of messages: how many, and how a value is spread over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..recording.observation import Observation


class Spread:
    """How values are spread, told one after the other and none of them kept (Welford's method)."""

    __slots__ = ('_mean', '_squares', 'count', 'least', 'most')

    def __init__(self) -> None:
        self.count = 0
        self._mean = 0.0
        #: Infinite, as nothing has it, while there is no value.
        self.least = math.inf
        self.most = -math.inf
        self._squares = 0.0

    def add(self, value: float) -> None:
        """Take one more value to account."""
        self.count += 1
        before = value - self._mean
        self._mean += before / self.count
        self._squares += before * (value - self._mean)
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    @property
    def mean(self) -> float:
        """The average; not a number while there is no value."""
        return self._mean if self.count else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation; not a number while there is no value."""
        return math.sqrt(self._squares / self.count) if self.count else math.nan


@dataclass(frozen=True)
class Figures:
    """What was measured in some time; *gaps* and *delays* are in seconds, *sizes* in bytes."""

    seconds: float
    messages: int
    gaps: Spread
    sizes: Spread
    delays: Spread
    #: How many there were since the beginning.
    total: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds if self.seconds else 0.0

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return self.sizes.mean * self.rate if self.messages else 0.0


class Meter:
    """Measures one stream, a while at a time."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._total = 0
        self._begin()

    def _begin(self) -> None:
        self._gaps, self._sizes, self._delays = Spread(), Spread(), Spread()

    def add(self, observation: Observation) -> None:
        """Take one more message to account; gaps are between what the agent's clock says."""
        self._total += 1
        if self._last is not None:
            self._gaps.add(observation.when - self._last)
        self._last = observation.when
        self._sizes.add(observation.size)
        self._delays.add(observation.arrived - observation.when)

    def read(self, seconds: float) -> Figures:
        """Return what has been measured in the last *seconds*, since this was last called, and begin anew."""
        done = Figures(seconds, self._sizes.count, self._gaps, self._sizes, self._delays, self._total)
        self._begin()
        return done
