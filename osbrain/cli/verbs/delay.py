"""``osbrain delay``: how long it takes from an agent to here."""

from __future__ import annotations

import click

from ...address import SocketAddress
from ..exits import Exit
from ..looking import Limits
from ..measuring import INTERVAL, Column, in_numbers, measure, milliseconds
from ..options import examples, interval_option, json_option, limit_options, nsaddr_option, topic_option
from ..targets import targets_argument

_COLUMNS = (
    Column('rate', 'per second', lambda figures: figures.rate, in_numbers),
    Column('mean', 'delay: mean', lambda figures: figures.delays.mean, milliseconds),
    Column('shortest', 'shortest', lambda figures: figures.delays.least, milliseconds),
    Column('longest', 'longest', lambda figures: figures.delays.most, milliseconds),
    Column('deviation', 'deviation', lambda figures: figures.delays.deviation, milliseconds),
)
_EXAMPLES = (
    'osbrain delay feed:prices --nsaddr 127.0.0.1:9090',
    'osbrain delay feed:prices --topic AAPL --interval 10',
    'osbrain delay feed:prices --seconds 5 --json',
)


@click.command(short_help='How long messages take from agents to here.', epilog=examples(*_EXAMPLES))
@targets_argument
@nsaddr_option
@topic_option
@interval_option(1.0, INTERVAL)
@limit_options
@json_option
def delay(
    *,
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    topic: str,
    interval: float,
    count: int | None,
    seconds: float | None,
    as_json: bool,
) -> Exit:
    """Print how long messages take to get here, from when the agent has sent or taken them.

    Between machines it is as exact as their clocks agree. Ctrl-C ends it.
    """
    return measure(_COLUMNS, targets, nsaddr, topic, Limits(seconds, count), interval, as_json)
