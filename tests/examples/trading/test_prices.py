"""The prices are those of the data, adjusted and in order."""

from datetime import date

from examples.trading import prices
from examples.trading.markets import SYMBOLS


def test_every_row_of_the_data_becomes_a_bar():
    counted = {symbol: len(prices.bars(symbol)) for symbol in SYMBOLS}
    assert counted == {'AAPL': 3270, 'FB': 196, 'GOOG': 2148, 'IBM': 3270, 'MSFT': 3270}


def test_prices_that_needed_no_adjustment_are_as_they_were():
    """Facebook paid no dividend and split no share: this is its first day on the market."""
    first = prices.bars('FB')[0]
    assert first == ('FB', date(2012, 5, 18), 420500, 450000, 380000, 382318, 573576400)


def test_a_split_is_no_loss():
    """Apple gave two shares for one on 28 February 2005: the plain price was halved."""
    bars = {bar.date: bar for bar in prices.bars('AAPL')}
    before, after = bars[date(2005, 2, 25)].close, bars[date(2005, 2, 28)].close
    assert 0.95 < after / before < 1.05


def test_every_bar_has_its_prices_between_low_and_high():
    wrong = [
        bar
        for symbol in SYMBOLS
        for bar in prices.bars(symbol)
        if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    ]
    assert wrong == []


def test_both_ends_of_the_time_are_included():
    days = prices.days(['IBM'], date(2010, 1, 4), date(2010, 1, 8))
    assert [day.day for day, _ in days] == [4, 5, 6, 7, 8]


def test_a_date_has_the_bars_of_what_was_traded_in_order_of_symbol():
    """Facebook came to the market on 18 May 2012."""
    days = prices.days(['MSFT', 'FB', 'AAPL'], date(2012, 5, 17), date(2012, 5, 18))
    assert [[bar.symbol for bar in bars] for _, bars in days] == [
        ['AAPL', 'MSFT'],
        ['AAPL', 'FB', 'MSFT'],
    ]


def test_a_time_without_prices_has_no_dates():
    assert prices.days(['FB'], date.min, date(2012, 5, 17)) == []
