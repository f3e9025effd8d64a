"""``osbrain ping``: does an agent answer, does it run, and how long does an answer take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import click

from ..._clock import monotonic
from ..._remote.status import AgentStatus
from ...address import SocketAddress
from ...proxy import Proxy
from ..exits import Exit
from ..options import examples, json_option, names_argument, nsaddr_option, seconds_above_0
from ..output import complain, printable, show_json, show_table
from ..system import System, unknown
from ..waiting import all_within

# The exit code when several things are wrong is the first of these.
_WORST_FIRST = (Exit.UNKNOWN_AGENT, Exit.NOT_ANSWERING, Exit.NOT_RUNNING)


@dataclass(frozen=True)
class Answer:
    """How one agent is; ``seconds`` is the time of a round trip, ``None`` without an answer."""

    name: str
    answers: bool
    seconds: float | None
    state: str
    reason: str | None

    @property
    def code(self) -> Exit:
        """How the command would end if this were the only agent asked."""
        if self.state == 'unknown':
            return Exit.UNKNOWN_AGENT
        if not self.answers:
            return Exit.NOT_ANSWERING
        return Exit.OK if self.state == 'running' else Exit.NOT_RUNNING


_EXAMPLES = (
    'osbrain ping feed broker --nsaddr 127.0.0.1:9090',
    'until osbrain ping feed; do sleep 1; done',
    'osbrain ping feed --timeout 0.5 --json',
)


@click.command(short_help='Ask agents whether they are there and run.', epilog=examples(*_EXAMPLES))
@names_argument(required=True)
@nsaddr_option
@click.option(
    '--timeout',
    metavar='SECONDS',
    type=seconds_above_0,
    default=3.0,
    show_default=True,
    help='How long each agent may take.',
)
@json_option
def ping(*, names: tuple[str, ...], nsaddr: SocketAddress, timeout: float, as_json: bool) -> Exit:
    """Ask agents whether they are there; they answer also while they are busy.

    The exit code is 0 if each of them answers and runs.
    """
    with System(nsaddr) as system:
        known = system.status()
    calls = {
        name: partial(_round_trip, name, nsaddr, timeout)
        for name in names
        if name in known and known[name].state != 'gone'
    }
    # Proxies know best why they get no answer; a little later nobody waits for them any more.
    outcomes = all_within(timeout + 0.2, calls)
    answers = [_answer(name, known.get(name), outcomes.get(name), timeout) for name in names]
    if as_json:
        show_json([asdict(answer) for answer in answers])
    else:
        show_table(('name', 'answer', 'ms', 'state', 'reason'), [_row(answer) for answer in answers])
    for answer in answers:
        if answer.code is not Exit.OK:
            complain(_complaint(answer, known))
    codes = {answer.code for answer in answers}
    return next((code for code in _WORST_FIRST if code in codes), Exit.OK)


def _round_trip(name: str, nsaddr: SocketAddress, timeout: float) -> float:
    with Proxy(name, nsaddr=nsaddr, timeout=timeout) as agent:
        at_once = agent.unsafe
        # The first call asks what can be called; the second is the one to be timed.
        at_once.ping()
        began = monotonic()
        at_once.ping()
        return monotonic() - began


def _answer(name: str, record: AgentStatus | None, outcome: float | Exception | None, timeout: float) -> Answer:
    if record is None:
        return Answer(name, False, None, 'unknown', None)
    if isinstance(outcome, float):
        return Answer(name, True, outcome, record.state, record.reason)
    if outcome is None:
        why = record.reason
    elif isinstance(outcome, TimeoutError):
        why = f'not within {timeout:g} s'
    else:
        why = f'{type(outcome).__name__}: {outcome}'
    return Answer(name, False, None, record.state, why)


def _row(answer: Answer) -> tuple[str, ...]:
    time = '' if answer.seconds is None else f'{answer.seconds * 1000:.1f}'
    return answer.name, 'pong' if answer.answers else 'none', time, answer.state, answer.reason or ''


def _complaint(answer: Answer, known: dict[str, AgentStatus]) -> str:
    name, why = printable(answer.name), f': {answer.reason}' if answer.reason else ''
    return {
        Exit.UNKNOWN_AGENT: unknown(answer.name, known),
        Exit.NOT_ANSWERING: f'{name} does not answer{why}',
        Exit.NOT_RUNNING: f'{name} answers but does not run, it is {answer.state}{why}',
    }[answer.code]
