"""``osbrain record``: what goes through sockets of running agents, into a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from ..._clock import monotonic
from ...address import SocketAddress
from ...recording.recorder import Recorded, Recorder
from ..events import Event, Events
from ..exits import Exit
from ..failure import Failure
from ..foreground import beside
from ..looking import label
from ..options import examples, json_option, nsaddr_option, seconds_above_0
from ..output import complain, printable, say, show_json
from ..recordings import failures
from ..system import System, unknown
from ..targets import Target, meant, targets_argument

_EXAMPLES = (
    'osbrain record -o day.mcap feed:bars --nsaddr 127.0.0.1:9090',
    'osbrain record -o day.mcap feed:bars feed:receipts broker:orders',
    'osbrain record -o hour.mcap feed:bars --seconds 3600 --overwrite',
)


@click.command(short_help='Record what goes through sockets of agents.', epilog=examples(*_EXAMPLES))
@targets_argument
@click.option('-o', '--output', 'path', metavar='FILE', required=True, type=click.Path(), help='The file to be made.')
@click.option('--overwrite', is_flag=True, help='Replace a file that is there.')
@nsaddr_option
@click.option('--seconds', metavar='SECONDS', type=seconds_above_0, help='End after so many seconds.')
@json_option
def record(
    *,
    targets: tuple[str, ...],
    path: str,
    overwrite: bool,
    nsaddr: SocketAddress,
    seconds: float | None,
    as_json: bool,
) -> Exit:
    """Record what goes through sockets into a file in the format MCAP, until Ctrl-C.

    Agents are not held up, and need not have been prepared. What was sent is in the file a second
    later, whatever becomes of this command. Agents that end and come back are recorded again.
    """
    sources = _meant(nsaddr, targets)
    # Signals are taken in before anybody can know that it has begun.
    with Events() as events, events.signals(), failures(path, Exit.RECORDING_UNWRITABLE):
        recorder = Recorder(path, sources, nsaddr, overwrite)
        began = monotonic()
        say(f'Recording {", ".join(map(label, recorder.sources))} into {printable(path)} until Ctrl-C.', err=True)
        beside(lambda: recorder.wait(seconds), events, Event.DONE)
        asked = events.next() is not Event.DONE
        # What others want meanwhile has to wait: a file without an end is worse.
        recorded = recorder.stop()
        over = not asked and seconds is None
    return _sum_up(recorded, monotonic() - began, over, as_json)


def _meant(nsaddr: SocketAddress, targets: tuple[str, ...]) -> list[Target]:
    with System(nsaddr) as system:
        known = system.status()
    sources = [meant(target, known) for target in targets]
    for name, _ in sources:
        if name not in known:
            raise Failure(Exit.UNKNOWN_AGENT, unknown(name, known))
    return sources


def _sum_up(recorded: Recorded, seconds: float, over: bool, as_json: bool) -> Exit:
    for source in dict.fromkeys(recorded.lost):
        times = recorded.lost.count(source)
        complain(f'{label(source)} ended meanwhile{f", {times} times" if times > 1 else ""}')
    if as_json:
        facts: dict[str, Any] = {**asdict(recorded), 'path': str(recorded.path), 'seconds': seconds}
        show_json({**facts, 'lost': [f'{source.agent}:{source.alias}' for source in recorded.lost]})
    else:
        missed = f'; {recorded.missed:,} more came faster than they could be written' if recorded.missed else ''
        noun = 'message' if recorded.messages == 1 else 'messages'
        say(f'{recorded.messages:,} {noun} ({recorded.bytes:,} bytes) in {seconds:.1f} s{missed}.', err=True)
    return Exit.AGENT_ENDED if over else Exit.OK
