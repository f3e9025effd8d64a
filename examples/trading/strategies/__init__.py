"""The strategies that are on the desk, and what each of them trades."""

from __future__ import annotations

from ..markets import SYMBOLS
from .base import Strategy
from .breakout import Breakout
from .crossover import Crossover
from .hold import Hold
from .reversion import Reversion
from .sabotage import Sabotaged

DESK: dict[type[Strategy], tuple[str, ...]] = {
    Hold: SYMBOLS,
    Crossover: SYMBOLS,
    Breakout: ('AAPL', 'FB', 'GOOG'),
    Reversion: ('IBM', 'MSFT'),
}
STRATEGIES = {strategy.name: strategy for strategy in DESK}

__all__ = [
    'DESK',
    'STRATEGIES',
    'Breakout',
    'Crossover',
    'Hold',
    'Reversion',
    'Sabotaged',
    'Strategy',
]
