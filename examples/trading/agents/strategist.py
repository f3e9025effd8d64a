"""Give a strategy a process of its own."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..messages import Answer, Bar, Failure, Order
from ..strategies import Strategy
from .listener import Listener

# What it knows itself, beside what its strategies know; `today` is there once it has worked.
KEPT = ('round', 'settlement', 'received', 'today', 'unanswered', 'ordered', 'refused', 'filled')


class Strategist(Listener):
    """Shows each bar to the strategy of its symbol, sends the orders, awaits the broker's answers.

    The receipt for a date leaves after the last answer, so that every order decided on a bar lies
    with the broker before the next bar is published.
    """

    strategies: dict[str, Strategy]  # by symbol

    def on_init(self) -> None:
        super().on_init()
        self.unanswered = 0
        self.ordered = 0
        self.refused = 0
        self.filled = 0
        self.failure: Failure | None = None

    def save_state(self) -> dict[str, Any]:
        """Return what a process that takes this one's place has to know: above all, what is held."""
        strategies = {symbol: strategy.save_state() for symbol, strategy in self.strategies.items()}
        return {'strategies': strategies, **{name: getattr(self, name) for name in KEPT if hasattr(self, name)}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for symbol, known in state.pop('strategies').items():
            self.strategies[symbol].load_state(known)
        vars(self).update(state)

    def work(self, day: date, bars: list[Bar]) -> None:
        """Tell the strategies what was filled, ask them for orders, pass those on."""
        for fill in self.settlement.fills:
            if fill.strategy == self.name:
                self.strategies[fill.symbol].on_fill(fill)
                self.filled += 1
        orders = [order for order in map(self.decide, bars) if order]
        self.today = day, bars
        self.unanswered = len(orders)
        for order in orders:
            self.send('orders', order)
            self.ordered += 1
        if not orders:
            self.acknowledge(day, bars)

    def decide(self, bar: Bar) -> Order | None:
        """Ask the strategy; keep for the report where and why it failed, if it does, and fail."""
        try:
            return self.strategies[bar.symbol].on_bar(bar)
        except Exception as error:
            self.failure = Failure(bar.date, bar.symbol, f'{type(error).__name__}: {error}')
            raise

    def on_answer(self, answer: Answer) -> None:
        """Count the broker's answer; after the last one the date is done."""
        self.refused += answer.refusal is not None
        self.unanswered -= 1
        if not self.unanswered:
            self.acknowledge(*self.today)
