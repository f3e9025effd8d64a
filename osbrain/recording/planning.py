"""Who is to send what of a recording: worked out before anybody is started."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ..errors import OptionInvalid, RecordingInvalid
from .player import SENT_AGAIN, Part, Socket, can_be_sent, can_be_taken
from .reading import Recording
from .rhythm import moment
from .tracks import Track

_Sockets = dict[str, dict[str, Socket]]


@dataclass(frozen=True)
class Plan:
    """The part of each agent, by the name that it is to have; and what is left out, as ``risk:approval (REP)``."""

    parts: Mapping[str, Part]
    left_out: tuple[str, ...]


def planned(
    recording: Recording,
    sources: Collection[tuple[str, str]],
    names: Mapping[str, str],
    speed: float,
    in_step: float,
) -> Plan:
    """Plan to send again what went out of *sources*, names and aliases (none: of all), by agents called as in *names*.

    *speed* and *in_step* are as in :class:`~osbrain.recording.player.Part`.

    Errors: :class:`~osbrain.errors.OptionInvalid` for a source or a name that was not recorded, and for names that are
    not different; :class:`~osbrain.errors.RecordingInvalid` if there is nothing to be sent.
    """
    tracks = [track for track in recording.tracks() if track.agent]
    recorded = {(track.agent, track.alias) for track in tracks}
    for source in sources:
        _check('the source', ':'.join(source), map(':'.join, recorded))
    for name in names:
        _check('the agent', name, {track.agent for track in tracks})
    wanted = [track for track in tracks if not sources or (track.agent, track.alias) in sources]
    sockets = _sockets(recording, wanted)
    origin = _origin(recording, sockets)
    if origin is None:
        what = 'nothing in it was sent by a PUB, PUSH, SYNC_PUB or ACK_PUSH, so there is nothing to be sent again'
        raise RecordingInvalid(str(recording.path), what)
    parts = {
        names.get(agent, agent): Part(str(recording.path.absolute()), agent, those, origin, speed, in_step)
        for agent, those in sockets.items()
    }
    if len(parts) < len(sockets):
        raise OptionInvalid('names', dict(names), 'a name of its own for each agent')
    left_out = {_written(track) for track in wanted if track.alias not in sockets.get(track.agent, ())}
    return Plan(parts, tuple(sorted(left_out)))


def _check(what: str, found: str, known: Iterable[str]) -> None:
    known = sorted(set(known))
    if found not in known:
        raise OptionInvalid(what, found, f'among those recorded ({", ".join(known) or "none"})')


def _sockets(recording: Recording, tracks: Iterable[Track]) -> _Sockets:
    found: _Sockets = {}
    for track in tracks:
        if can_be_sent(track) or can_be_taken(track):
            socket = Socket(track.kind, track.serializer)
            before = found.setdefault(track.agent, {}).setdefault(track.alias, socket)
            if before != socket:
                what = f'{track.agent}:{track.alias} was {" with ".join(before)} and later {" with ".join(socket)}'
                raise RecordingInvalid(str(recording.path), f'{what}, which cannot be one socket')
    # An agent that sends nothing has nothing to be started for.
    return {
        agent: sockets for agent, sockets in found.items() if any(kind in SENT_AGAIN for kind, _ in sockets.values())
    }


def _origin(recording: Recording, sockets: _Sockets) -> float | None:
    for message in recording.messages(lambda _: None):
        if can_be_sent(message.track) and message.alias in sockets.get(message.agent, ()):
            return moment(message)
    return None


def _written(track: Track) -> str:
    return f'{track.agent}:{track.alias} ({track.kind})'
