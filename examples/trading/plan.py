"""Turn what the user asks for into a plan, or say in one line why that cannot be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Iterable

from . import prices
from .markets import SYMBOLS, open_markets
from .strategies import DESK, STRATEGIES, Sabotaged, Strategy
from .tape import BadTape, recorded_days


class BadPlan(ValueError):
    """What was asked for cannot be done."""


@dataclass(frozen=True)
class Plan:
    """What to replay, to whom, how fast, and what to break."""

    symbols: tuple[str, ...]
    days: prices.Days
    strategies: dict[str, tuple[str, ...]]  # what each of them trades
    speed: float
    sabotage: str | None
    restart: bool = False  # whether a strategy that dies is started again
    record: Path | None = None  # where to record what the feeds publish
    replay: Path | None = None  # the recording that takes the place of the feeds

    @property
    def markets(self) -> dict[str, tuple[str, ...]]:
        """What is traded in each market."""
        return open_markets(self.symbols)

    def days_of(self, market: str) -> prices.Days:
        """Return all dates, each with the bars of *market* alone."""
        traded = self.markets[market]
        return [
            (day, tuple(bar for bar in bars if bar.symbol in traded)) for day, bars in self.days
        ]

    def bars_of(self, symbols: Iterable[str]) -> int:
        """Count the bars of *symbols*."""
        return sum(bar.symbol in symbols for _, bars in self.days for bar in bars)

    def sabotage_day(self) -> date:
        """Return the date in the middle of those on which the sabotaged strategy gets a bar."""
        traded = self.strategies[self.sabotage]
        active = [day for day, bars in self.days if any(bar.symbol in traded for bar in bars)]
        return active[len(active) // 2]

    def build(self, name: str) -> dict[str, Strategy]:
        """Return a new strategy for each symbol that *name* trades."""
        built: dict[str, Strategy] = {
            symbol: STRATEGIES[name]() for symbol in self.strategies[name]
        }
        if name == self.sabotage:
            day = self.sabotage_day()
            built = {symbol: Sabotaged(strategy, day) for symbol, strategy in built.items()}
        return built


def make_plan(
    symbols: Iterable[str] = SYMBOLS,
    start: date = date.min,
    end: date = date.max,
    speed: float = 0.0,
    sabotage: str | None = None,
    restart: bool = False,
    record: Path | None = None,
) -> Plan:
    """Check everything and read the prices; raise BadPlan if something does not fit.

    *start* and *end* are both included; *speed* is in bars a second of each symbol, 0 for as fast
    as possible; *sabotage* is the name of a strategy that shall fail in the middle of the run;
    with *restart* one that dies is started again and goes on; what the feeds publish is recorded in
    the file *record*.
    """
    chosen = choose_symbols(symbols)
    if start > end:
        raise BadPlan(f'the last date ({end}) lies before the first ({start})')
    if not (speed >= 0 and math.isfinite(speed)):
        raise BadPlan(f'the speed must be 0 (as fast as possible) or more, not {speed:g}')
    strategies = choose_strategies(chosen)
    if sabotage is not None:
        check_sabotage(sabotage, strategies)
    days = read_days(chosen, start, end)
    plan = Plan(chosen, days, strategies, speed, sabotage, restart, record)
    if sabotage is not None and not plan.bars_of(strategies[sabotage]):
        raise BadPlan(f'{sabotage!r} cannot be sabotaged: there is no bar for it in that time')
    if record is not None:
        check_record(plan)
    return plan


def make_replay(path: Path) -> Plan:
    """Return the plan of the run that was recorded in *path*; raise BadPlan if it is not there."""
    try:
        days = recorded_days(path)
    except BadTape as error:
        raise BadPlan(str(error)) from None
    symbols = tuple(sorted({bar.symbol for _, bars in days for bar in bars}))
    return Plan(symbols, days, choose_strategies(symbols), 0.0, None, replay=path)


def check_record(plan: Plan) -> None:
    """Raise BadPlan unless a recording of the run holds all that it takes to repeat it."""
    if plan.sabotage is not None or plan.restart:
        raise BadPlan('a run is recorded in which nobody is expected to die')
    idle = [symbol for symbol in plan.symbols if not plan.bars_of([symbol])]
    if idle:
        raise BadPlan(f'{idle[0]} has no prices in that time: nothing of it would be recorded')


def choose_symbols(symbols: Iterable[str]) -> tuple[str, ...]:
    """Return *symbols* sorted, each once."""
    chosen = tuple(sorted(set(symbols)))
    unknown = [symbol for symbol in chosen if symbol not in SYMBOLS]
    if unknown:
        raise BadPlan(f'unknown symbol {unknown[0]!r}: choose from {", ".join(SYMBOLS)}')
    if not chosen:
        raise BadPlan(f'no symbol given: choose from {", ".join(SYMBOLS)}')
    return chosen


def choose_strategies(symbols: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return what each strategy on the desk trades of *symbols*; who trades none of them is out."""
    traded = {
        strategy.name: tuple(symbol for symbol in listed if symbol in symbols)
        for strategy, listed in DESK.items()
    }
    return {name: chosen for name, chosen in traded.items() if chosen}


def check_sabotage(name: str, strategies: dict[str, tuple[str, ...]]) -> None:
    """Raise BadPlan unless *name* is one of *strategies*, those that take part."""
    if name not in STRATEGIES:
        raise BadPlan(f'unknown strategy {name!r}: choose from {", ".join(STRATEGIES)}')
    if name not in strategies:
        listed = ', '.join(DESK[STRATEGIES[name]])
        raise BadPlan(f'{name!r} cannot be sabotaged: it trades {listed} and does not take part')


def read_days(symbols: tuple[str, ...], start: date, end: date) -> prices.Days:
    """Return the dates from *start* to *end* with their bars."""
    days = prices.days(symbols, start, end)
    if not days:
        known = prices.days(symbols, date.min, date.max)
        raise BadPlan(
            f'no prices of {", ".join(symbols)} in that time: '
            f'they begin on {known[0][0]} and end on {known[-1][0]}'
        )
    return days
