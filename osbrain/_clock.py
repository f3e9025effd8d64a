"""Deadlines on the monotonic clock: made once at the door, handed down."""

from __future__ import annotations

import time

from .errors import OptionInvalid

monotonic = time.monotonic


class Deadline:
    """A moment until which something may wait; ``None`` or a negative number of seconds is for ever."""

    __slots__ = ('seconds', 'when')

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float))):
            raise OptionInvalid('timeout', seconds, 'a number of seconds or None')
        self.seconds = seconds
        self.when = None if seconds is None or seconds < 0 else monotonic() + seconds

    @property
    def expired(self) -> bool:
        return self.when is not None and monotonic() >= self.when

    @property
    def left(self) -> float | None:
        """Seconds left, never negative; ``None`` is for ever."""
        return None if self.when is None else max(0.0, self.when - monotonic())

    def left_or(self, most: float) -> float:
        """Seconds left, but at most *most*."""
        left = self.left
        return most if left is None else min(left, most)
