"""One thread of an agent that waits for two ends: that of the process which started it, and its name server's."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

from .._io.poller import wait_hung_up
from .errors import NameTaken
from .pauses import pauses
from .registration import Registration

# A lease is renewed so many times before it runs out.
_RENEWALS = 3
# Elsewhere a connection whose other end is gone looks idle until it is used.
_SEES_ENDS = hasattr(select, 'POLLRDHUP')


class Vigil:
    """Keeps *registration* up as long as the agent lives.

    *starter* is a descriptor that hangs up when the starter ends, ``None`` if that means nothing; then *orphaned* is
    called, for good. *nameless* is told when another agent has taken the name while the name server was away.
    """

    def __init__(
        self,
        registration: Registration,
        starter: int | None,
        orphaned: Callable[[], None],
        nameless: Callable[[NameTaken], None],
    ) -> None:
        self._registration = registration
        self._starter = starter
        self._orphaned = orphaned
        self._nameless = nameless

    def start(self) -> None:
        """Begin, in a thread of its own."""
        if hasattr(select, 'poll'):
            threading.Thread(target=self._keep, name='osbrain-vigil', daemon=True).start()

    def _keep(self) -> None:
        waits = pauses(self._registration.lease)
        line = self._registration.line()
        while True:
            if line is not None:
                waits = pauses(self._registration.lease)
                ended = self._hold(line)
            else:
                # A name that was given up is never asked for again.
                ended = self._wait([], None if self._registration.removed else next(waits))
            if ended:
                self._orphaned()
                return
            try:
                line = self._registration.renew()
            except NameTaken as error:
                line = None
                self._nameless(error)

    def _hold(self, line: int) -> bool:
        """Wait until the name server is gone or has to be told that the agent is not; whether the starter ended."""
        sees = _SEES_ENDS and self._registration.watched
        try:
            return self._wait([line], None if sees else self._registration.lease / _RENEWALS)
        finally:
            os.close(line)

    def _wait(self, lines: list[int], seconds: float | None) -> bool:
        starter = [] if self._starter is None else [self._starter]
        return self._starter in wait_hung_up([*starter, *lines], seconds)
