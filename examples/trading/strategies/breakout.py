"""Follow momentum: buy strength, sell weakness."""

from __future__ import annotations

from collections import deque

from ..messages import Bar, Order
from .base import Strategy


class Breakout(Strategy):
    """Buys above the highs of the last *entry* bars, sells below the lows of the last *leave*."""

    name = 'breakout'

    def __init__(self, entry: int = 55, leave: int = 20) -> None:
        super().__init__()
        self._highs: deque[int] = deque(maxlen=entry)
        self._lows: deque[int] = deque(maxlen=leave)

    def on_bar(self, bar: Bar) -> Order | None:
        order = self._decide(bar)
        self._highs.append(bar.high)
        self._lows.append(bar.low)
        return order

    def _decide(self, bar: Bar) -> Order | None:
        if len(self._highs) < self._highs.maxlen:
            return None
        if not self.position and bar.close > max(self._highs):
            return self.buy(bar)
        if self.position and bar.close < min(self._lows):
            return self.sell(bar)
        return None
