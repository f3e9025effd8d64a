"""``osbrain bw``: how many bytes a second go through a socket."""

from __future__ import annotations

from ..measuring import Column, in_bytes, in_numbers, measuring_command
from ..options import examples

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


@measuring_command(short_help='How many bytes go through sockets of agents.', epilog=examples(*_EXAMPLES))
def bw() -> tuple[Column, ...]:
    """Print how many bytes a second go through sockets, and how large messages are on the wire.

    Topics and envelopes are counted too. Ctrl-C ends it.
    """
    return _COLUMNS
