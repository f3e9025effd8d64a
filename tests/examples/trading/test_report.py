"""The report says how each strategy did and that nothing has got lost."""

from dataclasses import replace

import pytest
from rich.console import Console

from examples.trading.report import print_report


@pytest.fixture
def lines(results):
    """Return a function that prints the report; it returns the words of each line."""

    def printed(**options):
        console = Console(width=80, record=True, file=open_nothing())
        print_report(results, console, **options)
        return [line.split() for line in console.export_text().splitlines()]

    return printed


def open_nothing():
    """Return a file that keeps nothing."""
    from io import StringIO

    return StringIO()


def test_it_begins_with_what_was_replayed(lines):
    first = ' '.join(lines()[0])
    assert first == '2012-05-14 to 2012-05-18: 5 trading dates, 6 bars of FB, IBM.'


def test_each_strategy_has_a_row(lines):
    """Orders, refused, trades, won trades, profit, drawdown, Sharpe ratio."""
    row = next(line for line in lines() if line[:1] == ['hold'] and len(line) == 8)
    assert row[:7] == ['hold', '5', '1', '2', '1', '1,234.50', '0.0%']
    assert float(row[7]) > 0


def test_who_never_moved_has_no_sharpe_ratio(lines):
    row = next(line for line in lines() if line[:2] == ['reversion', '*'])
    assert row == ['reversion', '*', '2', '0', '0', '0', '0.00', '0.0%', '-']


def test_it_says_which_strategy_stopped_on_which_bar_and_why(lines):
    text = ' '.join(word for line in lines() for word in line)
    assert (
        '* reversion stopped at the bar of IBM, 2012-05-16: ZeroDivisionError: division by zero. '
        'Its results end with that date; the others went on without it.'
    ) in text


def test_it_says_which_strategy_was_started_again_and_why(lines, results):
    results.outcomes['hold'] = replace(
        results.outcomes['hold'],
        deaths=('stopped at the bar of FB, 2012-05-18: KeyError: 1', 'died: killed by SIGKILL'),
    )
    text = ' '.join(word for line in lines() for word in line)
    for death in ('stopped at the bar of FB, 2012-05-18: KeyError: 1', 'died: killed by SIGKILL'):
        assert f'hold {death}. It was started again and went on with what it held.' in text


def test_who_has_not_come_back_was_not_started_again(lines, results):
    results.outcomes['reversion'] = replace(results.outcomes['reversion'], deaths=('died: exit code 1',))
    assert 'started again' not in ' '.join(word for line in lines() for word in line)


def test_each_symbol_has_a_row_with_what_each_agent_has_counted(lines):
    rows = lines(chart=False)
    assert ['Symbol', 'feeds', 'hold', 'reversion'] in rows
    assert ['FB', '1', '1'] in rows
    assert ['IBM', '5', '5', '2'] in rows
    assert ['all', '6', '6', '2'] in rows


def test_it_ends_well_if_nothing_has_got_lost(lines):
    assert ' '.join(lines()[-1]) == 'Every bar, order and fill is accounted for from end to end.'


def test_it_says_what_has_got_lost(lines, results):
    results.bars['hold']['IBM'] = 4
    assert ' '.join(lines()[-1]) == ('NOT ACCOUNTED FOR: hold has counted 4 bars of IBM instead of 5.')


def test_the_curves_can_be_left_out(lines):
    assert len(lines()) > len(lines(chart=False)) + 15
