"""``osbrain logs``: what agents have logged lately, and what they log now."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

import click

from ..._agent.log import LogLevel
from ..._agent.recent import LogNews
from ..._remote.lookout import Lookout
from ..._tail import Remark, Said, Tail
from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, json_option, names_argument, nsaddr_option
from ..output import complain, printable, say_lines, show_json_line
from ..steering import known_agents, line_of

# Seconds in which all agents have to answer, before one is said not to.
_PATIENCE = 2.0
# How often whoever follows looks whether somebody has pressed Ctrl-C, in seconds.
_LOOK = 0.5
# Lines that are brought into the order of time together.
_AT_ONCE = 1_000
_STYLES = {'ERROR': 'red', 'WARNING': 'yellow', 'DEBUG': 'bright_black'}
_EXAMPLES = (
    'osbrain logs                     # the last lines of all agents',
    'osbrain logs -f --level WARNING  # and those to come, as grave as that',
    'osbrain logs feed broker -n 500',
    'osbrain logs -f --json | jq -r \'select(.agent == "feed") | .text\'',
)


@click.command(short_help='Print what agents log.', epilog=examples(*_EXAMPLES))
@names_argument(required=False)
@nsaddr_option
@click.option('-f', '--follow', is_flag=True, help='Go on with what is logged from now on, until Ctrl-C.')
@click.option(
    '--level',
    type=click.Choice(LogLevel.WORDS, case_sensitive=False),
    help='Only lines as grave as this one, or graver.',
)
@click.option(
    '-n',
    '--lines',
    metavar='COUNT',
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help='How many of the latest lines to begin with.',
)
@json_option
def logs(
    *, names: tuple[str, ...], nsaddr: SocketAddress, follow: bool, level: str | None, lines: int, as_json: bool
) -> Exit:
    """Print the latest log lines of agents, in the order of time: those of all agents without names.

    Each agent keeps some hundred lines, whether it has a logger or not. With -f come those that are
    logged from now on, also by agents that are started later. --json prints an object on each line.
    """
    known = known_agents(names, nsaddr, 'nothing is shown')
    uris = {name: record.uri for name, record in known.items() if record.state != 'gone' and name in (names or known)}
    with Lookout(nsaddr, _PATIENCE) as lookout:
        answers = lookout.ask('logs', 0, level, 0.0, names=uris)
    said = [Said(name, line) for name, news in answers.items() if isinstance(news, LogNews) for line in news.lines]
    said.sort(key=lambda one: one.line.when)
    for one in said[len(said) - lines :] if lines < len(said) else said:
        _print(one, as_json)
    code = _complain(answers)
    if follow:
        after = {uris[name]: news.newest for name, news in answers.items() if isinstance(news, LogNews)}
        _go_on(nsaddr, names, level, after, as_json)
    return code


def _complain(answers: dict[str, Any]) -> Exit:
    code = Exit.OK
    for name, error in answers.items():
        if isinstance(error, Exception):
            complain(f'{printable(name)} does not tell what it has logged: {line_of(error)}')
            code = Exit.NOT_ANSWERING
    return code


def _go_on(
    nsaddr: SocketAddress, names: tuple[str, ...], level: str | None, after: dict[str, int], as_json: bool
) -> None:
    """Print what is logged until Ctrl-C; what comes at once, in the order of time."""
    try:
        with Tail(nsaddr, names, level, after) as tail:
            while True:
                news = [tail.next(_LOOK)]
                while news[-1] is not None and len(news) < _AT_ONCE:
                    news.append(tail.next(0))
                for one in sorted((one for one in news if isinstance(one, Said)), key=lambda one: one.line.when):
                    _print(one, as_json)
                for other in news:
                    if isinstance(other, Remark):
                        complain(f'{printable(other.agent)} {other.text}')
                sys.stdout.flush()
    except KeyboardInterrupt:
        pass


def _print(said: Said, as_json: bool) -> None:
    agent, line = said
    when = datetime.fromtimestamp(line.when, timezone.utc)
    if as_json:
        facts = {
            'agent': agent,
            'number': line.number,
            'when': when.isoformat(),
            'level': line.level,
            'text': line.text,
        }
        show_json_line(facts)
        return
    moment = f'{when.astimezone():%Y-%m-%d %H:%M:%S.%f}'[:-3]
    first, *others = line.text.rstrip().splitlines() or ['']
    head = f'{moment} {line.level:<7} {printable(agent)}: '
    say_lines('\n'.join([f'{head}{first}', *(f'    {other}' for other in others)]), _STYLES.get(line.level))
