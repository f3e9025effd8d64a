"""Which timer is due when: a heap of moments, told the time from outside."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any

from ..errors import PeriodInvalid


def checked_seconds(value: Any, what: str) -> float:
    """*value* as seconds; :class:`~osbrain.errors.PeriodInvalid` for anything but a finite number of at least 0."""
    try:  # NumPy's scalars and decimals count as numbers
        seconds = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise PeriodInvalid(value, what)
    return seconds


class Timer:
    """One timer: *period* is ``None`` for a single shot."""

    __slots__ = ('action', 'alias', 'due', 'hidden', 'period', 'stopped')

    def __init__(self, alias: Any, due: float, period: float | None, action: Callable[[], Any], hidden: bool) -> None:
        self.alias, self.due, self.period, self.action, self.hidden = alias, due, period, action, hidden
        self.stopped = False

    def __lt__(self, other: Timer) -> bool:
        return self.due < other.due


class TimerHeap:
    """Timers by the moment at which they are due."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._stopped = 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, timer: Timer) -> None:
        """Add a timer."""
        heapq.heappush(self._heap, timer)

    def next_due(self) -> float | None:
        """When the next timer is due; ``None`` without timers."""
        while self._heap and self._heap[0].stopped:
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def pop_due(self, now: float) -> list[Timer]:
        """Take out every timer that is due at *now*, the earliest first."""
        due = []
        while self._heap and (self._heap[0].stopped or self._heap[0].due <= now):
            timer = heapq.heappop(self._heap)
            if not timer.stopped:
                due.append(timer)
        return due

    def stop(self, timer: Timer) -> None:
        """Never give *timer* out; when most of what is kept was stopped, it is let go of."""
        timer.stopped = True
        self._stopped += 1
        if 2 * self._stopped > len(self._heap):
            self._heap = [one for one in self._heap if not one.stopped]
            heapq.heapify(self._heap)
            self._stopped = 0

    def clear(self) -> None:
        """Forget all timers."""
        for timer in self._heap:
            timer.stopped = True
        self._heap.clear()


def next_start(planned: float, period: float, now: float) -> float:
    """When a periodic action starts again: as planned, or at once if that is past; missed starts are dropped."""
    return max(planned + period, now)
