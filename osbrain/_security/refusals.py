"""Says who was not let in, in words, on the log ``osbrain``; not again and again of the same one."""

from __future__ import annotations

import logging
import threading

from .._clock import monotonic

_log = logging.getLogger('osbrain')
# Seconds for which the same is not said again, and of how many this is remembered.
_PAUSE = 60.0
_MOST = 1024


class OnceAMinute:
    """Lets what is said of somebody through once a minute, from whatever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], float] = {}

    def lets_through(self, who: str, what: str) -> bool:
        """Whether *what* was not said of *who* for a minute; it counts as said then."""
        now = monotonic()
        with self._lock:
            said = self._said.pop((who, what), None)
            if said is not None and now - said < _PAUSE:
                self._said[who, what] = said
                return False
            # The oldest is forgotten first: whoever has many addresses fills the log and not the memory.
            if len(self._said) >= _MOST:
                del self._said[next(iter(self._said))]
            self._said[who, what] = now
            return True


class Refusals:
    """Warns of each address and reason at most once a minute, however often there is cause."""

    def __init__(self) -> None:
        self._once = OnceAMinute()

    def note(self, host: str, what: str) -> None:
        """Warn that *what* was done to a peer at the address *host*."""
        if self._once.lets_through(host, what):
            _log.warning('%s: %s', host, what)


refusals = Refusals()
