"""What an agent wants to know of others: births and deaths by name, told in its loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from .._events import BIRTH, DEATH, AgentEvent
from .._protocol.handlers import Call, message_call
from ..errors import NameInvalid, OptionInvalid

#: Why the death of somebody is told who was not there in the first place.
NOBODY = 'nobody has this name'


class Watching(Protocol):
    """What tells of each event of a name server, from a thread of its own."""

    @property
    def present(self) -> frozenset[str]:
        """Names of those who were there at the beginning."""

    def stop(self) -> None:
        """Tell no more."""


class Host(Protocol):
    """What monitors ask of the agent's core."""

    name: str
    agent: Any
    lifeline: Any
    running: bool
    monitors: Any

    def start_wait(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """Run *action* in the loop after *seconds*."""


class _Monitor(NamedTuple):
    reference: int
    name: str
    call: Call


class Monitors:
    """The monitors of one agent; as long as there is one, a thread listens to the name server."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._monitors: dict[int, _Monitor] = {}
        self._newest = 0
        self._watch: Watching | None = None
        self._present: set[str] = set()

    def add(self, name: Any, handler: Any) -> int:
        """Run *handler* at births and deaths of *name*; returns what :meth:`remove` takes."""
        if not isinstance(name, str) or not name:
            raise NameInvalid(name, 'a name is a text')
        call = message_call(handler, self._host.agent)
        with self._lock:
            monitor = _Monitor(self._newest + 1, name, call)
            # Before the agent is registered there is nobody to ask: it begins when the loop does.
            if self._host.lifeline is not None or self._host.running:
                self._listen()
                self._tell_absence(monitor)
            self._newest = monitor.reference
            self._monitors[monitor.reference] = monitor
            return monitor.reference

    def remove(self, reference: Any) -> None:
        """Run this one's handler no more."""
        with self._lock:
            if isinstance(reference, bool) or not isinstance(reference, int) or not 1 <= reference <= self._newest:
                raise OptionInvalid('reference', reference, 'what monitor() returned')
            self._monitors.pop(reference, None)
            watch = None
            if not self._monitors:
                watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def begin(self) -> None:
        """Begin with the monitors that were added before the agent was registered: the loop runs now."""
        with self._lock:
            if self._monitors and self._watch is None:
                self._listen()
                for monitor in self._monitors.values():
                    self._tell_absence(monitor)

    def end(self) -> None:
        """Listen no more."""
        with self._lock:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def _listen(self) -> None:
        if self._watch is not None:
            return
        if self._host.lifeline is None:
            raise OptionInvalid('monitor()', self._host.name, 'called on an agent that a name server knows')
        # What is told meanwhile waits for the lock.
        self._watch = watch = self._host.lifeline.watch(self._told)
        self._present = set(watch.present)

    def _told(self, event: AgentEvent) -> None:
        with self._lock:
            if event.kind == BIRTH:
                self._present.add(event.name)
            elif event.kind == DEATH:
                self._present.discard(event.name)
            else:
                return
            for monitor in self._monitors.values():
                if monitor.name == event.name:
                    self._tell(monitor, event)

    def _tell_absence(self, monitor: _Monitor) -> None:
        if monitor.name not in self._present:
            self._tell(monitor, AgentEvent(0, DEATH, monitor.name, reason=NOBODY, when=time.time()))

    def _tell(self, monitor: _Monitor, event: AgentEvent) -> None:
        self._host.start_wait(0.0, lambda: self._run(monitor, event))

    def _run(self, monitor: _Monitor, event: AgentEvent) -> None:
        if monitor.reference in self._monitors:  # else it was removed meanwhile
            monitor.call(event)


def monitors_of(host: Host) -> Monitors:
    """Return the monitors of an agent, which has none until it wants to know something."""
    if host.monitors is None:
        host.monitors = Monitors(host)
    monitors: Monitors = host.monitors
    return monitors
