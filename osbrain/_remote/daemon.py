"""The serving side: a Pyro4 daemon that serves whoever shows the cluster's key, and ends without sleeping."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import Pyro4
import Pyro4.core

from .._clock import Deadline
from .._config import config, handshake_timeout, message_limit
from .._security import certificates
from .._security.keyring import keyring
from ..errors import MessageTooLarge
from .entrance import Visit
from .greeting import needs_tls
from .messages import Call, answer_message, read_call, unknown_message
from .packing import pack_failure

# More than what Pyro4 writes around an answer. One that it could not send, it would make larger still.
_AROUND = 256
# Connections that have not shown the cluster's key yet; they wait for seconds at most, and keep nobody else out.
_MOST_STRANGERS = 64


class _ThreadPerConnection:
    """Stands in for Pyro4's pool, which refuses when full and sleeps when closed."""

    def __init__(self) -> None:
        self._strangers: dict[Visit, None] = {}
        self._admitted: set[Visit] = set()
        self._lock = threading.Lock()

    def num_workers(self) -> int:
        """How many connections are served now."""
        return len(self._strangers) + len(self._admitted)

    @property
    def full(self) -> bool:
        """Whether as many as may be served have shown the key."""
        return bool(len(self._admitted) >= config['MAX_CONNECTIONS'])

    def process(self, job: Any) -> None:
        """Serve one connection in a thread of its own, once its other end has shown the key."""
        visit = Visit(job, self)
        oldest = None
        with self._lock:
            self._strangers[visit] = None
            if len(self._strangers) > _MOST_STRANGERS:
                oldest = next(iter(self._strangers))
                del self._strangers[oldest]
        if oldest is not None:
            oldest.turn_away()
        try:
            threading.Thread(target=self._serve, args=(visit,), name='osbrain-connection', daemon=True).start()
        except RuntimeError:  # the system gives no more threads; the next one may come when others have ended
            self._leave(visit)
            visit.close()

    def admit(self, visit: Visit) -> None:
        """Count *visit* among those who have shown the key."""
        with self._lock:
            self._strangers.pop(visit, None)
            self._admitted.add(visit)

    def _serve(self, visit: Visit) -> None:
        try:
            visit()
        finally:
            self._leave(visit)

    def _leave(self, visit: Visit) -> None:
        with self._lock:
            self._strangers.pop(visit, None)
            self._admitted.discard(visit)

    def close(self) -> None:
        """Nothing to do: the threads end with their connections."""


class Daemon(Pyro4.core.Daemon):  # type: ignore[misc]
    """Serves objects; knows which calls have not been answered yet.

    :class:`~osbrain.errors.KeyUnusable` without a key; :class:`~osbrain.errors.CertificateUnusable` if other machines
    are to reach *host* and there is no certificate.
    """

    def __init__(self, host: str, port: int = 0, advertise: str | None = None) -> None:
        # At the start, and not at the first connection, for want of anything that each connection takes.
        keyring(), message_limit(), handshake_timeout()
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
        self._check_certificate()

    def _check_certificate(self) -> None:
        """Have an address that others reach, and that could be bound, refused without a certificate."""
        if needs_tls(self.transportServer.sock.getsockname()[0]):
            try:
                certificates.server_context()
            except BaseException:
                self.transportServer.housekeeper.stop.set()
                self.close_listener()
                raise

    def uri(self, object_id: str) -> str:
        """Where others reach the object registered under *object_id*."""
        return f'PYRO:{object_id}@{self.natLocationStr or self.locationStr}'

    def start(self) -> None:
        """Serve from a thread of its own."""
        # Not Pyro4's requestLoop, which asks with a method that Python has deprecated: with warnings as errors it ends
        # at once.
        threading.Thread(target=self.transportServer.loop, name='osbrain-daemon', daemon=True).start()

    def handleRequest(self, conn: Any) -> None:  # noqa: N802  (Pyro4's name)
        """Serve one call, and note when its answer is on its way."""
        call = read_call(conn)
        # Pyro4 has registered objects of its own too, which answer nobody here.
        answer_to = getattr(self.objectsById.get(call.object_id), 'answer', None)
        if answer_to is None:
            conn.send(unknown_message(call))
        elif call.oneway:
            # The next call on this connection does not wait for it.
            threading.Thread(target=answer_to, args=(call.request,), name='osbrain-oneway', daemon=True).start()
        else:
            self._answer(conn, answer_to, call)

    def _answer(self, conn: Any, answer_to: Callable[[bytes], bytes], call: Call) -> None:
        me = threading.get_ident()
        self._answering.add(me)
        try:
            answer = answer_to(call.request)
            try:
                conn.check_size(len(answer) + _AROUND)
            except MessageTooLarge as error:
                answer = pack_failure(error)
            conn.send(answer_message(call, answer))
        finally:
            with self._answered:
                self._answering.discard(me)
                self._answered.notify_all()

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
