"""Follow the trend by two moving averages."""

from __future__ import annotations

from collections import deque

from ..messages import Bar, Order
from .base import Strategy


class Crossover(Strategy):
    """Holds while the mean of the last *fast* closes is above the mean of the last *slow* ones."""

    name = 'crossover'

    def __init__(self, fast: int = 20, slow: int = 50) -> None:
        super().__init__()
        self._fast = fast
        self._closes: deque[int] = deque(maxlen=slow)

    def on_bar(self, bar: Bar) -> Order | None:
        self._closes.append(bar.close)
        slow = self._closes.maxlen
        if len(self._closes) < slow:
            return None
        closes = list(self._closes)
        # Both means times both lengths: whole numbers compare exactly.
        rising = sum(closes[-self._fast :]) * slow > sum(closes) * self._fast
        if rising and not self.position:
            return self.buy(bar)
        if not rising and self.position:
            return self.sell(bar)
        return None
