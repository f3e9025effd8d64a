"""Who has died, and why: the name server tells it once, and a page goes on showing it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from .._events import BIRTH, DEATH, AgentEvent
from .._remote.register import ENDED_ORDERLY

# So many of the latest are kept.
_KEPT = 200
# Seconds for which those are shown that ended because somebody wanted it.
_FAREWELL = 30.0
_UNKNOWN = 'nothing is known of how'

_V = TypeVar('_V')


@dataclass(frozen=True)
class Departure:
    """How an agent ended."""

    name: str
    uri: str
    why: str
    #: In seconds since the epoch.
    when: float

    @property
    def died(self) -> bool:
        """Whether nobody had asked it to end."""
        return self.why not in ENDED_ORDERLY


@dataclass(frozen=True)
class Losses:
    """How often those that had a name have died, and how the last of them did."""

    count: int
    last: Departure


class Departed:
    """Takes the events of a name server, in their order, from any thread; one that is told twice is taken once."""

    def __init__(self, now: Callable[[], float] = time.time, kept: int = _KEPT) -> None:
        self._now = now
        self._kept = kept
        self._lock = threading.Lock()
        self._gone: OrderedDict[str, Departure] = OrderedDict()
        self._losses: OrderedDict[str, Losses] = OrderedDict()

    def take(self, event: AgentEvent) -> None:
        """Note what has happened."""
        with self._lock:
            before = self._gone.get(event.name)
            if before is not None and before.uri == event.uri:
                return
            if event.kind == BIRTH:
                self._gone.pop(event.name, None)
            elif event.kind == DEATH:
                self._bury(Departure(event.name, event.uri, event.reason or _UNKNOWN, event.when))

    def _bury(self, departure: Departure) -> None:
        name = departure.name
        _put(self._gone, name, departure, self._kept)
        before = self._losses.get(name)
        if departure.died and (before is None or before.last.uri != departure.uri):
            _put(self._losses, name, Losses(before.count + 1 if before else 1, departure), self._kept)

    def forget(self, names: Iterable[str]) -> None:
        """Show these no more."""
        with self._lock:
            for name in names:
                self._gone.pop(name, None)
                self._losses.pop(name, None)

    @property
    def gone(self) -> dict[str, Departure]:
        """Who is to be shown, by name: those that died, and for a moment those that were to end."""
        recent = self._now() - _FAREWELL
        with self._lock:
            return {name: one for name, one in self._gone.items() if one.died or one.when >= recent}

    @property
    def losses(self) -> dict[str, Losses]:
        """Names under which agents have died, whoever has them now."""
        with self._lock:
            return dict(self._losses)


def _put(kept: OrderedDict[str, _V], name: str, value: _V, most: int) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > most:
        kept.popitem(last=False)
