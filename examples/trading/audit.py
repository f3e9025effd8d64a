"""Ask every agent what it has counted when the last date is done."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Mapping

from osbrain import Proxy
from osbrain.helper import wait_agent_attr

from .messages import Failure
from .results import Outcome, Results

if TYPE_CHECKING:
    from .platform import Platform

LOGGED = 10.0  # seconds that the last lines may take to the logger


def audit(
    platform: Platform,
    failures: dict[str, Failure],
    deaths: Mapping[str, list[str]] = MappingProxyType({}),
) -> Results:
    """Return the results of a run in which *failures* have happened, and *deaths* that did no harm."""
    accounts = platform.portfolio.get_attr('accounts')
    ordered = platform.broker.get_attr('ordered')
    refused = platform.broker.get_attr('refused')
    outcomes = {
        name: Outcome(
            name,
            symbols,
            accounts[name],
            ordered[name],
            refused[name],
            failures.get(name),
            tuple(deaths.get(name, ())),
        )
        for name, symbols in platform.plan.strategies.items()
    }
    # Who has died otherwise than on a bar cannot be asked, or has counted a date that is not over.
    witnesses = {
        name: strategist
        for name, strategist in platform.strategists.items()
        if name not in failures or failures[name].symbol
    }
    counts = {
        'orders': count_orders(platform),
        'fills': count_fills(platform),
        'lines of log': count_log_lines(platform),
    }
    if len(witnesses) == len(outcomes):
        counts['orders']['strategies'] = add_up(witnesses, 'ordered')
        counts['fills']['strategies'] = add_up(witnesses, 'filled')
    return Results(platform.plan, outcomes, count_bars(platform, witnesses), counts)


def count_bars(platform: Platform, witnesses: dict[str, Proxy]) -> dict[str, Counter[str]]:
    """Return how many bars of each symbol the feeds have published and each listener has got."""
    published = (feed.get_attr('published') for feed in platform.feeds.values())
    listeners = {'broker': platform.broker, 'portfolio': platform.portfolio, **witnesses}
    received = {name: listener.get_attr('received') for name, listener in listeners.items()}
    return {'feeds': sum(published, Counter()), **received}


def count_orders(platform: Platform) -> dict[str, int]:
    """Return how many orders have come to the broker and to the risk agent, and how many ended."""
    broker = platform.broker
    taken, refused, filled, cancelled = (
        sum(broker.get_attr(name).values())
        for name in ('ordered', 'refused', 'filled', 'cancelled')
    )
    return {
        'broker': taken,
        'risk': platform.risk.get_attr('asked'),
        'ended or open': filled + refused + cancelled + broker.left_open(),
    }


def count_fills(platform: Platform) -> dict[str, int]:
    """Return how many orders the broker has filled and how many fills are in the books."""
    accounts = platform.portfolio.get_attr('accounts').values()
    return {
        'broker': sum(platform.broker.get_attr('filled').values()),
        'portfolio': sum(len(account.fills) for account in accounts),
    }


def count_log_lines(platform: Platform) -> dict[str, int]:
    """Return how many lines the broker has written and how many have come to the logger."""
    written = platform.broker.get_attr('written')
    wait_agent_attr(platform.logger, 'log_history_info', length=written, timeout=LOGGED)
    return {'broker': written, 'logger': len(platform.logger.get_attr('log_history_info'))}


def add_up(agents: dict[str, Proxy], attribute: str) -> int:
    """Return the sum of an attribute of *agents*."""
    return sum(agent.get_attr(attribute) for agent in agents.values())
