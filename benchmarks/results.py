"""What was measured, and what follows from it: medians, ratios, targets met and missed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .contender import Contender
from .measurement import Outcome
from .works import Metric, Work


@dataclass(frozen=True)
class Target:
    """A number that this library must reach, and the one that it has reached (None: there was nothing to compare)."""

    metric: Metric
    wanted: float
    reached: float | None

    @property
    def met(self) -> bool | None:
        return None if self.reached is None else self.metric.better.reached(self.reached, self.wanted)


@dataclass
class Row:
    """A number of a work with the values of all contenders."""

    metric: Metric
    outcomes: dict[Contender, list[Outcome]] = field(default_factory=dict)

    def values(self, contender: Contender) -> list[float]:
        """Return the single values, in the order in which they were measured."""
        key = self.metric.key
        return [outcome.values[key] for outcome in self.outcomes.get(contender, ()) if key in outcome.values]

    def median(self, contender: Contender) -> float | None:
        values = self.values(contender)
        return statistics.median(values) if values else None

    def trouble(self, contender: Contender) -> str:
        """Say why there is no more to tell of a contender, if something was in the way."""
        outcomes = self.outcomes.get(contender, [])
        for outcome in outcomes:
            if outcome.failed:
                return f'failed: {outcome.failed}'
            if outcome.unavailable:
                return f'not available: {outcome.unavailable}'
        if outcomes and not self.values(contender):
            return 'not available'
        return ''

    def ratio(self, contender: Contender) -> float | None:
        """Return this library's median divided by that of another contender."""
        ours, theirs = self.median(Contender.THIS), self.median(contender)
        return None if ours is None or not theirs else ours / theirs

    def target(self, contender: Contender) -> Target | None:
        """Return the target in comparison with *contender*; with THIS, the one for the number itself."""
        metric = self.metric
        wanted = {
            Contender.BARE: metric.to_bare,
            Contender.THIS: metric.itself,
            Contender.OTHER: metric.to_other,
        }[contender]
        if wanted is None:
            return None
        reached = self.median(contender) if contender is Contender.THIS else self.ratio(contender)
        return Target(metric, wanted, reached)

    @property
    def met(self) -> bool | None:
        """Whether every target that can be judged was met; None if there is none."""
        targets = [target for contender in Contender if (target := self.target(contender))]
        judged = [target.met for target in targets if target.met is not None]
        return all(judged) if judged else None

    def as_json(self) -> dict[str, Any]:
        metric = self.metric
        return {
            'name': metric.name,
            'unit': metric.unit,
            'better': metric.better.name.lower(),
            'values': {contender.value: self.values(contender) for contender in self.outcomes},
            'medians': {contender.value: self.median(contender) for contender in self.outcomes},
            'trouble': {contender.value: text for contender in self.outcomes if (text := self.trouble(contender))},
            'ratios': {contender.value: self.ratio(contender) for contender in _compared(self.outcomes)},
            'targets': {'bare': metric.to_bare, 'this': metric.itself, 'other': metric.to_other},
            'met': self.met,
        }


def _compared(contenders: Iterable[Contender]) -> list[Contender]:
    return [contender for contender in contenders if contender is not Contender.THIS]


class Results:
    """Rows in the order of the catalogue, filled while the run goes on."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def add(self, work: Work, contender: Contender, outcome: Outcome) -> None:
        """Take one measurement, which may have several numbers."""
        for metric in work.metrics:
            row = self._rows.setdefault(metric.name, Row(metric))
            row.outcomes.setdefault(contender, []).append(outcome)

    @property
    def rows(self) -> list[Row]:
        return list(self._rows.values())

    @property
    def failed(self) -> bool:
        """Whether any measurement failed; a work that a release has no word for has not."""
        return any(outcome.failed for row in self.rows for outcomes in row.outcomes.values() for outcome in outcomes)
