"""Replay the prices of a market, no faster than those who listen can follow."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date

from osbrain import Agent

from ..markets import BELL, topic
from ..messages import Bar, Bell, Receipt


class Feed(Agent):
    """Publishes the bars of a date, rings the bell, waits for a receipt from each subscriber.

    Publishing never blocks: for a subscriber that is a thousand messages behind, ZeroMQ drops the
    next one without a word. The receipts keep everybody within one date, so that it never comes to
    that; and the platform dismisses subscribers that have died, so that nobody waits for them.
    """

    market: str
    days: list[tuple[date, tuple[Bar, ...]]]  # the same dates in all markets, with or without bars
    speed: float  # dates a second; 0: as fast as the receipts come

    def on_init(self) -> None:
        self.bind('PUB', alias='bars')
        self.bind('PULL', alias='receipts', handler='on_receipt')
        self.subscribers: set[str] = set()
        self.waiting_for: set[str] = set()
        self.date: date | None = None
        self.rounds = 0  # dates that everybody is done with
        self.finished = False
        self.published: Counter[str] = Counter()
        self.newest: tuple[tuple[Bar, ...], Bell] | None = None

    def expect(self, *names: str) -> None:
        """Count on a receipt from each of *names* for every date."""
        self.subscribers.update(names)

    def dismiss(self, name: str) -> None:
        """Stop waiting for a subscriber that has died."""
        self.subscribers.discard(name)
        self._no_longer_waiting_for(name)

    def open(self) -> None:
        """Start with the first date."""
        self.opened = time.monotonic()
        self.publish()

    def publish(self) -> None:
        """Publish the bars of one date and ring the bell."""
        self.date, bars = self.days[self.rounds]
        self.waiting_for = set(self.subscribers)
        for bar in bars:
            self.send('bars', bar, topic=topic(bar.symbol))
            self.published[bar.symbol] += 1
        bell = Bell(self.market, self.date, tuple(bar.symbol for bar in bars))
        self.send('bars', bell, topic=BELL)
        self.newest = bars, bell

    def on_missed(self, name: str) -> tuple[tuple[Bar, ...], Bell] | None:
        """Repeat for one subscriber what was published last; None if that is nothing so far."""
        return self.newest

    def on_receipt(self, receipt: Receipt) -> None:
        """Go on to the next date after the last receipt of this one."""
        if receipt.date == self.date:
            self._no_longer_waiting_for(receipt.subscriber)

    def _no_longer_waiting_for(self, name: str) -> None:
        if name not in self.waiting_for:
            return
        self.waiting_for.remove(name)
        if not self.waiting_for:
            self.rounds += 1
            self._go_on()

    def _go_on(self) -> None:
        if self.rounds == len(self.days):
            self.finished = True
            return
        due = self.opened + self.rounds / self.speed if self.speed else 0
        early = due - time.monotonic()
        if early > 0:
            self.after(early, 'publish')
        else:
            self.publish()
