"""Tells of each event of a name server, and goes on when the name server ends and is started again."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from .._clock import Deadline
from .._config import get_lease
from .._events import AgentEvent
from ..address import SocketAddress
from ..errors import OsBrainError
from .addresses import uri_text
from .events import News
from .link import NAMESERVER_SERVANT, Link
from .obituaries import Obituary
from .pauses import pauses
from .tracking import NEVER_CAME_BACK, UNKNOWN, Tracker

# How long one question for news waits at the name server for something to happen, in seconds.
_PATIENCE = 10.0
# How long an answer may take on its way, and the name server to answer what is known.
_ANSWER = 3.0
# How long stop() waits for the callback to come to its end, and between two tries to end a call.
_JOIN = 1.0
_LOOK = 0.02

_W = TypeVar('_W', bound='Watch')


class _Line(Link):
    """A link with one call at a time, which another thread may break off."""

    _connection_in_use: Any = None

    def _connection(self) -> Any:
        self._connection_in_use = super()._connection()
        return self._connection_in_use

    def break_off(self) -> None:
        """End a call that waits for its answer."""
        connection = getattr(self._connection_in_use, '_pyroConnection', None)
        if connection is not None:
            connection.hang_up()


class Watch:
    """Calls *callback* with each :class:`AgentEvent` of the name server at *address*, from a thread of its own.

    Events come in order, each once, from now on: what has happened before is not told. The watch goes on when the name
    server ends and another one is started at its address. Of agents that do not come back to that one within
    ``config['LEASE']`` a death is told. What a callback raises is printed on standard error.

    A watch ends with :meth:`stop`, at the end of a ``with`` block, or with the program.
    """

    def __init__(self, address: SocketAddress, callback: Callable[[AgentEvent], object]) -> None:
        self._callback = callback
        self._line = _Line(uri_text(NAMESERVER_SERVANT, address), f'the name server at {address}')
        self._stopped = threading.Event()
        news = self._ask('', 0, 0.0)
        self._log, self._newest = news.log, news.newest
        self._tracker = Tracker(news.present)
        #: Addresses of those who were there before the name server was started again, and when they are given up.
        self._awaited: dict[str, str] = {}
        self._patience = Deadline(None)
        #: Names of those who were there at the beginning.
        self.present = frozenset(news.present)
        self._thread = threading.Thread(target=self._watch, name='osbrain-events', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call the callback no more."""
        self._stopped.set()
        if threading.current_thread() is self._thread:
            return
        deadline = Deadline(_JOIN)
        while self._thread.is_alive() and not deadline.expired:
            # Again and again, because the thread may be just about to begin another call.
            self._line.break_off()
            self._thread.join(_LOOK)

    def __enter__(self: _W) -> _W:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # -- The thread -----------------------------------------------------------------------------------------------

    def _ask(self, log: str, after: int, seconds: float) -> News:
        args = (log, after, seconds)
        return self._line.call('unsafe', 'events', args, {}, timeout=seconds + _ANSWER)  # type: ignore[no-any-return]

    def _watch(self) -> None:
        waits = pauses(get_lease())
        while not self._stopped.is_set():
            try:
                news = self._ask(self._log, self._newest, self._patience.left_or(_PATIENCE))
                told = self._catch_up(news) if news.missed else self._go_on(news)
            except OsBrainError:
                # Nobody is there, or not yet again; what has happened is asked for when somebody is.
                self._stopped.wait(next(waits))
                continue
            self._log, self._newest = news.log, news.newest
            for event in [*told, *self._given_up()]:
                self._tell(event)
            if news.ending:
                self._stopped.wait(next(waits))
            else:
                waits = pauses(get_lease())
        self._line.release()

    def _go_on(self, news: News) -> list[AgentEvent]:
        for event in news.events:
            self._awaited.pop(event.name, None)
        return [told for event in news.events for told in self._tracker.take(event)]

    def _catch_up(self, news: News) -> list[AgentEvent]:
        """Find out what was missed; those who are not there may be on their way to a name server that is new."""
        told: list[AgentEvent] = []
        awaited: dict[str, str] = {}
        for name, uri in self._tracker.missing(news.present).items():
            obituary = self._obituary(name, uri)
            if obituary is not None:
                told.append(self._tracker.died(name, uri, obituary.how, obituary.when))
            elif news.log != self._log and name not in news.present:
                awaited[name] = uri
            else:
                told.append(self._tracker.died(name, uri, UNKNOWN, time.time()))
        self._awaited, self._patience = awaited, Deadline(get_lease() if awaited else None)
        return told + self._tracker.compare(news.present)

    def _obituary(self, name: str, uri: str) -> Obituary | None:
        return self._line.call('unsafe', 'whereabouts', (name, uri, 0.0), {}, timeout=_ANSWER)[1]  # type: ignore[no-any-return]

    def _given_up(self) -> list[AgentEvent]:
        """Tell the deaths of those who were waited for long enough."""
        if not self._patience.expired:
            return []
        late, self._awaited, self._patience = self._awaited, {}, Deadline(None)
        return [self._tracker.died(name, uri, NEVER_CAME_BACK, time.time()) for name, uri in late.items()]

    def _tell(self, event: AgentEvent) -> None:
        if self._stopped.is_set():
            return
        try:
            self._callback(event)
        except Exception:
            traceback.print_exc()
