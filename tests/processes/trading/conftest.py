"""Keep the books of a plan without agents, processes or messages: a plain loop over the prices."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from examples.trading.messages import Fill
from examples.trading.terms import CAPITAL, FEE, MAX_ORDER, MAX_POSITION


class Books(NamedTuple):
    """What there is to compare of a strategy, in whole units of money."""

    fills: list
    curve: list
    cash: int
    positions: dict
    orders: int
    refused: int


def trade(plan, name):
    """Return the books of one strategy; it is the decisions alone that the platform has as well."""
    cash, held, last, wanted = CAPITAL, {}, {}, {}
    fills, curve, orders, refused = [], [], 0, 0
    strategies = plan.build(name)
    for day, bars in plan.days:
        for symbol, _, opened, _, _, close, _ in bars:
            if symbol not in strategies:
                continue
            quantity = wanted.pop(symbol, 0)
            if quantity:
                cash -= quantity * opened + FEE
                held[symbol] = held.get(symbol, 0) + quantity
                fills.append(Fill(name, symbol, day, quantity, opened, FEE))
                strategies[symbol].on_fill(fills[-1])
            last[symbol] = close
        for bar in bars:
            order = strategies[bar.symbol].on_bar(bar) if bar.symbol in strategies else None
            if order:
                orders += 1
                after = held.get(bar.symbol, 0) + order.quantity
                too_much = order.quantity * bar.close > MAX_ORDER or after * bar.close > MAX_POSITION
                # All of them only ever sell what they hold.
                if order.quantity > 0 and too_much:
                    refused += 1
                else:
                    wanted[bar.symbol] = order.quantity
        curve.append((day, cash + sum(held[symbol] * last[symbol] for symbol in held)))
    return Books(fills, curve, cash, held, orders, refused)


def books(outcome):
    """Return the books that the platform has kept of one strategy."""
    account = outcome.account
    positions = dict(account.positions)
    return Books(account.fills, account.curve, account.cash, positions, outcome.orders, outcome.refused)


@pytest.fixture(scope='session')
def plain_loop():
    """Return a function: plan and name of a strategy to its books by the plain loop."""
    return trade


@pytest.fixture(scope='session')
def kept():
    """Return a function: the outcome of a strategy to its books by the platform."""
    return books
