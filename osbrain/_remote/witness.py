"""Sees agents die: one thread that waits on the processes of its own host, and on the leases of those elsewhere."""

from __future__ import annotations

import math
import os
import threading
import traceback
from collections.abc import Callable

from .._clock import monotonic
from .._io.poller import Bell, Poller
from .._pids import descriptor
from .status import AgentStatus, has_ended, here, how_died

#: What is said of an agent on another host that is not heard of any more.
LEASE_RAN_OUT = 'its lease ran out'
# Where the system gives no descriptor for a process, all of them are looked at this often, in seconds.
_LOOK = 0.5


class Witness:
    """Calls ``died(record, how)`` for each agent that ends while it is looked at."""

    def __init__(self, died: Callable[[AgentStatus, str], object]) -> None:
        self._died = died
        self._lock = threading.Lock()
        self._bell: Bell | None = None
        self._poller: Poller | None = None
        #: By their addresses: descriptors of processes, processes without one, and when leases run out.
        self._pidfds: dict[str, int] = {}
        self._unseen: dict[str, AgentStatus] = {}
        self._leases: dict[str, tuple[float, AgentStatus]] = {}
        self._by_fd: dict[int, AgentStatus] = {}
        self._stopped = False

    # -- Whom to look at; any thread may say so ---------------------------------------------------------------------

    def look_at(self, record: AgentStatus) -> bool:
        """Whether the process of *record* can be seen from here; if not, it has a lease."""
        self.look_away(record)
        # Looked at as if it were one of ours: what cannot be seen (another host, or a container's processes) has a
        # lease.
        near = AgentStatus(record.name, record.uri, pid=record.pid, pid_started=record.pid_started, host=record.host)
        seen = here(near) and not has_ended(near)
        if self._poller is None or not (seen or record.lease):
            return seen
        with self._lock:
            if not seen:
                self._leases[record.uri] = (monotonic() + record.lease, record)
            elif (fd := _pidfd(near)) is not None:
                self._pidfds[record.uri], self._by_fd[fd] = fd, near
                self._poller.add(fd)
                return True
            else:
                self._unseen[record.uri] = near
        self._look_up()
        return seen

    def look_away(self, record: AgentStatus) -> None:
        """Look at the agent of *record* no more."""
        with self._lock:
            self._unseen.pop(record.uri, None)
            self._leases.pop(record.uri, None)
            fd = self._pidfds.pop(record.uri, None)
            if fd is not None and self._poller is not None:
                self._poller.remove(fd)
                del self._by_fd[fd]
                os.close(fd)

    def renewed(self, record: AgentStatus) -> None:
        """Note that the agent of *record* was heard of."""
        with self._lock:
            if record.uri in self._leases:
                self._leases[record.uri] = (monotonic() + record.lease, record)

    # -- The thread ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; who was looked at before is not known."""
        self._bell, self._poller = Bell(), Poller()
        self._poller.add(self._bell.fd)
        threading.Thread(target=self._watch, name='osbrain-witness', daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._look_up()

    def _look_up(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    def _watch(self) -> None:
        poller, bell = self._poller, self._bell
        if poller is None or bell is None:
            return
        while not self._stopped:
            for fd in poller.wait(self._patience()):
                if fd == bell.fd:
                    bell.silence()
                elif (record := self._by_fd.get(fd)) is not None:
                    self._look(record)
            self._look_round()
        for record in list(self._by_fd.values()):
            self.look_away(record)
        poller.close()

    def _patience(self) -> float:
        with self._lock:
            lease = min((when for when, _ in self._leases.values()), default=math.inf) - monotonic()
            return max(0.0, min(lease, _LOOK if self._unseen else math.inf))

    def _look_round(self) -> None:
        """Look at those that do not announce their end."""
        with self._lock:
            now = monotonic()
            unseen = list(self._unseen.values())
            late = [record for when, record in self._leases.values() if when <= now]
        for record in unseen:
            self._look(record)
        for record in late:
            self._tell(record, LEASE_RAN_OUT)

    def _look(self, record: AgentStatus) -> None:
        if has_ended(record):
            self._tell(record, how_died(record))

    def _tell(self, record: AgentStatus, how: str) -> None:
        self.look_away(record)
        try:
            self._died(record, how)
        except Exception:
            # The book cannot be written (its disk is full, say). The name stays; whoever looks sees that it is of a
            # process that is gone, and whoever wants it gets it.
            traceback.print_exc()


def _pidfd(record: AgentStatus) -> int | None:
    """Return a descriptor that becomes readable when the process of *record* ends; ``None`` where there are none."""
    try:
        return descriptor(record.pid, record.pid_started)
    except ProcessLookupError:  # since it was looked at; the next look sees it
        return None
