"""When each fault strikes: worked out beforehand, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What is done to the system, in the words of the report."""

    WORKER_KILLED = 'worker killed'
    WORKER_STOPPED = 'worker stopped for a while'
    DISPATCHER_KILLED = 'dispatcher killed'
    NAME_SERVER_KILLED = 'name server killed'
    QUEUE_FILLED = 'queue filled'
    DESCRIPTORS_EXHAUSTED = 'no descriptors left'
    FRAMES_CORRUPT = 'corrupt frames'


@dataclass(frozen=True)
class Strike:
    """One fault, *at* so many seconds after the beginning; *victim*, from 0 to 1, chooses whom it hits."""

    at: float
    fault: Fault
    victim: float


#: Seconds from one strike of a fault to its next.
PERIODS = {
    Fault.WORKER_KILLED: 0.2,
    Fault.WORKER_STOPPED: 2.0,
    Fault.QUEUE_FILLED: 1.5,
    Fault.DESCRIPTORS_EXHAUSTED: 2.5,
    Fault.FRAMES_CORRUPT: 0.5,
}
#: In which parts of each stretch of time a fault strikes; a stretch is a minute, or the whole run if that is shorter.
MOMENTS = {
    Fault.NAME_SERVER_KILLED: (0.25, 0.7),
    Fault.DISPATCHER_KILLED: (0.5,),
}
STRETCH = 60.0


def schedule(seconds: float, seed: int) -> list[Strike]:
    """Return the strikes of a run of *seconds*, in their order; the same for the same *seed*."""
    chance = random.Random(seed)  # noqa: S311  (which worker dies is no secret)
    moments = sorted(_moments(seconds), key=lambda moment: moment[0])
    return [Strike(at, fault, chance.random()) for at, fault in moments]


def _moments(seconds: float) -> Iterator[tuple[float, Fault]]:
    for fault, period in PERIODS.items():
        for number in range(1, int(seconds / period) + 1):
            yield number * period, fault
    stretch = min(STRETCH, seconds)
    for number in range(int(seconds / stretch) if stretch else 0):
        for fault, shares in MOMENTS.items():
            for share in shares:
                yield (number + share) * stretch, fault
