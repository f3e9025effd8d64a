"""``osbrain hz``: how many messages a second go through a socket, and how regularly."""

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
    Column('mean', 'gap: mean', lambda figures: figures.gaps.mean, milliseconds),
    Column('shortest', 'shortest', lambda figures: figures.gaps.least, milliseconds),
    Column('longest', 'longest', lambda figures: figures.gaps.most, milliseconds),
    Column('deviation', 'deviation', lambda figures: figures.gaps.deviation, milliseconds),
)
_EXAMPLES = (
    'osbrain hz feed:prices --nsaddr 127.0.0.1:9090',
    'osbrain hz feed:prices --topic AAPL --interval 10',
    'osbrain hz feed:prices --seconds 5 --json',
)


@click.command(short_help='How often messages go through sockets of agents.', epilog=examples(*_EXAMPLES))
@targets_argument
@nsaddr_option
@topic_option
@interval_option(1.0, INTERVAL)
@limit_options
@json_option
def hz(
    *,
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    topic: str,
    interval: float,
    count: int | None,
    seconds: float | None,
    as_json: bool,
) -> Exit:
    """Print how many messages a second go through sockets, and the time between one and the next.

    That is measured by the clock of the agent's machine, when it sends or takes them. Ctrl-C ends it.
    """
    return measure(_COLUMNS, targets, nsaddr, topic, Limits(seconds, count), interval, as_json)
