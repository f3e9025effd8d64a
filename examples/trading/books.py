"""Keep the books of one strategy: cash, positions, and what both are worth at each close."""

from __future__ import annotations

from collections import Counter
from datetime import date

from .messages import Fill


class Account:
    """All numbers are whole; a trade is the time from holding nothing to holding nothing again."""

    def __init__(self, capital: int) -> None:
        self.capital = capital
        self.cash = capital
        self.positions: Counter[str] = Counter()
        self.fills: list[Fill] = []
        self.curve: list[tuple[date, int]] = []
        self.trades: list[int] = []  # the profit of each
        self.last_date: date | None = None  # of a strategy that has stopped
        self._since_flat: Counter[str] = Counter()

    def book(self, fill: Fill) -> None:
        """Enter *fill*."""
        flow = -fill.quantity * fill.price - fill.fee
        self.fills.append(fill)
        self.cash += flow
        self.positions[fill.symbol] += fill.quantity
        self._since_flat[fill.symbol] += flow
        if self.positions[fill.symbol] == 0:
            self.trades.append(self._since_flat.pop(fill.symbol))

    def mark(self, day: date, closes: dict[str, int]) -> None:
        """Note what all is worth at the close of *day*, unless the account was closed before."""
        if self.last_date is None or day <= self.last_date:
            self.curve.append((day, self.equity(closes)))

    def equity(self, closes: dict[str, int]) -> int:
        """Return the cash and the value of all positions."""
        return self.cash + sum(held * closes[symbol] for symbol, held in self.positions.items())

    def close(self, day: date) -> None:
        """Make *day* the last date of the curve: whoever traded has stopped."""
        self.last_date = day
        self.curve = [point for point in self.curve if point[0] <= day]

    @property
    def profit(self) -> int:
        """What the strategy has won or lost up to its last mark."""
        return self.curve[-1][1] - self.capital if self.curve else 0
