"""Symbols belong to markets and have topics of their own."""

from examples.trading.markets import BELL, SYMBOLS, open_markets, topic


def test_no_topic_is_the_beginning_of_another():
    """A subscription matches by prefix: FB must not get what is published for FBX."""
    topics = [*map(topic, [*SYMBOLS, 'FBX', 'A']), BELL]
    clashes = [(a, b) for a in topics for b in topics if a is not b and b.startswith(a)]
    assert clashes == []


def test_a_market_without_a_chosen_symbol_stays_closed():
    assert open_markets(('AAPL', 'MSFT')) == {'NASDAQ': ('AAPL', 'MSFT')}


def test_all_symbols_open_all_markets():
    assert open_markets(SYMBOLS) == {'NASDAQ': ('AAPL', 'FB', 'GOOG', 'MSFT'), 'NYSE': ('IBM',)}
