"""Buy once and wait: the mark that every other strategy has to beat."""

from __future__ import annotations

from ..messages import Bar, Order
from .base import Strategy


class Hold(Strategy):
    """Buys after its first bar and never sells."""

    name = 'hold'

    def on_bar(self, bar: Bar) -> Order | None:
        return None if self.position else self.buy(bar)
