"""Judge an equity curve."""

from __future__ import annotations

import math
from typing import Sequence

TRADING_DAYS = 252  # a year


def max_drawdown(equities: Sequence[int]) -> float:
    """Return the deepest fall below an earlier high, as a share of that high."""
    peak = deepest = 0.0
    for equity in equities:
        peak = max(peak, equity)
        if peak > 0:
            deepest = max(deepest, (peak - equity) / peak)
    return deepest


def sharpe_ratio(equities: Sequence[int]) -> float | None:
    """Return mean over deviation of the daily returns, for a year, against cash without interest.

    None if there is nothing to divide by: fewer than three points, a curve that never moves or that
    touches zero.
    """
    if len(equities) < 3 or min(equities) <= 0:
        return None
    returns = [after / before - 1 for before, after in zip(equities, equities[1:])]
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((value - mean) ** 2 for value in returns) / (len(returns) - 1)
    return mean / math.sqrt(variance) * math.sqrt(TRADING_DAYS) if variance else None
