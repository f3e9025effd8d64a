"""How often children may be started again, and how long to wait before: given the time, never asking for it."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from ..errors import OptionInvalid

# Seconds before the second restart in a row; each further one waits twice as long. Short beside a start with many
# imports, long beside the few milliseconds after which a child that fails at once would be back.
FIRST_DELAY = 0.1
# The longest wait, however generous the limits are: an exchange that is back should not be waited for much longer.
LONGEST_DELAY = 30.0


class Intensity:
    """How many restarts there were lately; more than *max_restarts* within *within* seconds are too many."""

    def __init__(self, max_restarts: int, within: float) -> None:
        self.max_restarts = max_restarts
        self.within = within
        self._moments: deque[float] = deque()

    def too_many(self, now: float) -> bool:
        """Count one more restart that is due; whether it is one too many."""
        self._moments.append(now)
        while self._moments[0] < now - self.within:
            self._moments.popleft()
        return len(self._moments) > self.max_restarts


class Backoff:
    """How long one child is waited with: not at all at first, then longer and longer, until it ran quietly for long."""

    def __init__(self, intensity: Intensity) -> None:
        self._quiet = intensity.within
        # As many restarts as are allowed take half of the time within which they are counted, whatever the limits are:
        # otherwise the delays alone would keep a child that always fails below them for ever.
        self._longest = min(LONGEST_DELAY, intensity.within / (2 * (intensity.max_restarts + 1)))
        self._in_a_row = 0

    def delay(self, lived: float) -> float:
        """Seconds to wait before the next restart of a child that ran for *lived* seconds."""
        if lived >= self._quiet:
            self._in_a_row = 0
        self._in_a_row += 1
        if self._in_a_row == 1:
            return 0.0
        # The exponent is bounded because a float is.
        return min(FIRST_DELAY * 2.0 ** min(self._in_a_row - 2, 64), self._longest)


def checked_limits(max_restarts: Any, within: Any) -> tuple[int, float]:
    """Return both limits; :class:`~osbrain.errors.OptionInvalid` unless they are a count and a time."""
    if isinstance(max_restarts, bool) or not isinstance(max_restarts, int) or max_restarts < 0:
        raise OptionInvalid('max_restarts', max_restarts, 'a whole number, 0 or more')
    return max_restarts, _seconds('within', within, 'a number of seconds above 0', above=True)


def checked_patience(shutdown: Any) -> float:
    """Return *shutdown*, the seconds that a child may take to end; :class:`OptionInvalid` if it is no such number."""
    return _seconds('shutdown', shutdown, 'a number of seconds, 0 or more', above=False)


def _seconds(option: str, value: Any, expected: str, above: bool) -> float:
    number = not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
    if not number or value < 0 or (above and value == 0):
        raise OptionInvalid(option, value, expected)
    return float(value)
