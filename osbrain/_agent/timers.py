"""The timers of an agent: started from any thread, run by the loop, none of them a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from .._clock import monotonic
from .._protocol.timerheap import Timer, TimerHeap, checked_seconds, next_start
from ..errors import UnknownTimer

# How many single shots that have fired stay known, so that stopping them late is no error.
_FIRED_KNOWN = 100_000
# The aliases of timers that were given none begin so.
_MADE_UP = b'timer-'


def is_made_up(alias: Any) -> bool:
    """Whether a timer has *alias* because it was given none."""
    return isinstance(alias, bytes) and alias.startswith(_MADE_UP)


class Timers:
    """Timers by alias and by the moment at which they are due. *wake* makes the loop look at them anew."""

    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._name = name
        self._wake = wake
        self._lock = threading.Lock()
        self._heap = TimerHeap()
        self._by_alias: dict[Any, Timer] = {}
        self._fired: dict[Any, None] = {}
        self._numbers = count(1)
        #: Told the alias of each single shot that has fired, if somebody wants to know.
        self.on_fired: Callable[[Any], None] | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to wait for."""
        return len(self._heap) > 0

    def every(self, period: float, action: Callable[[], Any], alias: Any = None) -> Any:
        """Run *action* at once and then every *period* seconds; the alias to stop it with."""
        seconds = checked_seconds(period, 'a period')
        return self._add(alias, monotonic(), seconds, action).alias

    def after(self, delay: float, action: Callable[[], Any], alias: Any = None) -> Any:
        """Run *action* once, *delay* seconds from now; the alias to stop it with."""
        return self._add(alias, monotonic() + checked_seconds(delay, 'a delay'), None, action).alias

    def wait(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """As :meth:`after`, but known to nobody; returns what stops it."""
        timer = self._add(None, monotonic() + seconds, None, action, hidden=True)

        def stop() -> None:
            with self._lock:
                self._heap.stop(timer)

        return stop

    def _add(
        self, alias: Any, due: float, period: float | None, action: Callable[[], Any], hidden: bool = False
    ) -> Timer:
        with self._lock:
            if alias is None and not hidden:
                alias = self._new_alias()
            timer = Timer(alias, due, period, action, hidden)
            if not hidden:
                before = self._by_alias.get(alias)
                if before is not None:
                    self._heap.stop(before)
                self._by_alias[alias] = timer
                self._fired.pop(alias, None)
            self._heap.push(timer)
        self._wake()
        return timer

    def _new_alias(self) -> bytes:
        # Some are taken in an agent that was restarted: timers keep the alias that their caller knows.
        made_up = (_MADE_UP + b'%d' % number for number in self._numbers)
        return next(alias for alias in made_up if alias not in self._by_alias)

    def stop(self, alias: Any) -> None:
        """Start this one no more; ``KeyError`` if there never was one."""
        with self._lock:
            timer = self._by_alias.pop(alias, None)
            if timer is not None:
                self._heap.stop(timer)
            elif alias not in self._fired:
                raise UnknownTimer(alias, self._name)

    def stop_all(self) -> None:
        """Start none of today's timers any more."""
        with self._lock:
            for timer in self._by_alias.values():
                self._heap.stop(timer)
            self._by_alias.clear()

    def clear(self) -> None:
        """Forget everything, waits included."""
        self.stop_all()
        with self._lock:
            self._heap.clear()

    def aliases(self) -> list[Any]:
        """Of the timers that may still start."""
        with self._lock:
            return list(self._by_alias)

    def known(self) -> list[Timer]:
        """Return the timers that may still start, in the order in which they were made."""
        with self._lock:
            return list(self._by_alias.values())

    def seconds_to_next(self) -> float | None:
        """Seconds until the next timer is due; ``None`` without timers."""
        with self._lock:
            due = self._heap.next_due()
        return None if due is None else max(0.0, due - monotonic())

    def due(self) -> list[Timer]:
        """Take out the timers that are due now."""
        with self._lock:
            return self._heap.pop_due(monotonic())

    def keep(self, timer: Timer) -> None:
        """Put back a timer that was taken out and not run."""
        with self._lock:
            if not timer.stopped:
                self._heap.push(timer)

    def again(self, timer: Timer) -> None:
        """After its action has run: put a periodic timer back; a single shot leaves the list of timers."""
        with self._lock:
            if timer.period is None:
                self._remember_fired(timer)
            elif not timer.stopped:
                timer.due = next_start(timer.due, timer.period, monotonic())
                self._heap.push(timer)
        if self.on_fired is not None and timer.period is None and not timer.hidden:
            self.on_fired(timer.alias)

    def _remember_fired(self, timer: Timer) -> None:
        if self._by_alias.get(timer.alias) is timer:
            del self._by_alias[timer.alias]
            self._fired[timer.alias] = None
            if len(self._fired) > _FIRED_KNOWN:
                del self._fired[next(iter(self._fired))]
