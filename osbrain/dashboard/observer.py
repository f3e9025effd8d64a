"""Looks at the system again and again while somebody looks at the page, and wakes the pages that are open."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Protocol

from .patches import Json, merge_patch

# Seconds from one look to the next.
PERIOD = 1.0
# From the first to the second, as rates need two; and at least, however much happens.
_SOON = 0.25


class View(Protocol):
    """What is looked at."""

    def look(self, logs: bool) -> Json:
        """Return all that the pages show, with the latest log lines if there is a page that shows them."""

    def rest(self) -> None:
        """Nobody looks any more: what comes next is to be compared with nothing of before."""


class Listener:
    """A page that is open: what it has been sent, and what wakes it; of the event loop, but for :meth:`wake`."""

    def __init__(self, observer: Observer, logs: bool) -> None:
        self.logs = logs
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._sent: Json = {}

    def wake(self) -> None:
        """Something is new; from any thread."""
        # The loop may have ended, and nobody needs to be woken then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._news.set)

    async def next(self, seconds: float) -> Json | None:
        """Return what has changed since the last time, everything the first time; ``None`` if the server ends.

        It is empty if nothing has changed within *seconds*. Whoever is slow gets several changes as one.
        """
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        if self._observer.closed:
            return None
        newest = self._observer.newest
        patch, self._sent = merge_patch(self._sent, newest), newest
        return patch


class Observer:
    """Looks once a *period*, in a thread of its own, while there are listeners; rests while there are none."""

    def __init__(self, view: View, period: float = PERIOD) -> None:
        self._view = view
        self._period = period
        #: What was seen last; replaced as a whole.
        self.newest: Json = {}
        self.closed = False
        self._listeners: set[Listener] = set()
        self._changed = threading.Condition()
        self._hurried = False
        self._thread = threading.Thread(target=self._observe, name='osbrain-dashboard', daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def listening(self, logs: bool = False) -> Iterator[Listener]:
        """Give a listener for as long as a block lasts; *logs* if it shows log lines."""
        listener = Listener(self, logs)
        with self._changed:
            self._listeners.add(listener)
            self._hurried = True
            self._changed.notify_all()
        if self.newest:
            listener.wake()
        try:
            yield listener
        finally:
            with self._changed:
                self._listeners.discard(listener)

    def hurry(self) -> None:
        """Look at once: something has happened."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def close(self) -> None:
        """Look no more, and let the pages go."""
        with self._changed:
            self.closed = True
            listeners = list(self._listeners)
            self._changed.notify_all()
        for listener in listeners:
            listener.wake()
        self._thread.join()

    # -- The thread -----------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        looks = 0
        while self._wanted():
            with self._changed:
                listeners = list(self._listeners)
                self._hurried = False
            self.newest = self._view.look(any(listener.logs for listener in listeners))
            looks += 1
            for listener in listeners:
                listener.wake()
            looks = looks if self._pause(_SOON if looks == 1 else self._period) else 0

    def _pause(self, seconds: float) -> bool:
        """Wait for so long, or until something has happened, but not for nothing; whether somebody looks still."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed, _SOON)
            self._changed.wait_for(lambda: self.closed or self._hurried, max(0.0, seconds - _SOON))
            return bool(self._listeners)

    def _wanted(self) -> bool:
        """Wait until somebody looks; whether somebody does."""
        with self._changed:
            if not self._listeners:
                self._view.rest()
                self.newest = {}
            self._changed.wait_for(lambda: self.closed or bool(self._listeners))
            return not self.closed
