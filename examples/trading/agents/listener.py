"""Listen to the markets: work on whole dates only, and say when one is done."""

from __future__ import annotations

from collections import Counter
from datetime import date

from osbrain import Agent

from ..messages import Bar, Bell, Receipt, Settlement
from ..rounds import Round


class Listener(Agent):
    """Gathers what the markets and the broker publish, and works on a date when all of it is there.

    Messages of different publishers come in any order. Because nothing is decided before the date
    is complete, and then in order of symbol, the timing of processes cannot change a result.
    """

    markets: tuple[str, ...]
    symbols: tuple[str, ...]
    waits_for_settlement = True

    def on_init(self) -> None:
        sources = {*self.markets, 'broker'} if self.waits_for_settlement else {*self.markets}
        self.round = Round(self.symbols, sources)
        self.settlement: Settlement | None = None
        self.received: Counter[str] = Counter()

    def on_bar(self, bar: Bar) -> None:
        """Take a bar from a feed."""
        self.round.add(bar)

    def on_bell(self, bell: Bell) -> None:
        """Take a market's word that this was all."""
        self.round.ring(bell.market, bell.date, bell.symbols)
        self._work_if_complete()

    def on_settlement(self, settlement: Settlement) -> None:
        """Take the broker's word about what was filled at the open."""
        self.settlement = settlement
        self.round.ring('broker', settlement.date)
        self._work_if_complete()

    def work(self, day: date, bars: list[Bar]) -> None:
        """Do what is to be done with a date, then, now or later, `acknowledge` it."""
        raise NotImplementedError(f'{type(self).__name__} has to say what it does with a date')

    def acknowledge(self, day: date, bars: list[Bar]) -> None:
        """Send each feed its receipt."""
        self.received.update(bar.symbol for bar in bars)
        for market in self.markets:
            self.send(f'receipts.{market}', Receipt(self.name, day))

    def _work_if_complete(self) -> None:
        if self.round.complete:
            self.work(*self.round.close())
