"""``osbrain restart``: have supervised agents started again, as they were, without a failure being counted."""

from __future__ import annotations

import click

from ... import _steering
from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, json_option, names_argument, nsaddr_option, patience_option
from ..steering import each_agent, tell

_EXAMPLES = ('osbrain restart feed', 'osbrain restart feed broker --timeout 60')


@click.command(short_help='Start supervised agents again.', epilog=examples(*_EXAMPLES))
@names_argument(required=True)
@nsaddr_option
@patience_option
@json_option
def restart(*, names: tuple[str, ...], nsaddr: SocketAddress, timeout: float, as_json: bool) -> Exit:
    """Have agents started again by whoever started them.

    They come back as after a death: with their arguments, addresses, connections and state. It does not
    count as one, and the other children of a supervisor stay as they are. An agent that does not shut
    down within half of the time is killed. The command returns when all run again.

    Only agents that were started with restart= or by a supervisor come back; others are left alone.
    """
    return tell(each_agent(names, nsaddr, _steering.restart, timeout), _done, 'forced', as_json)


def _done(name: str, forced: bool) -> str:
    return f'{name} runs again{" (it did not shut down, and was killed)" if forced else ""}.'
