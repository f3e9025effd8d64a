"""Keep everybody's books."""

from __future__ import annotations

from datetime import date

from ..books import Account
from ..messages import Bar
from .listener import Listener


class Portfolio(Listener):
    """Enters the broker's fills and marks each account at the close."""

    names: tuple[str, ...]
    capital: int

    def on_init(self) -> None:
        super().on_init()
        self.closes: dict[str, int] = {}
        self.accounts = {name: Account(self.capital) for name in self.names}

    def work(self, day: date, bars: list[Bar]) -> None:
        """Enter the fills of the open, then mark at the close."""
        for fill in self.settlement.fills:
            self.accounts[fill.strategy].book(fill)
        self.closes.update((bar.symbol, bar.close) for bar in bars)
        for account in self.accounts.values():
            account.mark(day, self.closes)
        self.acknowledge(day, bars)

    def close_account(self, name: str, day: date) -> None:
        """End the books of a strategy that has stopped with the close of *day*."""
        self.accounts[name].close(day)
