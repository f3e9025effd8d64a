"""The address book: who is registered where, and how each of them is."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import Pyro4.core
import Pyro4.naming
from Pyro4.constants import NAMESERVER_NAME

from .._clock import Deadline
from .._pids import is_alive
from .errors import NameTaken, ShutDownMeanwhile, UnknownName


@dataclass(frozen=True)
class AgentStatus:
    """One entry of the address book.

    ``state`` is ``'starting'`` (registered, not running yet), ``'running'``, ``'stopped'`` (it was stopped or crashed:
    ``reason`` says why) or ``'gone'`` (its process has ended without removing its name).
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


@dataclass(frozen=True)
class Succession:
    """What an agent says of its name when that is, or was just now, somebody else's.

    ``uri`` is that of the agent whose place it takes, and ``shutdowns`` the number that this one was told when it came;
    ``patience`` how many seconds the name may be still in use by agents that are about to end.
    """

    uri: str = ''
    shutdowns: int | None = None
    patience: float = 0.0


class Directory(Pyro4.naming.NameServer):  # type: ignore[misc]
    """Pyro4's name server, with a record for each agent and somebody to tell when one leaves."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[str, AgentStatus] = {}
        self._reports: dict[str, int] = {}
        self._buried: list[str] = []
        # How often all agents were told to end.
        self._shutdowns = 0
        # One lock for both: whoever waits for agents to leave looks at the book meanwhile.
        self._left = threading.Condition(self.lock)

    def register(self, name: str, uri: Any, safe: bool = False, metadata: Any = None) -> None:
        """Register *name*; with *safe* it is an error (Pyro4's ``NamingError``) if it is taken."""
        with self.lock:
            if safe and name in self.storage:
                raise NameTaken(name)
            super().register(name, uri, safe, metadata)
            if name != NAMESERVER_NAME:
                self._records[name] = AgentStatus(name, str(uri), since=time.time())
                self._reports.pop(name, None)

    def enroll(self, record: AgentStatus, succession: Succession | None = None) -> int:
        """Register an agent, which must have a name that nobody has; return how often all agents were told to end."""
        with self.lock:
            if succession is not None:
                self._make_way(record.name, succession)
            self.register(record.name, record.uri, safe=True)
            self._records[record.name] = replace(record, since=time.time())
            return self._shutdowns

    def _make_way(self, name: str, succession: Succession) -> None:
        """Take *name* from an agent that has ended or is about to."""
        self.remove_at(name, succession.uri)
        if succession.shutdowns is not None and succession.shutdowns < self._shutdowns:
            raise ShutDownMeanwhile(name)
        if succession.patience and name in self.storage:
            self.reap()
            self._left.wait_for(lambda: name not in self.storage, succession.patience)

    def count_shutdown(self) -> None:
        """Note that all agents are told to end: none of them is to be started again."""
        with self.lock:
            self._shutdowns += 1

    def report(self, name: str, uri: str, number: int, state: str, reason: str | None) -> None:
        """Note the state of the agent at *uri*; reports overtake each other, the highest *number* counts."""
        with self.lock:
            record = self._records.get(name)
            if record is not None and record.uri == uri and number > self._reports.get(name, 0):
                self._reports[name] = number
                self._records[name] = replace(record, state=state, reason=reason)

    def lookup(self, name: str, return_metadata: bool = False) -> Any:
        """Return the URI of *name*; Pyro4's ``NamingError`` if nobody has it."""
        if name not in self.storage:
            raise UnknownName(name)
        return super().lookup(name, return_metadata)

    def remove(self, name: str | None = None, prefix: str | None = None, regex: str | None = None) -> int:
        """Remove a name; how many were removed."""
        count: int = super().remove(name, prefix, regex)
        with self._left:
            for gone in [known for known in self._records if known not in self.storage]:
                del self._records[gone]
                self._reports.pop(gone, None)
            self._left.notify_all()
        return count

    def remove_at(self, name: str, uri: str) -> int:
        """Remove *name* if it is still the agent at *uri* that has it."""
        with self.lock:
            record = self._records.get(name)
            return self.remove(name) if record is not None and record.uri == uri else 0

    def ping(self) -> str:
        """``'pong'``."""
        return 'pong'

    def agents(self) -> list[str]:
        """Names of the registered agents."""
        with self.lock:
            return [name for name in self.storage if name != NAMESERVER_NAME]

    def status(self) -> dict[str, AgentStatus]:
        """Return what is known of each agent, by name."""
        with self.lock:
            records = dict(self._records)
        return {name: _looked_after(record) for name, record in records.items()}

    def wait_until_empty(self, seconds: float) -> list[str]:
        """Wait until no agent is registered, at most *seconds*; return those that still are."""
        with self._left:
            self._left.wait_for(lambda: not self.agents(), Deadline(seconds).left)
        return self.agents()

    def reap(self) -> list[str]:
        """Remove the names of processes of this machine that have ended; the names removed."""
        gone = [record for record in self.status().values() if record.state == 'gone']
        dead = [record.name for record in gone if self.remove_at(record.name, record.uri)]
        with self.lock:
            self._buried.extend(dead)
        return dead

    def take_buried(self) -> list[str]:
        """Return the names that were reaped since the last time that somebody asked."""
        with self.lock:
            buried, self._buried = self._buried, []
        return buried


def here(record: AgentStatus) -> bool:
    """Whether the agent's process is on this machine."""
    return bool(record.pid) and record.host == socket.gethostname()


def _looked_after(record: AgentStatus) -> AgentStatus:
    if here(record) and not is_alive(record.pid, record.pid_started):
        return replace(record, state='gone', reason=record.reason or 'its process has ended')
    return record
