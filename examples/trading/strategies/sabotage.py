"""Break a strategy on purpose, to see that the others do not notice."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..messages import Bar, Fill, Order
from .base import Strategy


class Sabotaged(Strategy):
    """Does what *strategy* does until *day*, then raises; who goes on from its state is sabotaged no more."""

    def __init__(self, strategy: Strategy, day: date) -> None:
        self._strategy = strategy
        self._day = day

    def on_bar(self, bar: Bar) -> Order | None:
        if bar.date >= self._day:
            raise RuntimeError('sabotaged, as asked for')
        return self._strategy.on_bar(bar)

    def on_fill(self, fill: Fill) -> None:
        self._strategy.on_fill(fill)

    def save_state(self) -> dict[str, Any]:
        return self._strategy.save_state()

    def load_state(self, state: dict[str, Any]) -> None:
        self._strategy.load_state(state)
        self._day = date.max
