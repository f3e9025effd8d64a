"""How long to wait between two looks whether a name server is back."""

from __future__ import annotations

import random
from collections.abc import Iterator

# In seconds, and as a share of the lease, within which everybody is to be back.
_SHORTEST = 0.05
_LONGEST = 0.4


def pauses(lease: float) -> Iterator[float]:
    """Seconds between two tries: ever longer, and not the same for everybody, so that they do not all come at once."""
    longest = _LONGEST * lease
    pause = min(_SHORTEST, longest)
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
        pause = min(2 * pause, longest)
