"""Name what travels between the agents: values without behaviour, money in units (money.py)."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Bar(NamedTuple):
    """The prices of one symbol on one trading date."""

    symbol: str
    date: date
    open: int
    high: int
    low: int
    close: int
    volume: int


class Bell(NamedTuple):
    """The end of a trading date in a market, and what was traded; the feed publishes it last."""

    market: str
    date: date
    symbols: tuple[str, ...]


class Receipt(NamedTuple):
    """What a subscriber answers when it has done all its work of a date."""

    subscriber: str
    date: date


class Order(NamedTuple):
    """A wish to buy (quantity above 0) or sell at the next open, decided on the bar of *date*."""

    strategy: str
    symbol: str
    date: date
    quantity: int


class Enquiry(NamedTuple):
    """The broker's question to the risk agent: may this be, with so much held, at this price?"""

    order: Order
    position: int
    price: int


class Answer(NamedTuple):
    """The broker's answer to an order; no refusal means that it will be filled at the next open."""

    order: Order
    refusal: str | None


class Fill(NamedTuple):
    """An executed order; *date* is the date of the execution."""

    strategy: str
    symbol: str
    date: date
    quantity: int
    price: int
    fee: int


class Settlement(NamedTuple):
    """All fills of a trading date, also when there are none: no more will follow on that date."""

    date: date
    fills: tuple[Fill, ...]


class Failure(NamedTuple):
    """Why and where a strategy stopped; without a symbol nobody knows on which bar of the date."""

    date: date
    symbol: str | None
    error: str

    def __str__(self) -> str:
        where = f'{self.symbol}, {self.date}' if self.symbol else f'{self.date}'
        return f'stopped at the bar of {where}: {self.error}'
