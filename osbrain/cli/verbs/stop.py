"""``osbrain stop``: end an agent's loop, not its process."""

from __future__ import annotations

import shlex

import click

from ... import _steering
from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, json_option, names_argument, nsaddr_option, patience_option
from ..steering import each_agent, tell

_EXAMPLES = (
    'osbrain stop feed',
    'osbrain call feed run     # have it go on',
)


@click.command(short_help='Stop agents; their processes stay.', epilog=examples(*_EXAMPLES))
@names_argument(required=True)
@nsaddr_option
@patience_option
@json_option
def stop(*, names: tuple[str, ...], nsaddr: SocketAddress, timeout: float, as_json: bool) -> Exit:
    """Stop agents after the message that each of them is handling.

    As stop() does: process, name and sockets stay, what arrives waits, and osbrain call NAME run has
    the agent go on. To end agents there is osbrain shutdown. If one of the names is unknown, nothing
    is done.
    """
    return tell(each_agent(names, nsaddr, _steering.stop, timeout), _done, 'ran', as_json)


def _done(name: str, ran: bool) -> str:
    more = f'osbrain call {shlex.quote(name)} run has it go on'
    return f'{name} has stopped ({more}).' if ran else f'{name} was not running ({more}).'
