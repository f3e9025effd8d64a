"""Let a strategist that has died go on with another process, as if nothing had happened."""

from __future__ import annotations

from datetime import date
from typing import Any

from osbrain import config

from ..messages import Bar, Bell, Order, Settlement
from .strategist import Strategist

CONNECTED = 10.0  # seconds that a subscription may take until it is live again


class StrategyFailed(RuntimeError):
    """A strategy has raised; the text says on which bar, and what."""


class Restartable(Strategist):
    """Saves what it knows before it decides on a date; who takes its place does that date again.

    The broker takes an order once, the feeds a receipt, so that nothing counts twice. What was
    published while nobody was here is asked for when that date is done; until then everything that
    comes is left aside, because some of it may be missing.
    """

    def on_init(self) -> None:
        super().on_init()
        # Connections are repeated without waiting for longer than this; a bar must not be missed.
        config['CONNECT_WAIT'] = CONNECTED
        self.undecided: tuple[date, list[Bar]] | None = None
        self.done: date | None = None
        self.restarts = 0
        self.resuming = False

    def before_loop(self) -> None:
        """Save something from the beginning, so that who takes over knows that it does."""
        self.checkpoint()

    def save_state(self) -> dict[str, Any]:
        """Add the date that is to be done again."""
        mine = {name: getattr(self, name) for name in ('undecided', 'done', 'restarts')}
        return {**super().save_state(), **mine}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take the place of one that has died."""
        super().load_state(state)
        self.restarts += 1
        self.resuming = True
        self.after(0, 'resume')

    def resume(self) -> None:
        """Do the date again that the other may not have come to the end of."""
        if self.undecided:
            self.work(*self.undecided)
        else:
            self.catch_up()

    def catch_up(self) -> None:
        """Ask for what was published meanwhile, and listen again."""
        missed = [self.send_recv(f'missed.{market}', self.name) for market in self.markets]
        settlement = self.send_recv('missed.broker', self.name)
        self.resuming = False
        if settlement:
            self.on_settlement(settlement)
        for bars, bell in filter(None, missed):
            for bar in bars:
                if bar.symbol in self.symbols:
                    self.on_bar(bar)
            self.on_bell(bell)

    def on_bar(self, bar: Bar) -> None:
        if self.is_news(bar.date):
            super().on_bar(bar)

    def on_bell(self, bell: Bell) -> None:
        if self.is_news(bell.date):
            super().on_bell(bell)

    def on_settlement(self, settlement: Settlement) -> None:
        if self.is_news(settlement.date):
            super().on_settlement(settlement)

    def is_news(self, day: date) -> bool:
        """Tell whether *day* is still to be worked on; after a restart some things come twice."""
        return not self.resuming and (not hasattr(self, 'today') or self.today[0] < day)

    def work(self, day: date, bars: list[Bar]) -> None:
        self.undecided = day, bars
        self.checkpoint()
        super().work(day, bars)
        self.undecided = None

    def decide(self, bar: Bar) -> Order | None:
        try:
            return super().decide(bar)
        except Exception as error:
            # The reason of its death is all that is left of a process.
            raise StrategyFailed(str(self.failure)) from error

    def acknowledge(self, day: date, bars: list[Bar]) -> None:
        super().acknowledge(day, bars)
        self.done = day
        if self.resuming:
            self.after(0, 'catch_up')
