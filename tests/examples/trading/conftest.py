"""Give tests of what is shown the results of a run that never took place."""

from collections import Counter
from datetime import date

import pytest

from examples.trading.books import Account
from examples.trading.messages import Failure
from examples.trading.money import units
from examples.trading.plan import make_plan
from examples.trading.results import Outcome, Results


@pytest.fixture
def plan():
    """One week; FB came to the market on its last date."""
    return make_plan(['FB', 'IBM'], date(2012, 5, 14), date(2012, 5, 18))


@pytest.fixture
def results(plan):
    """Hold has won 1,234.50 dollars; reversion, which trades IBM, has failed on the third date."""
    hold, reversion = Account(units(100_000)), Account(units(100_000))
    for n, (day, _) in enumerate(plan.days):
        hold.cash = units(100_000) + n * units(1234.50) // 4
        hold.mark(day, {})
        reversion.mark(day, {})
    hold.trades = [units(2000), units(-765.50)]
    failure = Failure(date(2012, 5, 16), 'IBM', 'ZeroDivisionError: division by zero')
    reversion.close(failure.date)
    outcomes = {
        'hold': Outcome('hold', ('FB', 'IBM'), hold, 5, 1, None),
        'reversion': Outcome('reversion', ('IBM',), reversion, 2, 0, failure),
    }
    everything = Counter(FB=1, IBM=5)
    bars = {'feeds': everything, 'hold': everything.copy(), 'reversion': Counter(IBM=2)}
    return Results(plan, outcomes, bars, {'orders': {'strategies': 7, 'broker': 7}})
