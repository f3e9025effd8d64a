"""What a starter remembers of one agent, so that a process that takes its place gets back what it had."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ._config import config
from ._ids import unique_identifier

#: A bind's alias (``None`` without one), kind and transport; equal ones are told apart by their order.
PlaceKey = tuple[Any, str, str]

#: Stands for the timer of a call that is about all timers.
ALL_TIMERS = b''
FIRED = '(fired)'
_STARTS = ('each', 'after')

# Binds of one key, and calls, that are remembered at most; an agent that binds without end must not fill its starter.
_MOST_PLACES = 1_000
_MOST_CALLS = 100_000
# As many calls are looked through for what can be left out, and then whenever there are twice as many as were kept.
_FEW = 64


class Bound(NamedTuple):
    """What the bind *number* of *key* gave out."""

    key: PlaceKey
    number: int
    address: Any


class Call(NamedTuple):
    """One call from outside that configured the agent; *packed* is the request as it came."""

    method: str
    packed: bytes = b''
    #: The attributes that it sets and nothing else does; empty where more may come of it.
    sets: frozenset[str] = frozenset()
    #: The timer that it is about, by its packed alias, and whether somebody has chosen that.
    timer: bytes | None = None
    named: bool = False
    #: When a single shot is to start, in seconds of the system's monotonic clock, which all processes share.
    due: float | None = None


class Memory:
    """What is remembered of one agent through all of its restarts; travels to each new process."""

    def __init__(self) -> None:
        #: Where the agent's state is kept between two processes, unless somebody has chosen a place.
        self.state_file = Path(config['IPC_DIR']).absolute() / 'state' / unique_identifier().decode()
        #: Calls that there was no room for.
        self.forgotten = 0
        self._calls: list[Call] = []
        self._enough = _FEW
        self._places: dict[PlaceKey, list[Any]] = {}
        self._lock = threading.Lock()
        # The copy in a process of the agent has none: what was saved is removed by whoever might have used it.
        self._remove = weakref.finalize(self, _remove_in, os.getpid(), self.state_file)

    def __getstate__(self) -> dict[str, Any]:
        return {
            'state_file': self.state_file,
            'forgotten': self.forgotten,
            '_calls': self.calls(),
            '_enough': self._enough,
            '_places': {key: list(given) for key, given in dict(self._places).items()},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def take(self, note: Bound | Call) -> None:
        """Take in what the agent's process has noted."""
        with self._lock:
            if isinstance(note, Bound):
                self._take_place(note)
            else:
                self._take_call(note)

    def _take_place(self, note: Bound) -> None:
        given = self._places.setdefault(note.key, [])
        if note.number < len(given):
            given[note.number] = note.address
        elif note.number == len(given) < _MOST_PLACES:
            given.append(note.address)

    def _take_call(self, call: Call) -> None:
        if len(self._calls) >= self._enough:
            self._calls = compacted(self._calls)
            self._enough = max(_FEW, 2 * len(self._calls))
        if len(self._calls) < _MOST_CALLS:
            self._calls.append(call)
        else:
            self.forgotten += 1

    def place(self, key: PlaceKey, number: int) -> Any:
        """Return what the bind *number* of *key* gave out before; ``None`` if there was none."""
        given = self._places.get(key, ())
        return given[number] if number < len(given) else None

    def calls(self) -> list[Call]:
        """Return the calls that make the agent what it was, in their order."""
        return compacted(list(self._calls))

    def forget_calls(self) -> None:
        """In a process of the agent, which has repeated them: they are its starter's to keep."""
        self._calls = []

    def discard_state(self) -> None:
        """Remove what was saved of the agent's state: it has ended for good."""
        remove_state(self.state_file)


def _remove_in(pid: int, path: Path) -> None:
    # A process that was forked beside the starter must not remove what the starter still needs.
    if os.getpid() == pid:
        remove_state(path)


def remove_state(path: Path) -> None:
    """Remove a state, and its folder if it was the last one."""
    for one in (path, unfinished(path)):
        with contextlib.suppress(OSError):
            one.unlink()
    with contextlib.suppress(OSError):  # somebody else's is in there
        path.parent.rmdir()


def unfinished(path: Path) -> Path:
    """Return where a state is written before it takes the place of the last one, *path*."""
    return path.with_name(f'{path.name}.new')


# -- What can be left out -----------------------------------------------------------------------------------------


def compacted(calls: list[Call]) -> list[Call]:
    """Return *calls* without those that make no difference: all in order leave the agent the same.

    Of calls about one timer the last one counts; a timer that has fired, or was stopped, needs no start. Of calls in a
    row that only set attributes, one counts if it sets something that none after it sets. Any other call ends the row:
    it may look at what is set, as a bind does for its handlers.
    """
    return _without_lost_settings(_without_lost_timers(calls))


def _without_lost_timers(calls: list[Call]) -> list[Call]:
    void = _ends_of_unnamed(calls)
    kept: list[Call] = []
    decided: set[bytes] = set()
    for number in range(len(calls) - 1, -1, -1):
        call = calls[number]
        if call.timer is None:
            kept.append(call)
        elif ALL_TIMERS not in decided and call.timer not in decided:
            decided.add(call.timer)
            if number not in void:
                # The agent may start one of that name by itself, in on_init: it did not outlive the one that has fired.
                kept.append(call._replace(method='stop_timer') if call.method == FIRED else call)
    return kept[::-1]


def _ends_of_unnamed(calls: Iterable[Call]) -> set[int]:
    """Return where a timer ends that a call before has started and nothing else ever starts, having no name."""
    started: set[bytes | None] = set()
    found = set()
    for number, call in enumerate(calls):
        if call.method in _STARTS:
            started.add(call.timer)
        elif call.method == FIRED or call.timer:
            if not call.named and (call.timer in started or call.method == FIRED):
                found.add(number)
            started.discard(call.timer)
    return found


def _without_lost_settings(calls: list[Call]) -> list[Call]:
    kept: list[Call] = []
    later: set[str] = set()
    for call in reversed(calls):
        if not call.sets:
            later = set()
        elif call.sets <= later:
            continue
        later |= call.sets
        kept.append(call)
    return kept[::-1]
