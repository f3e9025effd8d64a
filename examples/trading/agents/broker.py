"""Fill orders on paper."""

from __future__ import annotations

from collections import Counter
from datetime import date

from ..messages import Answer, Bar, Enquiry, Fill, Order, Settlement
from .listener import Listener


class Broker(Listener):
    """Takes the orders that the risk agent approves, fills them at the next open of their symbol.

    On each date it settles first, and publishes that even if nothing was filled: a strategy decides
    only when it has seen the settlement, so that no order for the next open can come before this
    one is over.
    """

    fee: int
    waits_for_settlement = False  # it makes them

    def on_init(self) -> None:
        super().on_init()
        self.bind('ASYNC_REP', alias='orders', handler='on_order')
        self.bind('PUB', alias='fills')
        self.pending: dict[str, list[Order]] = {}  # by symbol
        self.positions: Counter[tuple[str, str]] = Counter()  # by strategy and symbol
        self.closes: dict[str, int] = {}
        self.struck_off: set[str] = set()
        self.ordered: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.answers: dict[tuple[str, str], Answer] = {}  # the last by strategy and symbol
        self.written = 0  # lines of log

    def work(self, day: date, bars: list[Bar]) -> None:
        """Fill what was ordered before this date."""
        fills = [
            self.fill(order, bar)
            for bar in bars
            for order in sorted(self.pending.pop(bar.symbol, []))
        ]
        self.closes.update((bar.symbol, bar.close) for bar in bars)
        self.settlement = Settlement(day, tuple(fills))
        self.send('fills', self.settlement)
        self.acknowledge(day, bars)

    def fill(self, order: Order, bar: Bar) -> Fill:
        """Execute *order* at the open of *bar*."""
        self.positions[order.strategy, order.symbol] += order.quantity
        self.filled[order.strategy] += 1
        fill = Fill(order.strategy, order.symbol, bar.date, order.quantity, bar.open, self.fee)
        self.write(f'{fill}')
        return fill

    def on_order(self, order: Order) -> Answer:
        """Have an order approved, keep it for the next open, and answer.

        A strategy that was started again sends those of its last date again: each counts once.
        """
        if order.strategy in self.struck_off:
            return Answer(order, 'its strategy is struck off')
        known = self.answers.get((order.strategy, order.symbol))
        if known and order.date <= known.order.date:
            return known
        self.ordered[order.strategy] += 1
        position = self.positions[order.strategy, order.symbol]
        refusal = self.send_recv('risk', Enquiry(order, position, self.closes[order.symbol]))
        if refusal:
            self.refused[order.strategy] += 1
            self.write(f'{order} refused: {refusal}')
        else:
            self.pending.setdefault(order.symbol, []).append(order)
        self.answers[order.strategy, order.symbol] = answer = Answer(order, refusal)
        return answer

    def on_missed(self, name: str) -> Settlement | None:
        """Repeat for one strategy what was settled last; None if that is nothing so far."""
        return self.settlement

    def strike_off(self, strategy: str) -> date | None:
        """Cancel what a strategy has ordered and take no more from it: it has died.

        Return the last date that is settled: it is the last on which anything was filled for it.
        """
        self.struck_off.add(strategy)
        for symbol, orders in self.pending.items():
            self.pending[symbol] = [order for order in orders if order.strategy != strategy]
            self.cancelled[strategy] += len(orders) - len(self.pending[symbol])
        return self.settlement.date if self.settlement else None

    def left_open(self) -> int:
        """Count the orders that no open has come for."""
        return sum(map(len, self.pending.values()))

    def write(self, line: str) -> None:
        """Send a line to the logger."""
        self.log_info(line)
        self.written += 1
