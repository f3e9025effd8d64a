"""Ending some agents, as the name server ends all of them: ask, then kill, then end what does not react."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from .._clock import monotonic
from .._io.poller import wait_hung_up
from .._pids import ENDED
from .._pids import kill as kill_process
from .._remote.addresses import socket_address
from .._remote.link import Link
from .._remote.shutdown import ShutdownReport, ask_to_end, ask_to_kill
from .._remote.status import AgentStatus, here
from ..errors import OsBrainError
from .system import System
from .waiting import all_within

# Of the time for shutting down: when those left are killed, and when their processes are. As NSProxy.shutdown_agents.
_KILL_AT = 0.5
_END_AT = 0.75

_W = TypeVar('_W', bound='Watch')


class Watch:
    """A connection on which nothing is said: it breaks when the process at its end ends, so nobody has to look again.

    It is one of *link*'s, once that has been used: who has not shown the key is turned away after a moment. Where
    nobody has answered, as in a process that is frozen, one of its own has to do.
    """

    def __init__(self, link: Link) -> None:
        self._link = link  # which would take its connections with it
        self._descriptor = link.idle_descriptor()
        if self._descriptor is None:
            address = socket_address(link.uri.rpartition('@')[2])
            with contextlib.suppress(OSError):
                self._descriptor = socket.create_connection((address.host, address.port), timeout=0.5).detach()

    def ended(self, seconds: float) -> bool:
        """Whether the process ends within *seconds* (or had ended before the watch began)."""
        return self._descriptor is None or bool(wait_hung_up([self._descriptor], seconds))

    def __enter__(self: _W) -> _W:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


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

    tell(ask_to_end(drain))
    with Watch(link) as watch:
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
