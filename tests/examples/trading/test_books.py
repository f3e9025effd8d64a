"""An account adds up exactly."""

from datetime import date

import pytest

from examples.trading.books import Account
from examples.trading.messages import Fill

DAYS = [date(2012, 1, day) for day in (2, 3, 4, 5)]


def fill(quantity, price, symbol='IBM', fee=1, day=DAYS[0]):
    return Fill('hold', symbol, day, quantity, price, fee)


@pytest.fixture
def account():
    return Account(1000)


def test_what_is_bought_is_paid_with_the_fee(account):
    account.book(fill(3, 100))
    assert (account.cash, account.positions) == (699, {'IBM': 3})


def test_what_is_sold_is_earned_less_the_fee(account):
    account.book(fill(-3, 100))
    assert (account.cash, account.positions) == (1299, {'IBM': -3})


def test_the_equity_is_cash_and_positions_at_the_close(account):
    account.book(fill(3, 100))
    account.book(fill(-1, 50, symbol='FB'))
    assert account.equity({'IBM': 110, 'FB': 40, 'AAPL': 7}) == 1000 - 301 + 49 + 330 - 40


def test_a_mark_is_a_point_of_the_curve(account):
    account.mark(DAYS[0], {})
    account.book(fill(3, 100))
    account.mark(DAYS[1], {'IBM': 120})
    assert account.curve == [(DAYS[0], 1000), (DAYS[1], 1059)]
    assert account.profit == 59


def test_a_trade_lasts_until_nothing_is_held(account):
    for quantity, price in ((3, 100), (2, 90), (-4, 110)):
        account.book(fill(quantity, price))
    assert account.trades == []
    account.book(fill(-1, 120))
    assert account.trades == [-301 - 181 + 439 + 119]


def test_trades_of_two_symbols_do_not_mix(account):
    account.book(fill(1, 100))
    account.book(fill(1, 10, symbol='FB'))
    account.book(fill(-1, 130))
    assert account.trades == [28]


def test_the_sum_of_all_trades_is_the_profit_when_nothing_is_held(account):
    for quantity, price in ((3, 100), (-3, 90), (-2, 80), (2, 85)):
        account.book(fill(quantity, price))
    account.mark(DAYS[0], {'IBM': 12345})
    assert sum(account.trades) == account.profit == -30 - 10 - 4


def test_a_closed_account_keeps_its_curve_up_to_its_last_date(account):
    for day in DAYS[:3]:
        account.mark(day, {})
    account.close(DAYS[1])
    account.mark(DAYS[3], {})
    assert [day for day, _ in account.curve] == DAYS[:2]


def test_an_account_that_is_closed_early_is_marked_until_its_last_date(account):
    """The word that a strategy has died may come before the date on which it died is marked."""
    account.mark(DAYS[0], {})
    account.close(DAYS[1])
    for day in DAYS[1:]:
        account.mark(day, {})
    assert [day for day, _ in account.curve] == DAYS[:2]


def test_an_account_without_a_mark_has_neither_won_nor_lost(account):
    assert account.profit == 0
