"""``osbrain kill``: end agents at once, whatever they are doing."""

from __future__ import annotations

import click

from ... import _steering
from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, json_option, names_argument, nsaddr_option, patience_option
from ..steering import each_agent, tell

_EXAMPLES = (
    'osbrain kill feed',
    'osbrain shutdown feed    # let it finish what it is doing',
)


@click.command(short_help='End agents at once.', epilog=examples(*_EXAMPLES))
@names_argument(required=True)
@nsaddr_option
@patience_option
@json_option
def kill(*, names: tuple[str, ...], nsaddr: SocketAddress, timeout: float, as_json: bool) -> Exit:
    """End agents at once, whatever they are doing; what they have not sent yet is lost.

    Supervisors do not start them again. An agent of this machine that does not even hear of it, as one
    that is frozen, has its process ended: that is a death like any other, after which a supervisor
    does start it again. If one of the names is unknown, nothing is done.
    """
    return tell(each_agent(names, nsaddr, _steering.kill, timeout), _done, 'forced', as_json)


def _done(name: str, forced: bool) -> str:
    return f'{name} did not react: its process was ended.' if forced else f'{name} was killed.'
