"""Tell when all of a trading date has arrived, whatever the order in which it came."""

from __future__ import annotations

from datetime import date
from typing import Iterable

from .messages import Bar


class MessageLost(RuntimeError):
    """A market has rung its bell for a bar that did not come before it."""


class OutOfStep(RuntimeError):
    """Something of one date has come in the round of another."""


class Round:
    """Gather the bars of one date until every source has said that there is no more to come.

    *sources* are the markets, each of which rings its bell after its bars, and for some also the
    broker, whose settlement says that no more will be filled. A publisher's messages keep their
    order: a bar that is not there when its bell rings was dropped.
    """

    def __init__(self, symbols: Iterable[str], sources: Iterable[str]) -> None:
        self._symbols = frozenset(symbols)
        self._sources = frozenset(sources)
        self._day: date | None = None
        self._bars: dict[str, Bar] = {}
        self._rung: set[str] = set()

    def add(self, bar: Bar) -> None:
        """Put a bar aside."""
        self._check(bar.date, bar.symbol)
        self._bars[bar.symbol] = bar

    def ring(self, source: str, day: date, traded: Iterable[str] = ()) -> None:
        """Note that nothing more comes from *source*, which has published the bars of *traded*."""
        self._check(day, source)
        missing = self._symbols.intersection(traded) - self._bars.keys()
        if missing:
            raise MessageLost(
                f'{source} rang the bell of {day}, but no bar of {", ".join(sorted(missing))} came'
            )
        self._rung.add(source)

    @property
    def complete(self) -> bool:
        """Whether every source has rung."""
        return self._rung == self._sources

    def close(self) -> tuple[date, list[Bar]]:
        """Return the date and its bars in order of symbol, and begin the next round."""
        day, bars = self._day, [self._bars[symbol] for symbol in sorted(self._bars)]
        self._day, self._bars, self._rung = None, {}, set()
        return day, bars

    def _check(self, day: date, source: str) -> None:
        if self._day not in (None, day):
            raise OutOfStep(f'{source} sent something of {day} in the round of {self._day}')
        self._day = day
