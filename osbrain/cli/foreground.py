"""A name server in this very process: however the process ends, nothing of it is left behind."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import threading
from collections.abc import Iterator
from enum import Enum, auto
from queue import SimpleQueue
from typing import Any

from .._remote.limits import allow_many_files
from ..address import SocketAddress
from ..nameserver import NameServer, NameServerProcess


class Event(Enum):
    """What can happen to a name server in the foreground."""

    #: Ctrl-C, or a signal that asks the process to end.
    SIGNAL = auto()
    #: Somebody called its ``daemon_shutdown``, as ``NSProxy.shutdown`` does.
    ASKED = auto()
    #: The work that :meth:`Foreground.meanwhile` was given is done.
    DONE = auto()


class _Server(NameServer):
    """Puts what happens to it into a queue (a SimpleQueue, because signal handlers may put into one while they interrupt it)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._events: SimpleQueue[Event] = SimpleQueue()

    def daemon_shutdown(self) -> None:
        super().daemon_shutdown()
        self._events.put(Event.ASKED)
