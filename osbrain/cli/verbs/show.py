"""``osbrain show``: one agent, with its sockets, subscriptions, timers, methods and attributes."""

from __future__ import annotations

from typing import Any

import click

from ..._descriptions import AgentDescription
from ..._remote.status import AgentStatus
from ..._stats import AgentStats
from ...address import SocketAddress
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_option, name_argument, nsaddr_option
from ..output import printable, say, show_json, show_table
from ..portrait import facts, headline, sections
from ..system import unknown
from ..view import PATIENCE, View

_EXAMPLES = (
    'osbrain show feed',
    'osbrain show feed --all',
    'osbrain show feed --json | jq .endpoints',
)


@click.command(short_help='Show one agent: sockets, timers, methods, attributes.', epilog=examples(*_EXAMPLES))
@name_argument
@nsaddr_option
@click.option('--all', 'everything', is_flag=True, help='Show the methods that every agent has too.')
@json_option
def show(*, name: str, nsaddr: SocketAddress, everything: bool, as_json: bool) -> Exit:
    """Show one agent: its endpoints with what they have counted, handlers and topics, timers, methods, attributes.

    It answers also while it is busy. Properties are named and not asked for their value, which may take any code.
    """
    with View(nsaddr) as view:
        known = view.status()
        if name not in known:
            raise Failure(Exit.UNKNOWN_AGENT, unknown(name, known))
        answers = view.ask_agent(name, 'describe', 'stats')
    status = known[name]
    found, stats = _checked(status, answers['describe']), _checked(status, answers['stats'])
    if as_json:
        show_json(facts(status, found, stats))
    else:
        _print(status, found, stats, everything)
    return Exit.OK


def _checked(status: AgentStatus, answer: Any) -> Any:
    """Return *answer*, unless it is a reason why there is none."""
    if not isinstance(answer, Exception):
        return answer
    name = printable(status.name)
    if status.state == 'gone':
        why = status.reason or 'its process has ended'
    else:
        why = f'not within {PATIENCE:g} s' if isinstance(answer, TimeoutError) else str(answer)
    raise Failure(Exit.NOT_ANSWERING, f'{name} does not answer: {why}')


def _print(status: AgentStatus, found: AgentDescription, stats: AgentStats, everything: bool) -> None:
    for line in headline(status, found, stats):
        say(line)
    for section in sections(found, stats, everything):
        say('')
        say(section.title)
        show_table(section.headers, section.rows)
