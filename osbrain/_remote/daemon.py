"""The serving side: a Pyro4 daemon that refuses no connection for want of a thread, and ends without sleeping."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import Pyro4
import Pyro4.core
from Pyro4.socketserver.threadpool import NoFreeWorkersError

from .._clock import Deadline
from .._config import config

_this_thread = threading.local()


class _ThreadPerConnection:
    """Stands in for Pyro4's pool, which refuses when full and sleeps when closed."""

    def __init__(self) -> None:
        self._connections = 0
        self._lock = threading.Lock()

    def num_workers(self) -> int:
        """How many connections are served now."""
        return self._connections

    def process(self, job: Callable[[], None]) -> None:
        """Serve one connection in a thread of its own."""
        with self._lock:
            if self._connections >= config['MAX_CONNECTIONS']:
                raise NoFreeWorkersError(f"osbrain.config['MAX_CONNECTIONS'] is {config['MAX_CONNECTIONS']}")
            self._connections += 1
        threading.Thread(target=self._serve, args=(job,), name='osbrain-connection', daemon=True).start()

    def _serve(self, job: Callable[[], None]) -> None:
        _this_thread.answers = True
        try:
            job()
        finally:
            with self._lock:
                self._connections -= 1

    def close(self) -> None:
        """Nothing to do: the threads end with their connections."""


class Daemon(Pyro4.core.Daemon):  # type: ignore[misc]
    """Serves objects; knows which calls have not been answered yet."""

    def __init__(self, host: str, port: int = 0, advertise: str | None = None) -> None:
        self._answering: set[int] = set()
        self._answered = threading.Condition()
        least, Pyro4.config.THREADPOOL_SIZE_MIN = Pyro4.config.THREADPOOL_SIZE_MIN, 1
        try:
            super().__init__(host=host, port=port, nathost=advertise, natport=0 if advertise else None)
        finally:
            Pyro4.config.THREADPOOL_SIZE_MIN = least
        for worker in list(self.transportServer.pool.idle):
            worker.process(None)
        self.transportServer.pool = _ThreadPerConnection()

    def uri(self, object_id: str) -> str:
        """Where others reach the object registered under *object_id*."""
        return f'PYRO:{object_id}@{self.natLocationStr or self.locationStr}'

    def start(self) -> None:
        """Serve from a thread of its own."""
        # Not Pyro4's requestLoop, which asks with a method that Python has deprecated: with warnings as errors it ends
        # at once.
        threading.Thread(target=self.transportServer.loop, name='osbrain-daemon', daemon=True).start()

    def handleRequest(self, conn: Any) -> None:  # noqa: N802  (Pyro4's name)
        """Serve one request, and note when its answer is on its way."""
        me = threading.get_ident()
        try:
            super().handleRequest(conn)
        finally:
            if me in self._answering:
                with self._answered:
                    self._answering.discard(me)
                    self._answered.notify_all()

    def call_begins(self) -> None:
        """Told by the servant: this thread owes an answer, unless it is one that Pyro4 made for a one-way call."""
        if getattr(_this_thread, 'answers', False):
            self._answering.add(threading.get_ident())

    def close_listener(self) -> None:
        """Accept no more connections; the port is free when this returns."""
        self.transportServer.shutting_down = True
        with contextlib.suppress(OSError):
            self.transportServer.sock.close()

    def wait_answered(self, seconds: float) -> bool:
        """Whether every call that came in is answered within *seconds*; the calling thread's own does not count."""
        me = threading.get_ident()
        with self._answered:
            return self._answered.wait_for(lambda: not self._answering - {me}, Deadline(seconds).left)
