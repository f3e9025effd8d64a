"""``osbrain replay``: what was recorded is sent again, by agents of the same names."""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Iterable
from dataclasses import asdict
from typing import Any

import click

from ...address import SocketAddress
from ...errors import StartFailed, WaitTimeout
from ...recording.reading import Recording
from ...recording.replaying import Replay, Replayed
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_option, nsaddr_option, seconds_above_0
from ..output import complain, printable, say, show_json
from ..recordings import failures
from ..system import System
from ..targets import meant, splits

_FASTEST = 1e6
_MOST_RECEIVERS = 100_000
_EXAMPLES = (
    'osbrain replay day.mcap --nsaddr 127.0.0.1:9090',
    'osbrain replay day.mcap feed:bars --speed 10 --wait 3',
    'osbrain replay day.mcap --map feed:feed2 --wait 0',
    'osbrain replay day.mcap --speed 0 --in-step 60',
)


def _speed(value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _FASTEST:
        raise click.BadParameter(f'{value!r} is no speed (0, or how many times as fast, at most {_FASTEST:g})')
    return number


def _receivers(value: Any) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_RECEIVERS))):
        raise click.BadParameter(f'{value!r} is no number of receivers (0 or more)')
    return int(text)


def _pairs(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        if not splits(text):
            raise click.UsageError(f'--map {text!r}: OLD:NEW is needed, two names of agents', ctx)
    return value


@click.command(short_help='Send again what was recorded.', epilog=examples(*_EXAMPLES))
@click.argument('path', metavar='FILE', type=click.Path())
@click.argument('targets', metavar='[NAME:ALIAS...]', nargs=-1)
@nsaddr_option
@click.option(
    '--speed', metavar='X', type=_speed, default=1.0, show_default=True, help='How many times as fast; 0: no pauses.'
)
@click.option(
    '--map', 'pairs', metavar='OLD:NEW', multiple=True, callback=_pairs, help='Another name for an agent; repeatable.'
)
@click.option(
    '--wait',
    'receivers',
    metavar='N',
    type=_receivers,
    default=1,
    show_default=True,
    help='Begin when each socket has so many receivers; 0: at once.',
)
@click.option(
    '--patience',
    metavar='SECONDS',
    type=seconds_above_0,
    default=60.0,
    show_default=True,
    help='How long to wait for them.',
)
@click.option(
    '--in-step',
    metavar='SECONDS',
    type=seconds_above_0,
    default=None,
    help='Before each message, wait until as many have come to PULL sockets as had come by then, at most so long.',
)
@json_option
def replay(
    *,
    path: str,
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    speed: float,
    pairs: tuple[str, ...],
    receivers: int,
    patience: float,
    in_step: float | None,
    as_json: bool,
) -> Exit:
    """Send again what was recorded: the same bytes under the same topics, in the same order and rhythm.

    Agents are started that have the recorded names and sockets of the same aliases, kinds and
    serializers; others connect to them as to those that were recorded. They end when all is sent.
    """
    with failures(path, Exit.RECORDING_UNREADABLE):
        recorded = {track.agent for track in Recording(path).tracks()}
        names = dict(meant(pair, recorded) for pair in pairs)
        sources = [_source(target, recorded) for target in targets]
        with System(nsaddr) as system:
            known = system.status()
        with Replay(path, sources, names, nsaddr, speed, in_step or 0.0) as made:
            _refuse_taken(made.names, known)
            _tell(made)
            _start(made)
            replayed = _play(made, receivers, patience)
    if as_json:
        show_json(asdict(replayed))
    else:
        _sum_up(replayed)
    return Exit.OK


def _source(target: str, recorded: Collection[str]) -> tuple[str, str]:
    if not splits(target):
        raise click.UsageError(f'{target!r}: NAME:ALIAS is needed, an agent and one of its sockets')
    return meant(target, recorded)


def _refuse_taken(names: Iterable[str], known: Container[str]) -> None:
    for name in map(printable, (name for name in names if name in known)):
        hint = f'end it, or replay under another name: --map {name}:{name}2'
        raise Failure(Exit.NAME_TAKEN, f'there is an agent already that is called {name} ({hint})')


def _tell(made: Replay) -> None:
    """Say what will not be as it was, before anybody waits for it."""
    if made.recording.trouble:
        complain(f'{made.recording.path}: {made.recording.trouble}')
    if made.left_out:
        complain(f'not sent again, as others had asked or were answered: {", ".join(made.left_out)}')


def _start(made: Replay) -> None:
    try:
        made.start()
    except StartFailed as error:
        raise Failure(Exit.FAILED, f'{error.name} could not be started: {error.report.splitlines()[-1]}') from None


def _play(made: Replay, receivers: int, patience: float) -> Replayed:
    if receivers:
        whom = 'a receiver' if receivers == 1 else f'{receivers} receivers'
        say(f'{", ".join(made.names)}: there. Waiting for {whom} at each socket, {patience:g} s at most.', err=True)
        try:
            made.wait_for_receivers(receivers, patience)
        except WaitTimeout as error:
            raise Failure(Exit.NO_RECEIVERS, f'{error} (--wait 0 begins at once)') from None
    return made.play(wait=0)


def _sum_up(replayed: Replayed) -> None:
    sent = sum(replayed.messages.values())
    noun = 'message' if sent == 1 else 'messages'
    say(f'{sent:,} {noun} in {replayed.seconds:.1f} s, at most {replayed.late * 1000:,.0f} ms late.', err=True)
    if replayed.overflows:
        complain(f'{replayed.overflows:,} times the queue of a subscriber was full, and what was for it was dropped')
    for damage in replayed.damages:
        complain(damage)
