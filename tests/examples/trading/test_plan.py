"""What the user asks for becomes a plan, or one line that says why not."""

from datetime import date

import pytest

from examples.trading.plan import BadPlan, make_plan
from examples.trading.strategies import Crossover, Sabotaged

WEEK = {'start': date(2012, 5, 14), 'end': date(2012, 5, 18)}


@pytest.mark.parametrize(
    'asked, answer',
    [
        (
            {'symbols': ['AAPL', 'XYZ']},
            "unknown symbol 'XYZ': choose from AAPL, FB, GOOG, IBM, MSFT",
        ),
        ({'symbols': []}, 'no symbol given: choose from AAPL, FB, GOOG, IBM, MSFT'),
        (
            {'start': date(2012, 1, 2), 'end': date(2012, 1, 1)},
            'the last date (2012-01-01) lies before the first (2012-01-02)',
        ),
        (
            {'symbols': ['FB'], 'end': date(2012, 5, 17)},
            'no prices of FB in that time: they begin on 2012-05-18 and end on 2013-03-01',
        ),
        (
            {'symbols': ['IBM', 'FB'], 'start': date(2012, 5, 19), 'end': date(2012, 5, 20)},
            'no prices of FB, IBM in that time: they begin on 2000-03-01 and end on 2013-03-01',
        ),
        ({'speed': -1.0}, 'the speed must be 0 (as fast as possible) or more, not -1'),
        ({'speed': float('nan')}, 'the speed must be 0 (as fast as possible) or more, not nan'),
        ({'speed': float('inf')}, 'the speed must be 0 (as fast as possible) or more, not inf'),
        (
            {'sabotage': 'typo'},
            "unknown strategy 'typo': choose from hold, crossover, breakout, reversion",
        ),
        (
            {'symbols': ['IBM'], 'sabotage': 'breakout'},
            "'breakout' cannot be sabotaged: it trades AAPL, FB, GOOG and does not take part",
        ),
        (
            {'symbols': ['FB', 'IBM'], 'end': date(2012, 1, 3), 'sabotage': 'breakout'},
            "'breakout' cannot be sabotaged: there is no bar for it in that time",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(asked, answer):
    with pytest.raises(BadPlan) as caught:
        make_plan(**asked)
    assert str(caught.value) == answer


def test_a_strategy_trades_what_is_chosen_of_what_it_trades():
    plan = make_plan(['FB', 'IBM'], **WEEK)
    assert plan.strategies == {
        'hold': ('FB', 'IBM'),
        'crossover': ('FB', 'IBM'),
        'breakout': ('FB',),
        'reversion': ('IBM',),
    }


def test_a_strategy_that_trades_nothing_of_it_takes_no_part():
    assert list(make_plan(['IBM'], **WEEK).strategies) == ['hold', 'crossover', 'reversion']


def test_a_symbol_that_is_named_twice_is_traded_once():
    assert make_plan(['IBM', 'FB', 'IBM'], **WEEK).symbols == ('FB', 'IBM')


def test_both_markets_have_all_dates():
    """A date without a bar in a market is a round there all the same."""
    plan = make_plan(['FB', 'IBM'], **WEEK)
    assert [len(bars) for _, bars in plan.days_of('NASDAQ')] == [0, 0, 0, 0, 1]
    assert [len(bars) for _, bars in plan.days_of('NYSE')] == [1, 1, 1, 1, 1]


def test_the_bars_of_the_markets_are_all_bars():
    plan = make_plan(**WEEK)
    in_markets = sum(len(bars) for market in plan.markets for _, bars in plan.days_of(market))
    assert in_markets == plan.bars_of(plan.symbols) == 21


def test_each_symbol_has_a_strategy_of_its_own():
    built = make_plan(['AAPL', 'IBM'], **WEEK).build('crossover')
    assert set(built) == {'AAPL', 'IBM'}
    assert all(type(strategy) is Crossover for strategy in built.values())
    assert built['AAPL'] is not built['IBM']


def test_sabotage_is_in_the_middle_of_the_dates_of_the_strategy():
    """Breakout trades Facebook alone here, which came on the last date of that week."""
    plan = make_plan(['FB', 'IBM'], **WEEK, sabotage='breakout')
    assert plan.sabotage_day() == date(2012, 5, 18)
    plan = make_plan(['FB', 'IBM'], **WEEK, sabotage='hold')
    assert plan.sabotage_day() == date(2012, 5, 16)


def test_nobody_is_started_again_unless_it_is_asked_for():
    assert make_plan(**WEEK).restart is False
    assert make_plan(**WEEK, restart=True).restart is True


def test_only_the_one_strategy_is_sabotaged():
    plan = make_plan(**WEEK, sabotage='hold')
    broken = {name for name in plan.strategies for built in plan.build(name).values() if type(built) is Sabotaged}
    assert broken == {'hold'}
