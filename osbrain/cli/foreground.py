"""A name server in this very process: however the process ends, nothing of it is left behind."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import signal
import threading
from collections.abc import Callable, Iterator
from enum import Enum, auto
from queue import SimpleQueue
from typing import Any, cast

from .._remote.addresses import socket_address
from .._remote.limits import allow_many_files
from ..address import SocketAddress
from ..errors import WaitTimeout
from ..nameserver import NameServer, NameServerProcess
from ..proxy import locate_ns

# Seconds in which it has to answer itself.
_ANSWER = 3.0
_LOOPBACK = {4: '127.0.0.1', 6: '::1'}


class Event(Enum):
    """What can happen to a name server in the foreground."""

    #: Ctrl-C.
    INTERRUPT = auto()
    #: Another signal that asks the process to end. A shell may send one twice: when its terminal is closed, for one.
    SIGNAL = auto()
    #: Somebody called its ``daemon_shutdown``, as ``NSProxy.shutdown`` does.
    ASKED = auto()
    #: What :meth:`Foreground.beside` was given is done.
    DONE = auto()


class _Server(NameServer):
    """Tells of its end in the queue that signals tell of theirs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A SimpleQueue: signal handlers may put into it whatever they interrupt.
        self._events: SimpleQueue[Event] = SimpleQueue()

    def daemon_shutdown(self) -> None:
        super().daemon_shutdown()
        self._events.put(Event.ASKED)


class Foreground(NameServerProcess):
    """A name server that is not started as a process of its own but served from threads of this one."""

    def __init__(self, address: SocketAddress, advertise: str | None = None) -> None:
        super().__init__(address, _Server, advertise)

    def listen(self) -> None:
        """Answer from now on; ``OSError`` if the address cannot be had."""
        allow_many_files()
        self._server = cast('_Server', self._serve())
        try:
            locate_ns(self.local, _ANSWER)
        except WaitTimeout:
            # Some addresses can be bound and lead nowhere, such as 255.255.255.255.
            self._daemon.close_listener()
            raise OSError(errno.EADDRNOTAVAIL, f'nobody reaches {self.addr}') from None

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answer until the end of a block, in which the signals that ask to end are events."""
        try:
            with _signals(self._server._events.put):
                yield
        finally:
            self._daemon.close_listener()
            self._daemon.wait_answered(0.5)

    def next_event(self) -> Event:
        """Wait for what happens next."""
        return self._server._events.get()

    def beside(self, work: Callable[[], None]) -> None:
        """Do *work* beside the waiting for events; its end is one."""

        def do() -> None:
            try:
                work()
            finally:
                self._server._events.put(Event.DONE)

        threading.Thread(target=do, name='osbrain-cli', daemon=True).start()

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


@contextlib.contextmanager
def _signals(tell: Callable[[Event], None]) -> Iterator[None]:
    """Tell of signals instead of being ended by them."""
    events: dict[int, Event] = {signal.SIGINT: Event.INTERRUPT, signal.SIGTERM: Event.SIGNAL}
    # A closed terminal; nohup sees to it that this signal is ignored, which is to stay so.
    hangup = getattr(signal, 'SIGHUP', None)
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        events[hangup] = Event.SIGNAL
    before = {number: signal.signal(number, lambda number, _: tell(events[number])) for number in events}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
