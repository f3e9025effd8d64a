"""``osbrain delay``: how long it takes from an agent to here."""

from __future__ import annotations

from ..measuring import Column, in_numbers, measuring_command, milliseconds
from ..options import examples

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


@measuring_command(short_help='How long messages take from agents to here.', epilog=examples(*_EXAMPLES))
def delay() -> tuple[Column, ...]:
    """Print how long messages take to get here, from when the agent has sent or taken them.

    Between machines it is as exact as their clocks agree. Ctrl-C ends it.
    """
    return _COLUMNS
