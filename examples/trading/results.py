"""What a run has found, and whether everything in it is accounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .books import Account
from .messages import Failure
from .plan import Plan


@dataclass(frozen=True)
class Outcome:
    """How one strategy has done."""

    name: str
    symbols: tuple[str, ...]
    account: Account
    orders: int
    refused: int
    failure: Failure | None
    deaths: tuple[str, ...] = ()  # after each of which it was started again: why it died


@dataclass(frozen=True)
class Results:
    """The outcome of each strategy, and what each agent has counted."""

    plan: Plan
    outcomes: dict[str, Outcome]
    bars: dict[str, Counter[str]]  # by agent, by symbol
    counts: dict[str, dict[str, int]]  # by what is counted, by who has counted it

    def discrepancies(self) -> list[str]:
        """Say what does not add up: nothing, if every bar, order and fill is accounted for."""
        found = []
        for symbol in self.plan.symbols:
            for agent, counted in self.bars.items():
                expected = self.expected_bars(agent, symbol)
                if counted[symbol] != expected:
                    found.append(
                        f'{agent} has counted {counted[symbol]} bars of {symbol} '
                        f'instead of {expected}'
                    )
        for what, counted in self.counts.items():
            if len(set(counted.values())) > 1:
                by_whom = ', '.join(f'{agent} {count}' for agent, count in counted.items())
                found.append(f'{what} do not agree: {by_whom}')
        return found

    def expected_bars(self, agent: str, symbol: str) -> int:
        """Return how many bars of *symbol* an agent must have seen: if it stopped, those before."""
        outcome = self.outcomes.get(agent)
        if outcome and symbol not in outcome.symbols:
            return 0
        last = outcome.failure.date if outcome and outcome.failure else None
        return sum(
            bar.symbol == symbol
            for day, bars in self.plan.days
            if last is None or day < last
            for bar in bars
        )
