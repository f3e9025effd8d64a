"""Ending some agents, as the name server ends all of them: ask, then kill, then end what does not react."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from .._clock import monotonic
from .._pids import ENDED
from .._pids import kill as kill_process
from .._remote.addresses import socket_address
from .._remote.link import Link
from .._remote.shutdown import ShutdownReport, ask_to_end, ask_to_kill
from .._remote.status import AgentStatus, here
from ..address import SocketAddress
from ..errors import OsBrainError
from .system import System
from .waiting import all_within

# Of the time for shutting down: when those left are killed, and when their processes are. As NSProxy.shutdown_agents.
_KILL_AT = 0.5
_END_AT = 0.75

_W = TypeVar('_W', bound='Watch')


class Watch:
    """An idle connection to a process: it breaks when the process ends, so nobody has to look again and again."""

    def __init__(self, address: SocketAddress) -> None:
        self._socket: socket.socket | None = None
        with contextlib.suppress(OSError):
            self._socket = socket.create_connection((address.host, address.port), timeout=0.5)

    def ended(self, seconds: float) -> bool:
        """Whether the process ends within *seconds* (or had ended before the watch began)."""
        if self._socket is None:
            return True
        # A time-out of 0 would mean something else to the socket: not to wait, and to raise another error.
        self._socket.settimeout(max(0.001, seconds))
        try:
            return not self._socket.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def __enter__(self: _W) -> _W:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._socket is not None:
            self._socket.close()


def end_agents(system: System, names: Sequence[str], timeout: float, drain: float) -> ShutdownReport:
    """End the agents *names* within *timeout* seconds; the report says which are left."""
    began = monotonic()
    known = system.status()
    records = [known[name] for name in names if name in known]
    calls = {record.name: partial(_end, record, timeout, drain, system) for record in records}
    willing = {name for name, outcome in all_within(timeout + 1.0, calls).items() if outcome is True}
    left = _left(system, records)
    gone = tuple(name for name in names if name not in known or known[name].state == 'gone')
    clean = tuple(name for name in names if name in willing and name not in (*gone, *left))
    killed = tuple(name for name in names if name not in (*gone, *left, *clean))
    return ShutdownReport(clean=clean, killed=killed, gone=gone, left=left, seconds=monotonic() - began)


def _end(record: AgentStatus, timeout: float, drain: float, system: System) -> bool:
    """End one agent; whether asking was enough."""
    if record.state == 'gone':
        return True
    began = monotonic()
    link = Link(record.uri, f'agent {record.name!r}')

    def ended_by(share: float) -> bool:
        return watch.ended(share * timeout - (monotonic() - began))

    def tell(what: Callable[[Link], None]) -> None:
        # Whether the agent has heard it shows in whether it ends.
        with contextlib.suppress(OsBrainError):
            what(link)

    with Watch(socket_address(record.uri.rpartition('@')[2])) as watch:
        tell(ask_to_end(drain))
        if ended_by(_KILL_AT):
            return True
        tell(ask_to_kill)
        if not ended_by(_END_AT) and here(record):
            # Its name first: it has not died by itself.
            system.forget(record, 'it was killed')
            kill_process(record.pid, record.pid_started)
            ended_by(1.0)
    return False


def _left(system: System, records: list[AgentStatus]) -> tuple[str, ...]:
    """Which agents are still registered; the names of those whose processes have ended are removed."""
    left = []
    known = system.status()
    for record in records:
        now = known.get(record.name)
        if now is None or now.uri != record.uri:
            continue
        if now.state == 'gone':
            system.forget(record, ENDED)
        else:
            left.append(record.name)
    return tuple(left)
