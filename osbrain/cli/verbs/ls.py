"""``osbrain ls``: which agents run, where, since when, and how much each of them does."""

from __future__ import annotations

import click

from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, interval_option, json_option, nsaddr_option
from ..output import say, show_json, show_table
from ..rows import rows_of, table
from ..view import View

_HEADERS = ('name', 'class', 'host', 'pid', 'state', 'uptime', 'memory', 'messages/s')
_EXAMPLES = (
    'osbrain ls',
    'osbrain ls --interval 5',
    "osbrain ls --json | jq -r '.[] | select(.answers | not) | .name'",
)


@click.command(short_help='List the agents and what each of them does.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@interval_option(0.5, allow_0=True, what='Seconds for which messages are counted; 0: the mean since each was made.')
@json_option
def ls(*, nsaddr: SocketAddress, interval: float, as_json: bool) -> Exit:
    """List the agents: name, class, host, process, state, age, memory, messages per second.

    Messages are those that came in and went out. An agent that does not answer within a second, because it
    hangs or was stopped (SIGSTOP), is marked, and the others are shown. See osbrain agents for a list
    for which no agent is asked.
    """
    with View(nsaddr) as view:
        rows = rows_of(view.look_for(interval))
    if as_json:
        show_json([row.facts() for row in rows])
    elif rows:
        show_table(*table(rows, _HEADERS))
    else:
        say(f'No agents at {nsaddr}.')
    return Exit.OK
