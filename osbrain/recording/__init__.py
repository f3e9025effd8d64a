"""What goes through a running system, seen from outside, without having prepared anything when it was started."""

from __future__ import annotations

from .listening import Listener, Observation, Source
from .player import Player
from .reading import Message, Recording
from .recorder import Recorded, Recorder, record
from .replaying import Replay, Replayed, replay

__all__ = [
    'Listener',
    'Message',
    'Observation',
    'Player',
    'Recorded',
    'Recorder',
    'Recording',
    'Replay',
    'Replayed',
    'Source',
    'record',
    'replay',
]
