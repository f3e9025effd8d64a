"""Says who was not let in, in words, on the log ``osbrain``; not again and again of the same one."""

from __future__ import annotations

import logging
import threading

from .._clock import monotonic

_log = logging.getLogger('osbrain')
# Seconds for which the same is not said again of the same address, and of how many addresses this is remembered.
_PAUSE = 60.0
_MOST = 1024


class Refusals:
    """Warns of each address and reason at most once a minute, however often there is cause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], float] = {}

    def note(self, host: str, what: str) -> None:
        """Warn that *what* was done to a peer at the address *host*."""
        now = monotonic()
        with self._lock:
            said = self._said.get((host, what))
            if said is not None and now - said < _PAUSE:
                return
            # The oldest is forgotten first: whoever has many addresses fills the log and not the memory.
            self._said.pop((host, what), None)
            if len(self._said) >= _MOST:
                del self._said[next(iter(self._said))]
            self._said[host, what] = now
        _log.warning('%s: %s', host, what)


refusals = Refusals()
