"""The numbers of the game, all in one place: change them and run again."""

from __future__ import annotations

from .money import units

CAPITAL = units(100_000)  # that each strategy starts with
BUDGET = units(10_000)  # that a strategy spends on one order
FEE = units(1)  # that the broker takes for each order it fills

# What the risk agent allows a strategy, in each symbol.
MAX_ORDER = units(12_000)
MAX_POSITION = units(30_000)
