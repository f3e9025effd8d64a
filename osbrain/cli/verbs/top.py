"""``osbrain top``: what all agents do, again and again: on a whole screen, or line by line in a pipe."""

from __future__ import annotations

import json
import threading
from datetime import datetime

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..._clock import Deadline
from ...address import SocketAddress
from ..exits import Exit
from ..keyboard import Keyboard
from ..options import examples, interval_option, json_option, nsaddr_option
from ..output import make_table, say, show_json, show_table
from ..ranking import HEADERS, HELP, Ranking, fitting
from ..rows import Row, ordered, rows_of, table
from ..units import count, volume
from ..view import View

# Lines of the screen beside the rows: what is above all, headers, a rule, the help; the last one stays empty.
_OTHERS = 5
_EXAMPLES = (
    'osbrain top',
    'osbrain top --sort memory',
    'osbrain top --once --json',
    'osbrain top --interval 10 --json >> day.jsonl',
)


@click.command(short_help='Show what all agents do, live.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@click.option(
    '--sort', 'by', type=click.Choice(HEADERS), default='cpu', show_default=True, help='What the rows are sorted by.'
)
@click.option('--reverse', is_flag=True, help='Turn the order round.')
@interval_option(1.0, 'Seconds between two looks.')
@click.option('--once', is_flag=True, help='Print one table and end.')
@json_option
def top(*, nsaddr: SocketAddress, by: str, reverse: bool, interval: float, once: bool, as_json: bool) -> Exit:
    """Show what all agents do: processor time, time in handlers, memory, messages, errors.

    In a terminal the table is shown anew at every look until q or Ctrl-C, and keys choose what it is
    sorted by. In a pipe one table follows the other; with --json one list a line. busy is the share of
    time that handlers took; errors and overflows are counted since the agent was made.

    An agent that does not answer within a second, because it hangs or was stopped (SIGSTOP), is marked; the
    looks after that do not wait for it.
    """
    ranking = Ranking(by, reverse)
    with View(nsaddr) as view:
        if once:
            rows = rows_of(view.look_for(interval))
            if as_json:
                show_json([row.facts() for row in ordered(rows, by, reverse)])
            else:
                _print(rows, ranking)
        elif not as_json and Console().is_terminal:
            _live(view, ranking, interval)
        else:
            _follow(view, ranking, interval, as_json)
    return Exit.OK


def _print(rows: list[Row], ranking: Ranking) -> None:
    if rows:
        show_table(*table(ordered(rows, ranking.by, ranking.reverse), HEADERS))
    else:
        say('No agents.')


def _follow(view: View, ranking: Ranking, interval: float, as_json: bool) -> None:
    """Print look after look; the first one knows means only, so it is not printed."""
    view.look()
    while True:
        threading.Event().wait(interval)
        rows = rows_of(view.look())
        if as_json:
            click.echo(json.dumps([row.facts() for row in ordered(rows, ranking.by, ranking.reverse)]))
        else:
            say(_summary(view, rows))
            _print(rows, ranking)


def _live(view: View, ranking: Ranking, interval: float) -> None:
    console = Console()
    rows = rows_of(view.look())
    deadline = Deadline(interval)
    with Keyboard() as keyboard, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            room = max(1, console.height - _OTHERS)
            live.update(_screen(view, rows, ranking, room, console), refresh=True)
            for key in keyboard.wait(deadline):
                if not ranking.press(key, len(rows), room):
                    return
            if deadline.expired:
                rows = rows_of(view.look())
                deadline = Deadline(interval)


def _screen(view: View, rows: list[Row], ranking: Ranking, room: int, console: Console) -> Group:
    headers, cells = fitting(ranking.shown(rows, room), console.width, ranking.by)
    return Group(
        Text(_summary(view, rows), no_wrap=True, overflow='ellipsis'),
        make_table(headers, cells, console, sorted_by=ranking.by, one_line=True),
        Text(HELP, style='dim', no_wrap=True, overflow='ellipsis'),
    )


def _summary(view: View, rows: list[Row]) -> str:
    """Say in a line how all agents together are."""
    states = [row.state for row in rows]
    counted = ', '.join(f'{states.count(state)} {state}' for state in sorted(set(states), key=states.index))
    flows = [row.rates for row in rows if row.rates is not None]
    received = sum(one.received.messages_per_s for one in flows)
    sent = sum(one.sent.messages_per_s for one in flows)
    passed = sum(one.bytes_per_s for one in flows)
    return (
        f'{view.address}  {datetime.now().astimezone():%H:%M:%S}  {len(rows)} agents: {counted or "none"}  '
        f'in {count(received)}/s  out {count(sent)}/s  {volume(passed)}/s'
    )
