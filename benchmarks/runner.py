"""Let the contenders do each work in turn, round after round, so that what disturbs one disturbs all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .contender import Contender, Place
from .measurement import Outcome, measure
from .results import Results
from .works import Work

Progress = Callable[[Work, Contender], None]


def run(
    works: Sequence[Work],
    places: Mapping[Contender, Place],
    rounds: int,
    quick: bool,
    results: Results,
    before: Progress = lambda work, contender: None,
    measure: Callable[..., Outcome] = measure,
) -> None:
    """Put what is measured into *results*, which are there for whoever interrupts this.

    Who fails at a work or has no word for it is not asked again in its later rounds.
    """
    for work in works:
        taking_part = [contender for contender in Contender if contender in work.calls and contender in places]
        size = work.quick if quick else work.full
        for _ in range(rounds):
            for contender in list(taking_part):
                before(work, contender)
                call = work.calls[contender]
                outcome = measure(places[contender], call.script, call.arguments(size))
                results.add(work, contender, outcome)
                if not outcome.values:
                    taking_part.remove(contender)
            if Contender.THIS not in taking_part:
                # Nothing is left to compare the others with.
                break


def steps(works: Sequence[Work], places: Mapping[Contender, Place], rounds: int) -> int:
    """Return how many measurements there are to do."""
    return rounds * sum(contender in places for work in works for contender in work.calls)
