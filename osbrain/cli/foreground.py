"""A name server in this very process: however the process ends, nothing of it is left behind."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import threading
from collections.abc import Callable, Iterator

from .._remote.addresses import socket_address
from .._remote.limits import allow_many_files
from ..address import SocketAddress
from ..errors import WaitTimeout
from ..nameserver import NameServer, NameServerProcess
from ..proxy import locate_ns
from .events import Event, Events

# Seconds in which it has to answer itself.
_ANSWER = 3.0
_LOOPBACK = {4: '127.0.0.1', 6: '::1'}


class Foreground(NameServerProcess):
    """A name server that is not started as a process of its own but served from threads of this one."""

    def __init__(self, address: SocketAddress, advertise: str | None = None, storage: str | None = None) -> None:
        super().__init__(address, NameServer, advertise, storage)

    def listen(self) -> None:
        """Answer from now on; ``OSError`` if the address cannot be had."""
        allow_many_files()
        self._server = self._serve()
        try:
            locate_ns(self.local, _ANSWER)
        except WaitTimeout:
            # Some addresses can be bound and lead nowhere, such as 255.255.255.255.
            self._daemon.close_listener()
            raise OSError(errno.EADDRNOTAVAIL, f'nobody reaches {self.addr}') from None

    @contextlib.contextmanager
    def serving(self, events: Events | None = None) -> Iterator[Events]:
        """Go on answering until the end of a block, which is told of the signals and calls that ask for that end.

        Whoever wants no signal lost between :meth:`listen` and this brings the *events* that signals are part of.
        """
        if events is None:
            with Events() as made, made.signals(), self.serving(made):
                yield made
            return
        try:
            beside(self._server.wait_ended, events, Event.ASKED)
            yield events
        finally:
            self._daemon.close_listener()
            self._server.end_watching()
            self._daemon.wait_answered(0.5)
            self._server.daemon_shutdown()

    def registered(self) -> list[str]:
        """Names of the agents, sorted."""
        return sorted(self._server.agents())

    @property
    def public(self) -> str:
        """Where others reach it."""
        return self._daemon.uri('').partition('@')[2]

    @property
    def local(self) -> SocketAddress:
        """Where this machine reaches it."""
        bound = socket_address(self._daemon.locationStr)
        host = ipaddress.ip_address(bound.host)
        return SocketAddress(_LOOPBACK[host.version], bound.port) if host.is_unspecified else bound


def beside(work: Callable[[], object], events: Events, end: Event) -> None:
    """Do *work* in a thread of its own; its *end* is an event."""

    def do() -> None:
        try:
            work()
        finally:
            events.tell(end)

    threading.Thread(target=do, name='osbrain-cli', daemon=True).start()
