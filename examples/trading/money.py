"""Hold money as whole numbers: sums are exact, and every run adds up to the same books."""

from __future__ import annotations

# The prices of the data have up to four decimals.
UNITS_PER_DOLLAR = 10_000


def units(dollars: float) -> int:
    """Return the nearest whole number of units."""
    return round(dollars * UNITS_PER_DOLLAR)


def text(amount: int) -> str:
    """Write *amount* units in dollars and cents."""
    return f'{amount / UNITS_PER_DOLLAR:,.2f}'
