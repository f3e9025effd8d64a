"""The main loop: messages, calls and timers, strictly one at a time, none of them able to starve the others."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Protocol

from .._clock import Deadline, monotonic
from .._io.poller import Poller
from .._io.wire import SocketWire
from .._protocol.patterns.endpoint import Endpoint
from .._protocol.timerheap import Timer
from .._stats import SHORTEST, Stopwatch
from .mailbox import Job, Mailbox
from .timers import Timers

# What one socket may use up before the others get their turn: Endpoint.turn messages, or so many seconds.
# 2 ms is short beside anything that a person calls slow.
_SECONDS_A_TURN = 0.002
# How long what came before the newest message may take to be taken in; a publisher may be as fast as that.
_SECONDS_FOR_NEWEST = 0.02

# Notes what nobody reads.
_UNTIMED = Stopwatch()


class Owner(Protocol):
    """What the loop asks of the agent's core."""

    def guarded(self, action: Callable[..., Any], *args: Any) -> None:
        """Run *action*; whatever it raises is dealt with."""

    def raised(self, error: BaseException, by: Any) -> None:
        """Deal with what was raised while *by*, an endpoint perhaps, was served."""

    def run_job(self, job: Job) -> None:
        """Run one call of another thread."""

    def idle(self) -> None:
        """Nothing happened for a poll timeout."""

    def poll_seconds(self) -> float:
        """Seconds without any event that make the agent idle."""


