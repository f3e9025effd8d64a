"""An order is refused if it, or the position after it, would be worth too much."""

from datetime import date

import pytest

from examples.trading.limits import Limits
from examples.trading.messages import Enquiry, Order
from examples.trading.money import units

LIMITS = Limits(max_order=units(1000), max_position=units(3000))


def refusal(quantity, position=0, price=1):
    order = Order('hold', 'IBM', date(2012, 1, 2), quantity)
    return LIMITS.refusal(Enquiry(order, position, units(price)))


@pytest.mark.parametrize('quantity, position', [(1000, 0), (-1000, 0), (1000, 2000), (-1000, -2000)])
def test_what_just_reaches_a_limit_is_approved(quantity, position):
    assert refusal(quantity, position) is None


@pytest.mark.parametrize('quantity', [1001, -1001])
def test_an_order_that_is_too_large_is_refused(quantity):
    assert refusal(quantity) == 'order of 1,001.00 exceeds 1,000.00'


@pytest.mark.parametrize('quantity, position', [(1000, 2001), (-1000, -2001)])
def test_an_order_that_makes_the_position_too_large_is_refused(quantity, position):
    assert refusal(quantity, position) == 'position of 3,001.00 would exceed 3,000.00'


def test_it_is_the_value_that_counts():
    assert refusal(100, price=10) is None
    assert refusal(100, price=11) == 'order of 1,100.00 exceeds 1,000.00'


@pytest.mark.parametrize('quantity, position', [(-5000, 5000), (-1, 9000), (5000, -5000)])
def test_the_way_out_is_always_open(quantity, position):
    """Whatever a position has grown to, it may be made smaller."""
    assert refusal(quantity, position) is None


def test_to_turn_a_position_round_is_no_way_out():
    assert refusal(-5000, 3000) == 'order of 5,000.00 exceeds 1,000.00'
