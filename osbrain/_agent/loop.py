"""The main loop: calls, timers and messages, strictly one at a time, none of them able to starve the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from .._clock import Deadline, monotonic
from .._io.poller import Poller
from .._io.wire import SocketWire
from .._protocol.patterns.endpoint import Endpoint
from .mailbox import Job, Mailbox
from .timers import Timers

# What one socket may use up before the others get their turn: so many messages, or so many seconds.
# Draining 16 and more at a time reaches bare pyzmq's rate; 2 ms is short beside anything that a person calls slow.
_MESSAGES_A_TURN = 64
_SECONDS_A_TURN = 0.002


class Owner(Protocol):
    """What the loop asks of the agent's core."""

    def guarded(self, action: Callable[..., Any], *args: Any) -> None:
        """Run *action*; whatever it raises is dealt with."""

    def run_job(self, job: Job) -> None:
        """Run one call of another thread."""

    def idle(self) -> None:
        """Nothing happened for a poll timeout."""

    def poll_seconds(self) -> float:
        """Seconds without any event that make the agent idle."""


class Loop:
    """Runs in one thread until :attr:`keep_alive` is false; every socket is looked after here."""

    def __init__(self, owner: Owner, mailbox: Mailbox, timers: Timers) -> None:
        self._owner = owner
        self._mailbox = mailbox
        self._timers = timers
        self._poller: Poller | None = None
        self._watched: dict[int, tuple[SocketWire, Endpoint]] = {}
        # Wires to look at although their descriptor says nothing: see SocketWire about edges.
        self._again: dict[SocketWire, None] = {}
        self.keep_alive = True
        self.thread: int | None = None

    # -- Who is looked after --------------------------------------------------------------------------------------

    def watch(self, wire: SocketWire, endpoint: Endpoint) -> None:
        """Hand messages of *wire* to *endpoint* from now on."""
        self._watched[wire.fd] = (wire, endpoint)
        if self._poller is not None:
            self._poller.add(wire.fd)
        self.touched(wire)

    def forget(self, wire: SocketWire) -> None:
        """Look after *wire* no more; called before it is closed."""
        if self._watched.pop(wire.fd, None) is not None:
            if self._poller is not None:
                self._poller.remove(wire.fd)
            self._again.pop(wire, None)

    def touched(self, wire: SocketWire) -> None:
        """Look at *wire* in the next round: an operation on it may have swallowed the news of a message."""
        if wire.fd in self._watched:
            self._again[wire] = None
            if self.thread is not None and threading.get_ident() != self.thread:
                self._mailbox.ring()

    def watched(self) -> list[tuple[SocketWire, Endpoint]]:
        """Every wire that is looked after, with its endpoint."""
        return list(self._watched.values())

    # -- Running --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go round until told to stop."""
        self.thread = threading.get_ident()
        poller = self._poller = Poller()
        try:
            poller.add(self._mailbox.bell.fd)
            for fd, (wire, _) in list(self._watched.items()):
                poller.add(fd)
                self._again[wire] = None
            while self.keep_alive:
                self._round(poller)
        finally:
            self.thread = None
            self._poller = None
            poller.close()

    def drain(self, seconds: float) -> None:
        """Handle what has been received already, and nothing else, for at most *seconds*."""
        deadline = Deadline(seconds)
        self.thread = threading.get_ident()
        try:
            self._again.update((wire, None) for wire, _ in self.watched())
            while self._again and not deadline.expired:
                self._messages(lambda: not deadline.expired)
        finally:
            self.thread = None

    def _round(self, poller: Poller) -> None:
        self._calls()
        self._due_timers()
        self._messages(lambda: self.keep_alive)
        if not self.keep_alive:
            return
        ready = self._wait(poller)
        for fd in ready:
            watched = self._watched.get(fd)
            if watched is not None:
                self._again[watched[0]] = None

    def _wait(self, poller: Poller) -> list[int]:
        """Wait for whatever comes next; without anything for a poll timeout, the agent is idle."""
        if self._again or self._mailbox:
            return poller.wait(0)
        idle = self._owner.poll_seconds()
        timer = self._timers.seconds_to_next()
        patience = idle if timer is None else min(idle, timer)
        ready = poller.wait(patience)
        bell = self._mailbox.bell
        if bell.fd in ready:
            bell.silence()
        elif not ready and (timer is None or timer > idle) and not (self._again or self._mailbox):
            self._owner.guarded(self._owner.idle)
        return ready

    def _calls(self) -> None:
        """As many calls as are waiting now; those that come meanwhile take their turn in the next round."""
        for _ in range(len(self._mailbox)):
            job = self._mailbox.next_job()
            if job is None:
                return
            self._owner.run_job(job)
            if not self.keep_alive:
                return

    def _due_timers(self) -> None:
        for timer in self._timers.due() if self.keep_alive else ():
            if self._stopping():
                # It was stopped by the action before: the rest is due when it runs again.
                self._timers.keep(timer)
            elif not timer.stopped:
                self._owner.guarded(timer.action)
                self._timers.again(timer)

    def _stopping(self) -> bool:
        return not self.keep_alive

    def _messages(self, going_on: Callable[[], bool]) -> None:
        again, self._again = self._again, {}
        for wire in again:
            if not going_on():
                self._again[wire] = None
                continue
            watched = self._watched.get(wire.fd)
            if watched is not None and watched[0] is wire:
                self._drain(wire, watched[1], going_on)

    def _drain(self, wire: SocketWire, endpoint: Endpoint, going_on: Callable[[], bool]) -> None:
        """Handle what is there on one wire, within its turn."""
        messages, more = wire.take(_MESSAGES_A_TURN)
        if more:
            self._again[wire] = None
        turn_ends = monotonic() + _SECONDS_A_TURN
        guarded, receive = self._owner.guarded, endpoint.receive
        for handled, frames in enumerate(messages, 1):
            endpoint.received += 1
            guarded(receive, frames)
            if wire.closed:
                return
            if handled < len(messages) and (monotonic() > turn_ends or not going_on()):
                wire.put_back(messages[handled:])
                self._again[wire] = None
                return