class Loop:
    """Runs in one thread until :attr:`keep_alive` is false; every socket is looked after here."""

    def __init__(self, owner: Owner, mailbox: Mailbox, timers: Timers) -> None:
        #: The agent's core, or what stands in for it while the agent has instruments.
        self.owner = owner
        self._mailbox = mailbox
        self._timers = timers
        self._poller: Poller | None = None
        # Sockets are opened and closed from any thread, also while the loop begins or ends.
        self._watching = threading.Lock()
        self._watched: dict[int, tuple[SocketWire, Endpoint]] = {}
        # Descriptors that are no wires, and what to do when they are readable.
        self._foreign: dict[int, Callable[[], None]] = {}
        # Wires to look at although their descriptor says nothing: see SocketWire about edges.
        self._again: dict[SocketWire, None] = {}
        # What is to be done when the messages of this turn have been handled.
        self._at_turn_end: list[tuple[Callable[[], None], Endpoint | None]] = []
        #: How long after its time each timer was started.
        self.lateness = Stopwatch()
        #: The timer whose action runs now, or ran last.
        self.timer: Timer | None = None
        self._drained_by: Deadline | None = None
        self._bell = -1
        self.keep_alive = True
        self.thread: int | None = None

    # -- Who is looked after --------------------------------------------------------------------------------------

    def watch(self, wire: SocketWire, endpoint: Endpoint) -> None:
        """Hand messages of *wire* to *endpoint* from now on."""
        with self._watching:
            self._watched[wire.fd] = (wire, endpoint)
            wire.watched = True
            if self._poller is not None:
                self._poller.add(wire.fd)
        self.touched(wire)

    def forget(self, wire: SocketWire) -> None:
        """Look after *wire* no more; called before it is closed."""
        with self._watching:
            if self._watched.pop(wire.fd, None) is not None:
                wire.watched = False
                if self._poller is not None:
                    self._poller.remove(wire.fd)
                self._again.pop(wire, None)

    def watch_descriptor(self, fd: int, action: Callable[[], None]) -> None:
        """Run *action* whenever *fd*, which is no wire, is readable; *action* makes it unreadable again."""
        with self._watching:
            self._foreign[fd] = action
            if self._poller is not None:
                self._poller.add(fd)

    def forget_descriptor(self, fd: int) -> None:
        """Look at *fd* no more; called before it is closed."""
        with self._watching:
            if self._foreign.pop(fd, None) is not None and self._poller is not None:
                self._poller.remove(fd)

    def touched(self, wire: SocketWire) -> None:
        """Look at *wire* in the next round: an operation on it may have swallowed the news of a message."""
        if wire.fd in self._watched:
            self._look_again(wire)
            if self.thread is not None and threading.get_ident() != self.thread:
                self._mailbox.ring()

    def _look_again(self, wire: SocketWire) -> None:
        wire.marked = True
        self._again[wire] = None

    def _to_look_at(self) -> dict[SocketWire, None]:
        """Take over what is to be looked at again; whoever touches a wire from now on has to say so again."""
        again = self._again.copy()
        for wire in again:
            # In this order: whoever touches it in between, and finds it marked, is heard, because it is looked at next.
            self._again.pop(wire, None)
            wire.marked = False
        return again

    def watched(self) -> list[tuple[SocketWire, Endpoint]]:
        """Every wire that is looked after, with its endpoint."""
        return list(self._watched.values())

    def at_turn_end(self, action: Callable[[], None], endpoint: Endpoint | None = None) -> None:
        """Run *action* once when the messages that were there have been handled; its time is the *endpoint*'s."""
        self._at_turn_end.append((action, endpoint))

    # -- Running --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go round until told to stop."""
        self.thread = threading.get_ident()
        poller = Poller()
        try:
            self._watch_all(poller)
            while self.keep_alive:
                # Messages first: whoever asked for an answer waits for nothing else.
                self._messages(self._wait(poller))
                self._calls()
                self._due_timers()
        finally:
            self.thread = None
            with self._watching:
                self._poller = None
                poller.close()

    def _watch_all(self, poller: Poller) -> None:
        with self._watching:
            self._poller = poller
            self._bell = self._mailbox.bell.fd
            for fd in (self._bell, *self._foreign, *self._watched):
                poller.add(fd)
            for wire, _ in self.watched():
                self._look_again(wire)

    def drain(self, seconds: float) -> None:
        """Handle what has been received already, and nothing else, for at most *seconds*."""
        self._drained_by = deadline = Deadline(seconds)
        self.thread = threading.get_ident()
        try:
            for wire, _ in self.watched():
                self._look_again(wire)
            while (self._again or self._at_turn_end) and not deadline.expired:
                self._messages([])
        finally:
            self._drained_by = None
            self.thread = None

    def _wait(self, poller: Poller) -> list[int]:
        """Wait for whatever comes next; without anything for a poll timeout, the agent is idle."""
        if self._again:
            for wire in self._to_look_at():
                if wire.has_news():
                    self._look_again(wire)
        if self._again or self._mailbox or self._at_turn_end:
            return poller.wait(0)
        idle = self.owner.poll_seconds()
        timer = self._timers.seconds_to_next() if self._timers else None
        patience = idle if timer is None else min(idle, timer)
        ready = poller.wait(patience)
        if self._bell in ready:
            self._mailbox.bell.silence()
        elif not ready and (timer is None or timer > idle) and not (self._again or self._mailbox):
            self.owner.guarded(self.owner.idle)
        return ready

    def _calls(self) -> None:
        """As many calls as are waiting now; those that come meanwhile take their turn in the next round."""
        for _ in range(len(self._mailbox)):
            job = self._mailbox.next_job() if self.keep_alive else None
            if job is None:
                return
            self.owner.run_job(job)

    def _due_timers(self) -> None:
        for timer in self._timers.due() if self._timers and self.keep_alive else ():
            if self._stopping():
                # It was stopped by the action before: the rest is due when it runs again.
                self._timers.keep(timer)
            elif not timer.stopped:
                if not timer.hidden:
                    self.lateness.add(max(0.0, monotonic() - timer.due))
                self.timer = timer
                self.owner.guarded(timer.action)
                self._timers.again(timer)

    def _stopping(self) -> bool:
        return not self.keep_alive

    def _going_on(self) -> bool:
        return self.keep_alive if self._drained_by is None else not self._drained_by.expired

    # -- Messages -------------------------------------------------------------------------------------------------

    def _messages(self, ready: list[int]) -> None:
        """One turn for each wire whose descriptor is *ready*, then for those that had more or were touched."""
        again = self._to_look_at() if self._again else {}
        for fd in ready:
            watched = self._watched.get(fd)
            if watched is not None:
                again.pop(watched[0], None)
                self._take_turn(*watched)
            elif fd in self._foreign:
                self.owner.guarded(self._foreign[fd])
        for wire in again:
            watched = self._watched.get(wire.fd)
            if watched is not None and watched[0] is wire:
                self._take_turn(*watched)
        if self._at_turn_end:  # left when the loop was stopped
            self._end_turn()

    def _take_turn(self, wire: SocketWire, endpoint: Endpoint) -> None:
        """Handle what is there on one wire until its turn is over; one whose handler fails does not end it."""
        if not self._going_on():
            self._look_again(wire)
            return
        messages, more = self._take(wire, endpoint)
        if endpoint.flow.conflate:
            messages, more = self._newest(wire, endpoint, messages, more)
        if more:
            self._look_again(wire)
        self._hand_out(messages, wire, endpoint)
        if self._at_turn_end:
            self._end_turn()

    def _take(self, wire: SocketWire, endpoint: Endpoint) -> tuple[list[Any], bool]:
        messages, more = wire.take(endpoint.turn)
        if wire.batches:
            wire.batches = False
            messages = [one for frames in messages for one in self._split(endpoint, frames)]
        count = len(messages)
        endpoint.received += count
        endpoint.most_at_once = max(count, endpoint.most_at_once)
        return messages, more

    def _split(self, endpoint: Endpoint, frames: Any) -> list[Any]:
        try:
            return endpoint.split(frames)
        except Exception as error:
            self.owner.raised(error, endpoint)
            return []

    def _newest(self, wire: SocketWire, endpoint: Endpoint, messages: list[Any], more: bool) -> tuple[list[Any], bool]:
        """Take in what else is there, and keep the newest only."""
        enough = monotonic() + _SECONDS_FOR_NEWEST
        messages = endpoint.newest(messages)
        while more and monotonic() < enough:
            others, more = self._take(wire, endpoint)
            messages = endpoint.newest([*messages, *others])
        return messages, more

    def _hand_out(self, messages: list[Any], wire: SocketWire, endpoint: Endpoint) -> None:
        """Hand *messages* over until the turn is over; what is left comes first next time."""
        receive = endpoint.receive
        # What is gathered here is handled, and timed, at the end of the turn.
        handling = _UNTIMED if endpoint.gathers else endpoint.handling
        draining = self._drained_by is not None
        began = now = monotonic()
        # A list is handed over whole, and only then its handler takes its time.
        turn_ends = math.inf if endpoint.gathers else began + _SECONDS_A_TURN
        left = iter(messages)
        # What is slow is noted one by one, the rest for the whole turn. Whatever takes longer than SHORTEST ends after
        # this moment, so the others are not even looked at.
        look = now + SHORTEST
        slow = 0
        going_on = True
        while going_on:
            going_on = False
            try:
                for frames in left:
                    receive(frames)
                    before, now = now, monotonic()
                    if now > look:
                        look = now + SHORTEST
                        slow += handling.note_slow(now - before)
                        if now > turn_ends:
                            break
                    if wire.closed or not (self.keep_alive or draining):
                        break
            except BaseException as error:
                slow += handling.note_slow(monotonic() - now)
                self.owner.raised(error, endpoint)
                now = monotonic()
                going_on = self._going_on() and not wire.closed and now <= turn_ends
        rest = list(left)
        handling.note_quick(len(messages) - len(rest) - slow, now - began)
        if rest and not wire.closed:
            endpoint.received -= len(rest)
            wire.put_back(rest)
            self._look_again(wire)

    def _end_turn(self) -> None:
        actions, self._at_turn_end = self._at_turn_end, []
        for action, endpoint in actions:
            if not self._going_on():
                self._at_turn_end.append((action, endpoint))
                continue
            began = monotonic()
            try:
                action()
            except BaseException as error:
                self.owner.raised(error, endpoint)
            if endpoint is not None:
                endpoint.handling.add(monotonic() - began)
