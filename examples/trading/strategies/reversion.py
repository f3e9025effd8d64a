"""Bet on the return to the mean."""

from __future__ import annotations

from collections import deque

from ..messages import Bar, Order
from .base import Strategy


class Reversion(Strategy):
    """Buys *width* standard deviations below the mean of the last *window* closes, sells above it.

    It buys again at each close that is as low, until the risk agent says no.
    """

    name = 'reversion'

    def __init__(self, window: int = 20, width: int = 2) -> None:
        super().__init__()
        self._width = width
        self._closes: deque[int] = deque(maxlen=window)

    def on_bar(self, bar: Bar) -> Order | None:
        self._closes.append(bar.close)
        n = self._closes.maxlen
        if len(self._closes) < n:
            return None
        total = sum(self._closes)
        # n times the distance from the mean; the square of n times the deviation: whole numbers.
        distance = n * bar.close - total
        variance = n * sum(close * close for close in self._closes) - total * total
        if distance < 0 and distance * distance > self._width**2 * variance:
            return self.buy(bar)
        if distance > 0 and self.position:
            return self.sell(bar)
        return None
