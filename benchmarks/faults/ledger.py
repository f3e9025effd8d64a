"""What was handed in, what arrived, and how long it took until all was well again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .schedule import Fault


@dataclass(frozen=True)
class Outcome:
    """The numbers of one run.

    *handed_in* tasks were acknowledged by the dispatcher to whoever handed them in; of these *lost* never arrived.
    *repeats* arrived although they had arrived before.
    """

    handed_in: int
    arrived: int
    lost: tuple[int, ...]
    repeats: int
    seconds: float
    strikes: Mapping[Fault, int] = field(default_factory=dict)
    #: Seconds from a strike until what it hit worked again.
    recoveries: Mapping[Fault, tuple[float, ...]] = field(default_factory=dict)
    #: What went wrong beyond that, in words.
    troubles: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, and nothing else went wrong."""
        return not self.lost and not self.troubles


class Ledger:
    """Collects an :class:`Outcome` while a run goes on."""

    def __init__(self) -> None:
        self._strikes: Counter[Fault] = Counter()
        self._recoveries: dict[Fault, list[float]] = {}
        self._troubles: list[str] = []

    def struck(self, fault: Fault) -> None:
        """Note that a fault has struck."""
        self._strikes[fault] += 1

    def recovered(self, fault: Fault, seconds: float) -> None:
        """Note how long the system took to get over it."""
        self._recoveries.setdefault(fault, []).append(seconds)

    def trouble(self, text: str) -> None:
        """Note what should not have happened."""
        self._troubles.append(text)

    def outcome(self, handed_in: int, counts: Iterable[int], seconds: float) -> Outcome:
        """Close the ledger; *counts* says how often each of the tasks arrived, from the first on."""
        arrivals = list(counts)
        return Outcome(
            handed_in,
            sum(1 for count in arrivals if count),
            tuple(number for number, count in enumerate(arrivals[:handed_in]) if not count),
            sum(count - 1 for count in arrivals if count),
            seconds,
            dict(self._strikes),
            {fault: tuple(values) for fault, values in self._recoveries.items()},
            tuple(self._troubles),
        )
