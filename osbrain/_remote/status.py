"""One entry of the address book, and where the process is that it is about."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from typing import NamedTuple

from .._pids import ENDED, how_ended, is_alive


@dataclass(frozen=True)
class AgentStatus:
    """One entry of the address book.

    ``state`` is ``'starting'`` (registered, not running yet), ``'running'``, ``'stopped'`` (it was stopped or crashed:
    ``reason`` says why) or ``'gone'`` (its process has ended without removing its name, which will be removed in a
    moment).
    """

    name: str
    uri: str
    state: str = 'starting'
    reason: str | None = None
    #: Process identifier, 0 where it is not known (a name registered by hand).
    pid: int = 0
    #: When the process was started, in the system's own clock ticks: tells it from a later one of the same pid.
    pid_started: int = 0
    host: str = ''
    #: The agent's class.
    kind: str = ''
    #: When it was registered, in seconds since the epoch.
    since: float = 0.0
    #: Within so many seconds it has to be heard of, or it counts as dead; 0: the name server sees its process itself.
    lease: float = 0.0
    #: Whether whoever started it starts it again when it dies (``restart=``, a supervisor).
    supervised: bool = False


@dataclass(frozen=True)
class Succession:
    """What an agent says of its name when that is, or was just now, somebody else's.

    ``uri`` is that of the agent whose place it takes, and ``shutdowns`` the number that this one was told when it came;
    ``patience`` how many seconds the name may be still in use by agents that are about to end.
    """

    uri: str = ''
    shutdowns: int | None = None
    patience: float = 0.0


class Welcome(NamedTuple):
    """What an agent is told that was registered."""

    #: Whether its process can be watched from here; if not, its lease has to be renewed.
    watched: bool
    #: How often all agents were told to end.
    shutdowns: int


def here(record: AgentStatus) -> bool:
    """Whether the agent's process is on this machine, where it can be seen."""
    return bool(record.pid) and not record.lease and record.host == socket.gethostname()


def has_ended(record: AgentStatus) -> bool:
    """Whether the agent's process is known to have ended."""
    return here(record) and not is_alive(record.pid, record.pid_started)


def how_died(record: AgentStatus) -> str:
    """Put into words how the agent's process ended."""
    return how_ended(record.pid, record.pid_started)


def with_past(how: str, record: AgentStatus) -> str:
    """Add to *how* an agent died what had become of it before."""
    return f'{how}; it had stopped: {record.reason}' if record.state == 'stopped' and record.reason else how


def looked_after(record: AgentStatus) -> AgentStatus:
    """Return *record* as it is now: an agent whose process has ended is gone."""
    if not has_ended(record):
        return record
    return replace(record, state='gone', reason=record.reason or ENDED)
