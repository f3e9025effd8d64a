"""A round is complete when all of a date is there, in whatever order it came."""

from datetime import date
from itertools import permutations

import pytest

from examples.trading.messages import Bar
from examples.trading.rounds import MessageLost, OutOfStep, Round

DAY, NEXT = date(2012, 5, 18), date(2012, 5, 21)


def bar(symbol, day=DAY):
    return Bar(symbol, day, 1, 1, 1, 1, 1)


@pytest.fixture
def both():
    """A round of somebody who listens to two markets and to the broker."""
    return Round(['AAPL', 'FB', 'IBM'], ['NASDAQ', 'NYSE', 'broker'])


def test_it_is_complete_when_the_last_source_has_rung(both):
    both.add(bar('IBM'))
    both.ring('NYSE', DAY, ['IBM'])
    both.ring('broker', DAY)
    assert not both.complete
    both.ring('NASDAQ', DAY, [])
    assert both.complete


@pytest.mark.parametrize('order', [*permutations(['NASDAQ', 'NYSE', 'broker'])])
def test_the_order_of_arrival_changes_nothing(both, order):
    traded = {'NASDAQ': ['FB', 'AAPL'], 'NYSE': ['IBM'], 'broker': []}
    for source in order:
        for symbol in traded[source]:
            both.add(bar(symbol))
        both.ring(source, DAY, traded[source])
    assert both.close() == (DAY, [bar('AAPL'), bar('FB'), bar('IBM')])


def test_a_new_round_starts_empty(both):
    for source in ('NASDAQ', 'NYSE', 'broker'):
        both.ring(source, DAY)
    both.close()
    assert not both.complete
    for source in ('NASDAQ', 'NYSE', 'broker'):
        both.ring(source, NEXT)
    assert both.close() == (NEXT, [])


def test_a_bell_for_a_bar_that_did_not_come_is_an_error(both):
    both.add(bar('AAPL'))
    with pytest.raises(MessageLost, match=r'NASDAQ rang the bell of 2012-05-18, but no bar of FB'):
        both.ring('NASDAQ', DAY, ['AAPL', 'FB'])


def test_what_others_trade_is_not_missed(both):
    both.ring('NASDAQ', DAY, ['MSFT'])
    assert not both.complete


def test_a_bell_of_another_date_is_an_error(both):
    both.ring('NYSE', DAY)
    with pytest.raises(OutOfStep, match='NASDAQ sent something of 2012-05-21'):
        both.ring('NASDAQ', NEXT)


def test_a_bar_of_another_date_is_an_error(both):
    both.ring('NYSE', DAY)
    with pytest.raises(OutOfStep, match='AAPL'):
        both.add(bar('AAPL', NEXT))
