"""``osbrain bw``: how many bytes a second go through a socket."""

from __future__ import annotations

import click

from ...address import SocketAddress
from ..exits import Exit
from ..looking import Limits
from ..measuring import INTERVAL, Column, in_bytes, in_numbers, measure
from ..options import examples, interval_option, json_option, limit_options, nsaddr_option, topic_option
from ..targets import targets_argument

_COLUMNS = (
    Column('bandwidth', 'per second', lambda figures: figures.bandwidth, in_bytes),
    Column('rate', 'messages', lambda figures: figures.rate, in_numbers),
    Column('mean', 'size: mean', lambda figures: figures.sizes.mean, in_bytes),
    Column('smallest', 'smallest', lambda figures: figures.sizes.least, in_bytes),
    Column('largest', 'largest', lambda figures: figures.sizes.most, in_bytes),
)
_EXAMPLES = (
    'osbrain bw camera:frames --nsaddr 127.0.0.1:9090',
    'osbrain bw camera:frames store:frames --interval 10',
    'osbrain bw camera:frames --seconds 5 --json',
)


@click.command(short_help='How many bytes go through sockets of agents.', epilog=examples(*_EXAMPLES))
@targets_argument
@nsaddr_option
@topic_option
@interval_option(1.0, INTERVAL)
@limit_options
@json_option
def bw(
    *,
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    topic: str,
    interval: float,
    count: int | None,
    seconds: float | None,
    as_json: bool,
) -> Exit:
    """Print how many bytes a second go through sockets, and how large messages are on the wire.

    Topics and envelopes are counted too. Ctrl-C ends it.
    """
    return measure(_COLUMNS, targets, nsaddr, topic, Limits(seconds, count), interval, as_json)
