"""``osbrain hz``: how many messages a second go through a socket, and how regularly."""

from __future__ import annotations

from ..measuring import Column, in_numbers, measuring_command, milliseconds
from ..options import examples

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


@measuring_command(short_help='How often messages go through sockets of agents.', epilog=examples(*_EXAMPLES))
def hz() -> tuple[Column, ...]:
    """Print how many messages a second go through sockets, and the time between one and the next.

    That is measured by the clock of the agent's machine, when it sends or takes them. Ctrl-C ends it.
    """
    return _COLUMNS
