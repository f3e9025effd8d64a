"""``osbrain shutdown``: end agents, and the name server as well if asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import cast

import click

from ..._remote.shutdown import ShutdownReport
from ...address import SocketAddress
from ...errors import ShutdownTimeout
from ..ending import Watch, end_agents
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_option, names_argument, nsaddr_option, seconds, seconds_above_0
from ..output import complain, printable, say, show_json
from ..system import System, unknown

# Beyond its own limit: what shutting down may take to tell how it went.
_MORE = 5.0
# How long the name server may take to be gone once it has been told.
_GOING = 3.0
_EXAMPLES = (
    'osbrain shutdown feed broker     # these two',
    'osbrain shutdown                 # all agents',
    'osbrain shutdown --nameserver    # all agents, and the name server',
    'osbrain shutdown --timeout 30 --drain 5',
)


@click.command(short_help='End agents, or the whole system.', epilog=examples(*_EXAMPLES))
@names_argument(required=False)
@nsaddr_option
@click.option('--nameserver', 'with_nameserver', is_flag=True, help='End all agents, then the name server.')
@click.option(
    '--timeout',
    metavar='SECONDS',
    type=seconds_above_0,
    default=10.0,
    show_default=True,
    help='No agent may be left after this time. Who has not ended at half of it is killed.',
)
@click.option(
    '--drain',
    metavar='SECONDS',
    type=seconds,
    default=0.0,
    show_default=True,
    help='Let agents go on for so long with what they have received.',
)
@json_option
def shutdown(
    *, names: tuple[str, ...], nsaddr: SocketAddress, with_nameserver: bool, timeout: float, drain: float, as_json: bool
) -> Exit:
    """End agents: those named; all of them without names.

    The name server goes on, so that new agents find it, unless --nameserver ends it too. Agents that
    do not react are killed; what was done is printed. If one of the names is unknown, none is ended.
    """
    if names and with_nameserver:
        raise click.UsageError('--nameserver ends all agents: leave the names out')
    if drain >= timeout / 2:
        least = f'a --timeout of more than {2 * drain:g}'
        raise click.UsageError(f'--drain {drain:g} needs {least}: at half of it agents are killed')
    with System(nsaddr) as system, Watch(system.line()) as watch:
        if names:
            _check(names, system)
            report = end_agents(system, names, timeout, drain)
        else:
            report = _end_all(system, with_nameserver, timeout, drain)
        ended = with_nameserver and not report.left
        if ended and not watch.ended(_GOING):
            raise Failure(Exit.FAILED, f'the name server at {nsaddr} was told to end, but is still there')
    if as_json:
        show_json({**asdict(report), 'nameserver': 'ended' if ended else 'running'})
    else:
        _tell(report, nsaddr, ended, hint=not names)
    if report.left:
        complain(f'still there after {timeout:g} s: {_listed(report.left)}')
        return Exit.AGENTS_LEFT
    return Exit.OK


def _check(names: Sequence[str], system: System) -> None:
    known = system.status()
    missing = [name for name in names if name not in known]
    if missing:
        sentences = '; '.join(unknown(name, known) for name in missing)
        raise Failure(Exit.UNKNOWN_AGENT, f'{sentences}; nothing has been ended')


def _end_all(system: System, with_nameserver: bool, timeout: float, drain: float) -> ShutdownReport:
    ns = system.ns
    end = ns.shutdown if with_nameserver else ns.shutdown_agents

    def ask() -> ShutdownReport:
        try:
            return cast('ShutdownReport', end(timeout=timeout, drain=drain, report=True))
        except ShutdownTimeout as error:
            return ShutdownReport(clean=(), killed=(), gone=(), left=error.left, seconds=timeout)

    return system.ask(ask, timeout + _MORE)


def _tell(report: ShutdownReport, nsaddr: SocketAddress, ended: bool, hint: bool) -> None:
    done = {'Ended': report.clean, 'Had to be killed': report.killed, 'Had died before': report.gone}
    for what, names in done.items():
        if names:
            say(f'{what}: {_listed(names)}.')
    if not any((*done.values(), report.left)):
        say(f'No agents at {nsaddr}.')
    if ended:
        say(f'The name server at {nsaddr} has ended.')
    elif hint:
        say(f'The name server at {nsaddr} goes on (--nameserver ends it as well).')


def _listed(names: Sequence[str]) -> str:
    return ', '.join(printable(name) for name in sorted(names))
