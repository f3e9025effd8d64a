"""Who is started again with a child that died."""

import pytest

from osbrain._supervision.strategy import Strategy, affected, checked_strategy, in_order
from osbrain.errors import OptionInvalid


@pytest.mark.parametrize(
    'strategy, dead, expected',
    [
        ('one_for_one', 'a', 'a'),
        ('one_for_one', 'c', 'c'),
        ('one_for_all', 'a', 'abcd'),
        ('one_for_all', 'c', 'abcd'),
        ('rest_for_one', 'a', 'abcd'),
        ('rest_for_one', 'c', 'cd'),
        ('rest_for_one', 'd', 'd'),
    ],
)
def test_those_affected_come_in_the_order_of_their_start(strategy, dead, expected):
    assert ''.join(affected(Strategy(strategy), 'abcd', dead)) == expected


@pytest.mark.parametrize('strategy', Strategy)
def test_an_only_child_is_affected_by_its_own_death(strategy):
    assert affected(strategy, ['a'], 'a') == ['a']


def test_only_children_that_stand_for_themselves_need_no_order():
    assert [strategy.value for strategy in Strategy if not in_order(strategy)] == ['one_for_one']


@pytest.mark.parametrize('strategy', Strategy)
def test_a_strategy_is_known_by_its_name(strategy):
    assert checked_strategy(strategy.value) is checked_strategy(strategy) is strategy


@pytest.mark.parametrize('value', ['one_for_two', '', None, 3, ['one_for_one']])
def test_anything_else_is_refused_with_those_there_are(value):
    with pytest.raises(OptionInvalid) as caught:
        checked_strategy(value)
    assert str(caught.value) == f'strategy must be one of one_for_one, one_for_all, rest_for_one, not {value!r}'
