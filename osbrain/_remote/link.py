"""A caller's connections to one object in another process: as many as it has calls under way."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Any

import Pyro4
import Pyro4.core
import Pyro4.errors

from .._io.poller import Look
from ..address import SocketAddress
from .addresses import uri_text
from .connecting import connect
from .errors import AgentGone, AnotherCluster, NotAnswering
from .messages import call_message, read_answer
from .packing import outcome, pack

#: Under which a name server's own servant is found beside Pyro4's.
NAMESERVER_SERVANT = 'osbrain.nameserver'

_links: weakref.WeakSet[Link] = weakref.WeakSet()
# Connections that a forked child inherited: closing them would end the parent's (Pyro4 shuts sockets down), so they are
# kept.
_inherited: list[Any] = []


class _Connection(Pyro4.core.Proxy):  # type: ignore[misc]
    """One connection, which knows whether its other end is still there."""

    def open(self, who: str) -> None:
        """Connect to *who* it is, and have both ends show the cluster's key."""
        self._pyroConnection = connect(self._pyroUri, who, self._pyroTimeout)
        # Made once, because it costs more than a look. Pyro4 would set other attributes at the other end.
        object.__setattr__(self, '_look', Look(self._pyroConnection.sock.fileno()))

    def ask(self, request: bytes, oneway: bool) -> bytes | None:
        """Have the servant at the other end answer *request*; ``None`` if nobody waits for that."""
        channel = self._pyroConnection
        channel.send(call_message(channel.objectId, request, oneway))
        return None if oneway else read_answer(channel)

    def has_news(self) -> bool:
        """Whether something has come in that nobody has asked for: while nothing is asked, only an end can."""
        return self._pyroConnection is None or self._pyroConnection.unread or bool(self._look())


class Link:
    """Calls one object, from any thread; an idle connection is used again, a broken one is dropped."""

    def __init__(self, uri: str, who: str) -> None:
        self.uri = uri
        self.who = who
        self._idle: list[Any] = []
        #: Names of the methods at the other end, once somebody has asked; every view of a proxy shares them.
        self.methods: frozenset[str] = frozenset()
        _links.add(self)

    def call(self, op: str, *args: Any, timeout: float | None = None) -> Any:
        """Call *op* of the servant at the other end and return its answer; *timeout* in seconds, ``None`` is for ever.

        Whatever was raised there is raised here. :class:`AgentGone` (a Pyro4 ``ConnectionClosedError``) if nobody is
        there any more, :class:`NotAnswering` after *timeout*, :class:`AnotherCluster` if it has none of our keys.
        """
        return outcome(self._invoke(pack((op, args), 'an argument of the call'), False, timeout))

    def tell(self, op: str, *args: Any, timeout: float | None = None) -> None:
        """As :meth:`call`, without waiting for an answer."""
        self._invoke(pack((op, args), 'an argument of the call'), True, timeout)

    def _invoke(self, request: bytes, oneway: bool, timeout: float | None) -> Any:
        connection = self._connection()
        sent = False
        try:
            if connection._pyroTimeout != timeout:
                connection._pyroTimeout = timeout
            if connection._pyroConnection is None:
                connection.open(self.who)
            sent = True
            answer = connection.ask(request, oneway)
        except AnotherCluster:
            raise
        except Pyro4.errors.TimeoutError:
            connection._pyroRelease()
            raise NotAnswering(self.who, timeout or 0.0) from None
        except (Pyro4.errors.CommunicationError, Pyro4.errors.DaemonError) as error:
            connection._pyroRelease()
            if timeout is not None and isinstance(error.__cause__, TimeoutError):
                raise NotAnswering(self.who, timeout) from None
            # Who says that nobody of this name is here has not carried out the call.
            under_way = sent and not isinstance(error, Pyro4.errors.DaemonError)
            raise AgentGone(self.who, _said(error), under_way) from None
        except BaseException:
            connection._pyroRelease()
            raise
        self._idle.append(connection)
        return answer

    def _connection(self) -> Any:
        with contextlib.suppress(IndexError):
            while (connection := self._idle.pop()).has_news():
                connection._pyroRelease()
            return connection
        return _Connection(self.uri)

    def idle_descriptor(self) -> int | None:
        """Return a descriptor, the caller's to close, of an idle connection; it hangs up when the other end does."""
        with contextlib.suppress(IndexError, AttributeError, OSError):
            return os.dup(self._idle[-1]._pyroConnection.sock.fileno())
        return None

    def release(self) -> None:
        """Close the idle connections; the next call makes a new one."""
        while self._idle:
            self._idle.pop()._pyroRelease()


def nameserver_link(address: SocketAddress) -> Link:
    """Link to the name server at *address*."""
    return Link(uri_text(NAMESERVER_SERVANT, address), f'the name server at {address}')


def _said(error: Exception) -> str:
    text = str(error)
    if isinstance(error, Pyro4.errors.DaemonError):
        return f'its process has ended and another one has taken its port ({text})'
    return text or type(error).__name__


def _release_all() -> None:
    """At the end of the program, while everything that Pyro4 needs to close a connection is still there."""
    for link in list(_links):
        link.release()


atexit.register(_release_all)


def _abandon() -> None:
    for link in list(_links):
        _inherited.extend(link._idle)
        link._idle = []


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_abandon)
