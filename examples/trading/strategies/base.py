"""Say what a strategy is: a decision for each bar, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from ..messages import Bar, Fill, Order
from ..terms import BUDGET


class Strategy(ABC):
    """Decides for one symbol; knows what it holds, and nothing of agents or other strategies."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.position = 0

    @abstractmethod
    def on_bar(self, bar: Bar) -> Order | None:
        """Return what to order; all that was ordered before has been filled or refused."""

    def on_fill(self, fill: Fill) -> None:
        """Learn of an executed order, always before the next bar."""
        self.position += fill.quantity

    def save_state(self) -> dict[str, Any]:
        """Return all that it knows: its position, and the bars that it remembers."""
        return dict(vars(self))

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)

    def buy(self, bar: Bar) -> Order | None:
        """Order as many shares as the budget pays for at the last close."""
        return self._order(bar, BUDGET // bar.close)

    def sell(self, bar: Bar) -> Order | None:
        """Order to sell all that is held."""
        return self._order(bar, -self.position)

    def _order(self, bar: Bar, quantity: int) -> Order | None:
        return Order(self.name, bar.symbol, bar.date, quantity) if quantity else None
