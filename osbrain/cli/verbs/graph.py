"""``osbrain graph``: who is connected to whom, and how fast it goes there."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text
from rich.tree import Tree

from ...address import SocketAddress
from ...metrics.graph import graph as graph_of
from ..drawings import Branch, dot, facts, mermaid, tree
from ..exits import Exit
from ..options import examples, interval_option, json_option, nsaddr_option
from ..output import printable, say, show_json, show_renderable, table_console
from ..view import View

_EXAMPLES = (
    'osbrain graph',
    'osbrain graph --dot | dot -Tsvg > system.svg',
    'osbrain graph --mermaid >> README.md',
    'osbrain graph --json | jq -r \'.connections[] | "\\(.from.agent) \\(.to.agent)"\'',
)


@click.command(short_help='Show who is connected to whom.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@interval_option(0.5, allow_0=True, what='Seconds for which messages are counted; 0: the mean since each was made.')
@click.option('--dot', 'form', flag_value='dot', help='Print a graph for Graphviz.')
@click.option('--mermaid', 'form', flag_value='mermaid', help='Print a flowchart for Mermaid.')
@json_option
@click.pass_context
def graph(ctx: click.Context, *, nsaddr: SocketAddress, interval: float, form: str | None, as_json: bool) -> Exit:
    """Show who is connected to whom, by alias and kind, with messages per second.

    Below each agent are its sockets and channels, and below each of these whom it is connected to. What an agent that
    does not answer is bound or connected to is not known: the others' ends are shown.
    """
    if form and as_json:
        raise click.UsageError(f'--{form} and --json are two forms: choose one', ctx)
    with View(nsaddr) as view:
        seen = view.look_for(interval)
    found = graph_of(seen.sight, seen.rates)
    if as_json:
        show_json(facts(found))
    elif form:
        for line in dot(found) if form == 'dot' else mermaid(found):
            click.echo(line)
    elif found.nodes:
        console = table_console()
        plain = not console.encoding.startswith('utf')
        for branch in tree(found, ('->', '<-') if plain else ('→', '←')):
            show_renderable(_drawn(branch, console.encoding), console)
    else:
        say(f'No agents at {nsaddr}.')
    return Exit.OK


def _drawn(branch: Branch, encoding: str) -> Any:
    title, endpoints = branch
    drawn = Tree(Text(printable(title, encoding), style='bold'), guide_style='dim')
    for endpoint, peers in endpoints:
        below = drawn.add(Text(printable(endpoint, encoding)))
        for peer in peers:
            below.add(Text(printable(peer, encoding)))
    return drawn
