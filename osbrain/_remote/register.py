"""The address book as it is kept: who comes, who goes, and what is noted of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import Pyro4.core
import Pyro4.naming
from Pyro4.constants import NAMESERVER_NAME

from .._events import BIRTH, DEATH
from .errors import NameTaken, ShutDownMeanwhile
from .events import EventLog
from .obituaries import Obituaries, Obituary
from .status import AgentStatus, Succession, Welcome, has_ended, how_died, looked_after, with_past
from .storage import Storage
from .witness import Witness

_SHUT_DOWN = 'it was shut down'
_REMOVED = 'its name was removed'
_REPLACED = 'its name was given to another'
_MISSED = 'its process ended while the name server was away'
#: What is told of those that ended because somebody wanted it.
ENDED_ORDERLY = frozenset({_SHUT_DOWN, _REMOVED, _REPLACED})


class Register(Pyro4.naming.NameServer):  # type: ignore[misc]
    """Pyro4's name server, with a record for each agent, and an account of those that came and went."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[str, AgentStatus] = {}
        self._reports: dict[str, int] = {}
        # How often all agents were told to end.
        self._shutdowns = 0
        self._log = EventLog()
        self._obituaries = Obituaries()
        self._witness = Witness(self._died)
        self._kept: Storage | None = None
        # One lock for both: whoever waits for agents to leave looks at the book meanwhile.
        self._left = threading.Condition(self.lock)

    # -- Who comes ------------------------------------------------------------------------------------------------

    def register(self, name: str, uri: Any, safe: bool = False, metadata: Any = None) -> None:
        """Register *name*; with *safe* it is an error (Pyro4's ``NamingError``) if it is taken."""
        with self.lock:
            if safe and name in self.storage:
                raise NameTaken(name)
            super().register(name, uri, safe, metadata)
            if name != NAMESERVER_NAME:
                self._admit(AgentStatus(name, str(uri), since=time.time()))

    def enroll(self, record: AgentStatus, succession: Succession | None = None) -> Welcome:
        """Register an agent, which must have a name that nobody else has, or the same agent again."""
        with self.lock:
            if succession is not None:
                self._make_way(record.name, succession)
            holder = self._records.get(record.name)
            same = holder is not None and holder.uri == record.uri
            if holder is not None and not same and has_ended(holder):
                self._died(holder, how_died(holder))
            if record.name in self.storage and not same:
                raise NameTaken(record.name)
            super().register(record.name, record.uri)
            watched = self._admit(replace(record, since=record.since or time.time()))
            return Welcome(watched, self._shutdowns)

    def _make_way(self, name: str, succession: Succession) -> None:
        """Take *name* from an agent that has ended or is about to."""
        before = self._records.get(name)
        if before is not None and before.uri == succession.uri:
            self._died(before, how_died(before) if has_ended(before) else _REPLACED)
        if succession.shutdowns is not None and succession.shutdowns < self._shutdowns:
            raise ShutDownMeanwhile(name)
        if succession.patience and name in self.storage:
            self.reap()
            self._left.wait_for(lambda: name not in self.storage, succession.patience)

    def count_shutdown(self) -> None:
        """Note that all agents are told to end: none of them is to be started again."""
        with self.lock:
            self._shutdowns += 1

    def renew(self, name: str, uri: str) -> bool:
        """Renew the lease of the agent at *uri*; whether it has *name*."""
        with self.lock:
            record = self._records.get(name)
            if record is None or record.uri != uri:
                return False
            self._witness.renewed(record)
            return True

    def _admit(self, record: AgentStatus) -> bool:
        before = self._records.pop(record.name, None)
        same = before is not None and before.uri == record.uri
        if before is not None and not same:
            self._mourn(before, _REPLACED)
        watched = self._witness.look_at(record)
        self._note(replace(record, lease=0.0) if watched else record)
        if not same:
            self._reports.pop(record.name, None)
            self._obituaries.lives_again(record.name)
            self._log.add(BIRTH, record.name, record.uri)
        if record.state != (before.state if same and before is not None else 'starting'):
            self._log.add(record.state, record.name, record.uri, record.reason)
        return watched

    def _note(self, record: AgentStatus) -> None:
        self._records[record.name] = record
        if self._kept is not None:
            self._kept.keep(record)

    def report(self, name: str, uri: str, number: int, state: str, reason: str | None) -> None:
        """Note the state of the agent at *uri*; reports overtake each other, the highest *number* counts."""
        with self.lock:
            record = self._records.get(name)
            if record is not None and record.uri == uri and number > self._reports.get(name, 0):
                self._reports[name] = number
                self._note(replace(record, state=state, reason=reason))
                self._log.add(state, name, uri, reason)

    # -- Who goes -------------------------------------------------------------------------------------------------

    def remove(self, name: str | None = None, prefix: str | None = None, regex: str | None = None) -> int:
        """Remove a name; how many were removed."""
        return self._remove(_REMOVED, False, name, prefix, regex)

    def remove_at(self, name: str, uri: str, why: str = _SHUT_DOWN) -> int:
        """Remove *name* if it is still the agent at *uri* that has it; *why* is what others are told."""
        with self.lock:
            record = self._records.get(name)
            return self._remove(why, False, name) if record is not None and record.uri == uri else 0

    def _remove(self, why: str, sudden: bool, *which: str | None) -> int:
        with self._left:
            count: int = super().remove(*which)
            present = set(self.storage)
            for gone in [known for known in self._records if known not in present]:
                self._reports.pop(gone, None)
                self._mourn(self._records.pop(gone), why, sudden)
            self._left.notify_all()
        return count

    def _mourn(self, record: AgentStatus, why: str, sudden: bool = False) -> None:
        """Tell everybody that the agent of *record* is no more."""
        self._witness.look_away(record)
        event = self._log.add(DEATH, record.name, record.uri, why)
        self._obituaries.add(Obituary(record.name, record.uri, record.pid, record.kind, event.when, why, sudden))

    def _died(self, record: AgentStatus, how: str) -> bool:
        """Free the name of an agent that has died without giving it back; whether it had it still."""
        with self.lock:
            present = self._records.get(record.name)
            if present is None or present.uri != record.uri:
                return False
            return self._remove(with_past(how, present), True, record.name) > 0

    def reap(self) -> list[str]:
        """Remove the names of processes of this machine that have ended; the names removed."""
        gone = [record for record in self.status().values() if record.state == 'gone']
        return [record.name for record in gone if self._died(record, how_died(record))]

    def status(self) -> dict[str, AgentStatus]:
        """Return what is known of each agent, by name."""
        with self.lock:
            records = dict(self._records)
        return {name: looked_after(record) for name, record in records.items()}

    # -- Across restarts ------------------------------------------------------------------------------------------

    def restore(self, storage: Storage) -> None:
        """Go on with the names in *storage*, and keep them there; those whose processes have ended are dead now."""
        with self.lock:
            self.storage = self._kept = storage
            for record in storage.records():
                self._records[record.name] = record
                if has_ended(record):
                    self._died(record, _MISSED)
                else:
                    self._witness.look_at(record)
