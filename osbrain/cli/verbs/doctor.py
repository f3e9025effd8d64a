"""``osbrain doctor``: what is wrong with a system, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from ..._config import config
from ..._remote.checkup import Checkup, checkup
from ..._remote.link import Link, nameserver_link
from ..._remote.lookout import Lookout
from ..._remote.status import AgentStatus
from ...address import SocketAddress
from ...errors import KeyUnusable, OsBrainError
from ..checks import (
    FAULT,
    OK,
    WARNING,
    Finding,
    check_agent,
    check_certificate,
    check_clocks,
    check_connections,
    check_key,
    check_sockets,
    check_versions,
    nobody_listens,
    summary_of_agents,
    worst,
)
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_option, optional_nsaddr_option
from ..output import show_json, show_table
from ..system import System

# Seconds in which all agents have to answer, before one is said not to.
_PATIENCE = 2.0
# Seconds for one question about the clock, and how many are asked: the fastest answer is the most exact.
_ANSWER = 1.0
_QUESTIONS = 3
# What to do where somebody listens, but is none or not ours.
_OTHER = 'name another port, or have both sides use one key: osbrain keys copy-instructions'
_EXAMPLES = (
    'osbrain doctor --nsaddr 127.0.0.1:9090',
    'osbrain doctor                        # this machine alone',
    'osbrain doctor --json | jq -r \'.[] | select(.state != "ok") | .mend\'',
)


@click.command(short_help='Say what is wrong, and how to mend it.', epilog=examples(*_EXAMPLES))
@optional_nsaddr_option
@json_option
def doctor(*, nsaddr: SocketAddress | None, as_json: bool) -> Exit:
    """Look for what is wrong: key, certificate, sockets, agents, connections, versions, clocks.

    Nothing is changed. Each line that is not ok says how to mend it. The exit code is 0 if there is
    no fault; warnings are none.
    """
    findings = [check_key(), check_certificate(time.time()), *check_sockets(Path(config['IPC_DIR']).absolute())]
    findings += _without_system() if nsaddr is None else _of_system(nsaddr)
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        rows = [(finding.check, finding.state, finding.what, finding.mend) for finding in findings]
        show_table(('check', 'state', 'finding', 'how to mend it'), rows)
    return Exit.FAULTS_FOUND if worst(findings) == FAULT else Exit.OK


def _without_system() -> list[Finding]:
    what = 'none was named: only this machine was looked at'
    return [Finding('name server', WARNING, what, 'pass --nsaddr HOST:PORT or set OSBRAIN_NAMESERVER_ADDRESS')]


def _of_system(nsaddr: SocketAddress) -> list[Finding]:
    try:
        with System(nsaddr) as system:
            known = system.status()
    except KeyUnusable as error:
        return [Finding('name server', FAULT, f'{nsaddr} cannot be asked without a key', error.mend)]
    except Failure as failure:
        mend = f'osbrain nameserver {nsaddr}' if failure.code is Exit.NO_NAMESERVER else _OTHER
        return [Finding('name server', FAULT, failure.format_message(), mend)]
    with Lookout(nsaddr, _PATIENCE) as lookout:
        answers, sight = lookout.ask('checkup'), lookout.look()
    agents = [check_agent(record, answers.get(name)) for name, record in known.items()]
    others = {name: answer for name, answer in answers.items() if isinstance(answer, Checkup)}
    ns = nameserver_link(nsaddr)
    try:
        first = [Finding('name server', OK, f'{nsaddr} answers')]
        versions = {'the name server': ns.call('checkup', timeout=_ANSWER), **others}
    except OsBrainError as error:
        what = f'{nsaddr} answers, but not what it is: {error}'
        first = [Finding('name server', WARNING, what, 'have it run the release of osbrain that is here')]
        versions = dict(others)
    ours = checkup()
    seen = [(one.status, one.stats) for one in sight.agents.values() if one.stats is not None]
    return [
        *first,
        *summary_of_agents(agents),
        *check_connections(seen, nobody_listens),
        *check_versions(ours, versions),
        *check_clocks(_clocks(ours.host, nsaddr, known, versions)),
    ]


def _clocks(
    here: str, nsaddr: SocketAddress, known: Mapping[str, AgentStatus], answers: Mapping[str, Checkup]
) -> dict[str, tuple[float, float]]:
    """Return how far each other host's clock is ahead, and how exact that is, in seconds."""
    whom = {answer.host: who for who, answer in answers.items() if answer.host != here}
    found = {}
    for host, who in whom.items():
        link = Link(known[who].uri, who) if who in known else nameserver_link(nsaddr)
        try:
            found[host] = min((_ahead(link) for _ in range(_QUESTIONS)), key=lambda one: one[1])
        except OsBrainError:
            continue  # It has answered just now; that it does not any more is no matter of its clock.
        finally:
            link.release()
    return found


def _ahead(link: Link) -> tuple[float, float]:
    """Ask once: the answer was written at some moment between the two of ours."""
    asked = time.time()
    answer: Checkup = link.call('checkup', timeout=_ANSWER)
    answered = time.time()
    return answer.when - (asked + answered) / 2, (answered - asked) / 2
