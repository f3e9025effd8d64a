"""Read the daily prices that the package bokeh_sampledata ships: no network, no data frame."""

from __future__ import annotations

from datetime import date
from typing import Iterable, List, Tuple

from bokeh_sampledata import stocks

from .messages import Bar
from .money import units

Days = List[Tuple[date, Tuple[Bar, ...]]]


def bars(symbol: str) -> list[Bar]:
    """Return all bars of *symbol* in order of date, adjusted for splits and dividends.

    As they were, the prices of Apple's split in February 2005 would look like half the money lost.
    """
    data = getattr(stocks, symbol)
    found = []
    for i, day in enumerate(data['date']):
        factor = data['adj_close'][i] / data['close'][i]
        prices = (units(data[name][i] * factor) for name in ('open', 'high', 'low', 'close'))
        found.append(Bar(symbol, date.fromisoformat(day), *prices, volume=data['volume'][i]))
    return found


def days(symbols: Iterable[str], start: date, end: date) -> Days:
    """Return each trading date from *start* to *end*, both included, with its bars by symbol."""
    calendar: dict[date, list[Bar]] = {}
    for symbol in sorted(symbols):
        for bar in bars(symbol):
            if start <= bar.date <= end:
                calendar.setdefault(bar.date, []).append(bar)
    return [(day, tuple(calendar[day])) for day in sorted(calendar)]
