"""Say where each share is traded and under which topic it is published."""

from __future__ import annotations

MARKETS = {
    'NASDAQ': ('AAPL', 'FB', 'GOOG', 'MSFT'),
    'NYSE': ('IBM',),
}
SYMBOLS = tuple(sorted(symbol for symbols in MARKETS.values() for symbol in symbols))

# What a feed publishes after the bars of a date. No symbol is written in lower case.
BELL = 'bell.'


def topic(symbol: str) -> str:
    """Return the topic of *symbol*: a subscription matches by prefix, and the dot ends the word."""
    return f'{symbol}.'


def open_markets(symbols: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Map each market that trades any of *symbols* to those it trades."""
    chosen = {
        market: tuple(symbol for symbol in listed if symbol in symbols)
        for market, listed in MARKETS.items()
    }
    return {market: traded for market, traded in chosen.items() if traded}
