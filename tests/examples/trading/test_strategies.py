"""Each strategy decides by its rule, bar by bar."""

import pickle
from datetime import date, timedelta

import pytest

from examples.trading.messages import Bar, Fill
from examples.trading.money import units
from examples.trading.strategies import (
    DESK,
    Breakout,
    Crossover,
    Hold,
    Reversion,
    Sabotaged,
)
from examples.trading.terms import BUDGET


def bars(*closes):
    """Return one bar a day; each opened at the close before and moved by one dollar at most."""
    day = date(2012, 1, 2)
    return [
        Bar(
            'IBM',
            day + timedelta(n),
            units(close),
            units(close + 1),
            units(close - 1),
            units(close),
            1,
        )
        for n, close in enumerate(closes)
    ]


def play(strategy, *closes):
    """Show *strategy* bars with these closes, fill each order; return the ordered quantities."""
    pending, ordered = None, []
    for bar in bars(*closes):
        if pending:
            strategy.on_fill(Fill('x', bar.symbol, bar.date, pending.quantity, bar.open, 0))
        pending = strategy.on_bar(bar)
        ordered.append(pending.quantity if pending else 0)
    return ordered


def test_an_order_names_who_what_and_when():
    (bar,) = bars(100)
    assert Hold().on_bar(bar) == ('hold', 'IBM', bar.date, 100)


def test_the_budget_is_not_exceeded():
    (bar,) = bars(33)
    quantity = Hold().on_bar(bar).quantity
    assert quantity * bar.close <= BUDGET < (quantity + 1) * bar.close


def test_a_share_that_costs_more_than_the_budget_is_not_bought():
    (bar,) = bars(10_001)
    assert Hold().on_bar(bar) is None


def test_hold_buys_once():
    assert play(Hold(), 100, 50, 200, 10) == [100, 0, 0, 0]


def test_hold_tries_again_when_it_was_refused():
    strategy = Hold()
    assert [strategy.on_bar(bar).quantity for bar in bars(100, 50)] == [100, 200]


def test_crossover_waits_for_a_full_window():
    assert play(Crossover(fast=2, slow=4), 1, 2, 3) == [0, 0, 0]


def test_crossover_buys_when_the_fast_mean_is_above_and_sells_when_it_is_not():
    # Means of two and of four: 30 over 25, 30 over 27.5, 20 under 22.5.
    ordered = play(Crossover(fast=2, slow=4), 20, 20, 20, 40, 20, 10)
    assert ordered == [0, 0, 0, 250, 0, -250]


def test_crossover_takes_equal_means_for_no_trend():
    assert play(Crossover(fast=2, slow=4), 10, 10, 10, 10, 10) == [0, 0, 0, 0, 0]


def test_breakout_buys_above_all_highs_before():
    # Each high is the close and one: 102 is not above 101, 102 and 101, but 104 is above 103.
    assert play(Breakout(entry=3, leave=2), 100, 101, 100, 102, 104) == [0, 0, 0, 0, 96]


def test_breakout_sells_below_the_lows_before():
    # The lows of the last two bars are 199 and 198 when 198 closes, 198 and 197 when 196 does.
    assert play(Breakout(entry=1, leave=2), 100, 200, 200, 199, 198, 196) == [0, 50, 0, 0, 0, -50]


def test_breakout_does_not_count_the_bar_that_it_decides_on():
    """Else no close could ever lie above the highest high."""
    assert play(Breakout(entry=1, leave=1), 100, 200)[1] == 50


def test_reversion_buys_what_has_fallen_far_and_sells_above_the_mean():
    # Nine closes at 100 and one at 50: the mean is 95 and the deviation 15, three of which make 45.
    ordered = play(Reversion(window=10, width=2), *[100] * 9, 50, 100)
    assert ordered == [0] * 9 + [200, -200]


def test_reversion_leaves_alone_what_has_not_fallen_far_enough():
    assert play(Reversion(window=10, width=3), *[100] * 9, 50) == [0] * 10


def test_reversion_buys_again_what_falls_on():
    assert play(Reversion(window=10, width=2), *[100] * 9, 50, 20)[-2:] == [200, 500]


def test_reversion_does_nothing_while_nothing_moves():
    assert play(Reversion(window=3), 100, 100, 100, 100) == [0, 0, 0, 0]


def test_a_sabotaged_strategy_is_itself_until_its_last_date():
    sound, broken = Hold(), Sabotaged(Hold(), date(2012, 1, 4))
    closes = (100, 50)
    assert play(broken, *closes) == play(sound, *closes)


def test_a_sabotaged_strategy_raises_on_its_last_date():
    broken = Sabotaged(Hold(), date(2012, 1, 4))
    with pytest.raises(RuntimeError, match='sabotaged'):
        play(broken, 100, 100, 100)


def test_every_strategy_on_the_desk_has_a_name_of_its_own():
    assert len({strategy.name for strategy in DESK}) == len(DESK)


@pytest.mark.parametrize('make', [Hold, Crossover, Breakout, Reversion])
def test_a_strategy_goes_on_from_its_state_as_if_nothing_had_been(make):
    closes = [100 + (n * 37) % 23 + n // 3 for n in range(200)]
    living, rising = make(), make()
    play(living, *closes[:100])
    rising.load_state(pickle.loads(pickle.dumps(living.save_state())))
    assert play(rising, *closes[100:]) == play(living, *closes[100:])
    assert vars(rising) == vars(living)


def test_who_goes_on_from_the_state_of_a_sabotaged_strategy_keeps_its_position_and_is_not_broken_again():
    day = date(2012, 1, 4)
    broken, restarted = Sabotaged(Hold(), day), Sabotaged(Hold(), day)
    play(broken, 100, 101)
    state = broken.save_state()
    with pytest.raises(RuntimeError):
        broken.on_bar(bars(100, 101, 102)[-1])
    restarted.load_state(state)
    assert state['position'] == 100
    assert play(restarted, 100, 101, 102, 103) == [0, 0, 0, 0]
