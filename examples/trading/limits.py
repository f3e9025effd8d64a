"""Decide whether an order is within what a strategy may risk."""

from __future__ import annotations

from typing import NamedTuple

from . import money
from .messages import Enquiry


class Limits(NamedTuple):
    """The most that one order, and one position after it, may be worth at the last price.

    They hold for each strategy and symbol apart: no approval depends on whose order came first.
    """

    max_order: int
    max_position: int

    def refusal(self, enquiry: Enquiry) -> str | None:
        """Return why the order must not be; None if it may."""
        order, position, price = enquiry
        after = position + order.quantity
        # Who wants out must get out, whatever the position has grown to.
        if abs(after) < abs(position) and after * position >= 0:
            return None
        if (value := abs(order.quantity) * price) > self.max_order:
            return f'order of {money.text(value)} exceeds {money.text(self.max_order)}'
        if (value := abs(after) * price) > self.max_position:
            return f'position of {money.text(value)} would exceed {money.text(self.max_position)}'
        return None
