"""The thread that keeps children alive: it hears of what happens to them, and does what their groups decide."""

from __future__ import annotations

import multiprocessing.connection
import multiprocessing.util
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .._clock import monotonic
from .._io.poller import Bell
from ..errors import RestartsExceeded, StartFailed
from .group import Group, Member, State, Step
from .restarts import End


class Child(Protocol):
    """What the watcher knows of a process."""

    #: Whether it has said that it runs.
    runs: bool
    #: Whether whoever runs the whole system had it ended.
    ordered: bool
    #: Whether somebody had it ended so that it is started again.
    planned: bool

    @property
    def exitcode(self) -> int | None:
        """As :mod:`multiprocessing` writes it; ``None`` while it lives."""

    @property
    def how_it_ended(self) -> str:
        """Its exit code in words."""

    @property
    def sources(self) -> list[Any]:
        """Of these, one is readable as soon as there is something to hear."""

    def begin(self) -> None:
        """Start it, without waiting for anything."""

    def hear(self) -> Any:
        """Take in what it has said; :class:`~osbrain.errors.StartFailed` if it has failed or ended."""

    def ask_to_end(self) -> None:
        """Have it end, without waiting."""

    def force_end(self) -> None:
        """End it at once."""

    def again(self) -> Child:
        """Return a new, unstarted one with the same arguments."""


class _Order:
    """Something that another thread wants done in the watcher's, and for whose outcome it waits."""

    def __init__(self, act: Callable[[], Any], until: Callable[[], bool]) -> None:
        self.act = act
        self.until = until
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def carry_out(self) -> None:
        """Do it, in the watcher's thread."""
        try:
            self.result = self.act()
        except BaseException as error:
            self.error = error
            self.done.set()

    def look(self) -> None:
        """See whether what was done has come to its end."""
        if not self.done.is_set() and self.until():
            self.done.set()


class Watcher:
    """Looks after any number of groups, in one thread; they are touched in no other once they are here."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._groups: dict[Group, Callable[[RestartsExceeded], None]] = {}
        self._new_orders: deque[_Order] = deque()
        self._orders: list[_Order] = []
        self._ceased = False
        threading.Thread(target=self._run, name='osbrain-watcher', daemon=True).start()
        # Before multiprocessing waits for the children that are left (util._exit_function), nothing may come after.
        multiprocessing.util.Finalize(self, self.cease, exitpriority=100)

    def carry_out(self, act: Callable[[], Any], until: Callable[[], bool] = lambda: True) -> Any:
        """Run *act* in the watcher's thread and return its result once *until* holds there, or raise what it raises."""
        order = _Order(act, until)
        self._new_orders.append(order)
        self._bell.ring()
        order.done.wait()
        if order.error is not None:
            raise order.error
        return order.result

    def watch(self, group: Group, given_up: Callable[[RestartsExceeded], None]) -> None:
        """Look after *group*; *given_up* is called, in the watcher's thread, when it has given up."""
        self.carry_out(lambda: self._groups.__setitem__(group, given_up))

    def leave(self, group: Group) -> None:
        """End the children of *group*, the last first, and look after it no more."""
        self.carry_out(group.end_all, lambda: not group.any_alive)
        self.carry_out(lambda: self._groups.pop(group, None))

    def cease(self) -> None:
        """Start nothing again: this process is about to end."""
        self._ceased = True
        self._bell.ring()

    # -- In the watcher's thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._take_orders()
            while self._take_steps():
                pass
            self._take_leave()
            self._look_at_orders()
            if not self._new_orders:
                self._listen()

    def _look_at_orders(self) -> None:
        # Here, so that nothing of the last order outlives it: with its group goes what was saved of its members' state.
        for order in self._orders:
            order.look()
        self._orders = [order for order in self._orders if not order.done.is_set()]

    def _take_orders(self) -> None:
        while self._new_orders:
            order = self._new_orders.popleft()
            order.carry_out()
            self._orders.append(order)
        if self._ceased:
            for group in self._groups:
                group.cease()

    def _take_steps(self) -> bool:
        """Do what is due; whether that may have made more due."""
        failed = False
        for group in list(self._groups):
            for step, member in group.next_steps(monotonic()):
                if step is Step.BEGIN:
                    failed = not self._begin(group, member) or failed
                elif step is Step.ASK:
                    member.process.ask_to_end()
                else:
                    member.process.force_end()
        return failed

    def _begin(self, group: Group, member: Member) -> bool:
        if member.begun > 1:
            member.process = member.process.again()
        try:
            member.process.begin()
        except Exception as error:
            group.died(member, End.ABNORMAL, f'{type(error).__name__}: {error}', monotonic())
            return False
        return True

    def _take_leave(self) -> None:
        """Forget the groups that have given up, and those that do not outlive their children."""
        for group, given_up in list(self._groups.items()):
            if group.over:
                del self._groups[group]
                if group.failure is not None:
                    given_up(group.failure)

    def _listen(self) -> None:
        """Wait until something has happened or is due, and take it in."""
        now = monotonic()
        alive = [(group, one) for group in self._groups for one in group.members if one.alive]
        told = {source: both for both in alive for source in both[1].process.sources}
        moments = [moment for group in self._groups if (moment := group.next_moment(now)) is not None]
        seconds = max(0.0, min(moments) - now) if moments else None
        ready = multiprocessing.connection.wait([*told, self._bell.fd], seconds)
        if self._bell.fd in ready:
            self._bell.silence()
        # Each once, although both its words and its end may have come.
        for group, member in dict.fromkeys(told[source] for source in ready if source in told):
            self._hear(group, member)

    def _hear(self, group: Group, member: Member) -> None:
        child: Child = member.process
        try:
            child.hear()
        except Exception as error:
            # One that has told why it fails may need a moment more; its successor must not meet it.
            child.force_end()
            group.died(member, *_end_of(child, error, member.state), monotonic())
        else:
            if child.runs and member.state is State.STARTING:
                group.runs(member, monotonic())


def _end_of(child: Child, error: Exception, state: State) -> tuple[End, str]:
    """Return how *child*, which was in *state*, has ended and what is known of why, by what it gave to hear."""
    told = error.__cause__ is not None
    report = _report_of(error) if told else f'Its process ended: {child.how_it_ended}'
    if child.ordered:
        return End.ORDERED, report
    if child.planned:
        return End.PLANNED, report
    clean = not told and child.exitcode == 0 and state is not State.STARTING
    return End.NORMAL if clean else End.ABNORMAL, report


def _report_of(error: BaseException) -> str:
    """Return what a child said of its failure; of a supervisor's, what it says itself, not where it noticed."""
    cause = error.__cause__
    if isinstance(cause, RestartsExceeded):
        return str(cause)
    if isinstance(cause, StartFailed):
        return cause.report
    return error.report if isinstance(error, StartFailed) else f'{type(error).__name__}: {error}'


_watcher: tuple[int, Watcher] | None = None
_lock = threading.Lock()


def watcher_of_this_process() -> Watcher:
    """Return the one watcher of this process, started when it is first needed; a forked child has none yet."""
    global _watcher  # noqa: PLW0603  (there is one for each process, as there is one fork server)
    with _lock:
        if _watcher is None or _watcher[0] != os.getpid():
            _watcher = (os.getpid(), Watcher())
        return _watcher[1]
