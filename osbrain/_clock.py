"""Deadlines on the monotonic clock: made once at the door, handed down."""

from __future__ import annotations

import time

from .errors import OptionInvalid

monotonic = time.monotonic


class Deadline:
    """A moment until which something may wait; ``None`` or a negative number of seconds is for ever."""

    __slots__ = ('seconds', 'when')

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.when: float | None = None
        if seconds is None:
            return
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise OptionInvalid('timeout', seconds, 'a number of seconds or None')
        if seconds >= 0:
            self.when = monotonic() + seconds

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
