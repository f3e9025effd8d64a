"""The children of one supervisor, and what is to be done about them next: told what happened and when, doing nothing.

What a group wants is written down in its members: one is to end (``leaving``), one waits for its start (``WAITING``).
:meth:`Group.next_steps` turns that into steps, in the order in which they may be taken, whenever something has changed.
"""

from __future__ import annotations

import enum
from typing import Any

from ..errors import RestartsExceeded
from .intensity import Backoff, Intensity
from .restarts import End, Restart, starts_again
from .strategy import Strategy, affected, in_order


class State(str, enum.Enum):
    """Where a child is in its life."""

    WAITING = 'waiting'
    STARTING = 'starting'
    RUNNING = 'running'
    ENDING = 'ending'
    ENDED = 'ended'


class Step(enum.Enum):
    """What can be done with a child."""

    BEGIN = enum.auto()
    ASK = enum.auto()
    KILL = enum.auto()


# Seconds that a child may take to end which does not run yet: it has nothing to finish, and may not be able to listen.
_MERCY = 1.0

_ALIVE = frozenset({State.STARTING, State.RUNNING, State.ENDING})


class Member:
    """One child; a start may take *start_limit* seconds, its end *shutdown* seconds once it is asked to end."""

    backoff: Backoff

    def __init__(
        self,
        name: str,
        process: Any,
        restart: Restart,
        shutdown: float,
        start_limit: float,
        kind: str = 'worker',
    ) -> None:
        self.name = name
        self.process = process
        self.restart = restart
        self.shutdown = shutdown
        self.start_limit = start_limit
        #: 'worker' or 'supervisor'.
        self.kind = kind
        self.state = State.WAITING
        #: How often it was begun.
        self.begun = 0
        #: Why it ended the last time.
        self.report = ''
        #: Somebody waits for this very start: if it fails, that is an error for him and no reason to try again.
        self.on_trial = True
        self.leaving = False
        #: What becomes of it once it has left.
        self.comes_back = False
        self.not_before = 0.0
        self.deadline: float | None = None
        self.runs_since = 0.0
        self.failed_starts = 0
        self.overdue = False

    @property
    def alive(self) -> bool:
        """Whether it has a process."""
        return self.state in _ALIVE

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.begun - 1)


class Group:
    """The children of one supervisor, in the order of their start."""

    def __init__(self, name: str, strategy: Strategy, intensity: Intensity, lasting: bool = True) -> None:
        self.name = name
        #: Whether it goes on when all of its children have ended for good.
        self.lasting = lasting
        self.members: list[Member] = []
        #: Why the group has given up.
        self.failure: RestartsExceeded | None = None
        self._strategy = strategy
        self._intensity = intensity
        self._starting_up = True
        self._ceased = False

    # -- Who belongs to it ----------------------------------------------------------------------------------------

    def add(self, member: Member) -> None:
        """Have one more child, the last in order."""
        member.backoff = Backoff(self._intensity)
        self.members.append(member)

    def add_running(self, member: Member, now: float) -> None:
        """As :meth:`add`, for a child that somebody else has started."""
        self.add(member)
        member.begun = 1
        member.state = State.RUNNING
        self.runs(member, now)

    def forget(self, member: Member) -> None:
        """Have this child no more."""
        if member in self.members:
            self.members.remove(member)

    @property
    def any_alive(self) -> bool:
        """Whether some child has a process."""
        return any(member.alive for member in self.members)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to look after."""
        ended = all(member.state is State.ENDED for member in self.members)
        return ended and (self.failure is not None or not self.lasting)

    @property
    def settled(self) -> bool:
        """Whether nothing is under way: each child runs or has ended for good."""
        return all(one.state in (State.RUNNING, State.ENDED) and not one.leaving for one in self.members)

    # -- What is wanted -------------------------------------------------------------------------------------------

    def start(self, member: Member) -> None:
        """Start a child that has ended; if that fails, it has ended again."""
        member.state, member.not_before, member.on_trial = State.WAITING, 0.0, True

    def end(self, member: Member) -> None:
        """End a child for good."""
        if member.alive:
            member.leaving, member.comes_back = True, False
        else:
            member.state = State.ENDED

    def end_all(self) -> None:
        """End all children for good, the last first."""
        for member in self.members:
            self.end(member)

    def cease(self) -> None:
        """Start nothing again from now on; who is on his way is not wanted any more, those who run are left alone."""
        self._ceased = True
        for member in self.members:
            member.comes_back = False
            if member.state in (State.WAITING, State.STARTING):
                self.end(member)

    # -- What happened --------------------------------------------------------------------------------------------

    def runs(self, member: Member, now: float) -> None:
        """Note that a child runs."""
        if member.state is State.STARTING:
            member.state = State.RUNNING
        member.runs_since, member.failed_starts, member.on_trial = now, 0, False
        if not member.leaving:
            member.deadline = None
        if all(one.state is State.RUNNING for one in self.members):
            self._starting_up = False

    def died(self, member: Member, end: End, report: str, now: float) -> None:
        """Note that a child has ended, and decide what becomes of it and of the others."""
        began_to_run = member.state is not State.STARTING
        on_trial = member.on_trial and not began_to_run
        if member.overdue and not began_to_run:
            report = f'It did not run after {member.start_limit:g} s, and was ended.'
        member.state, member.deadline, member.report = State.ENDED, None, report
        if member.leaving:
            self._left(member)
        elif on_trial:
            if self._starting_up:
                self.end_all()
        elif self._ceased or not starts_again(member.restart, end):
            if member.restart is Restart.TEMPORARY:
                self.forget(member)
        elif end is End.PLANNED:
            # It has not failed, and is back in a moment with its addresses and connections: the others stay.
            member.state, member.not_before = State.WAITING, now
        else:
            member.failed_starts = 0 if began_to_run else member.failed_starts + 1
            # A start may take longer than the time in which restarts are counted, so failed ones count by themselves.
            if self._intensity.too_many(now) or member.failed_starts > self._intensity.max_restarts:
                self._give_up(member)
            else:
                self._start_again(member, now, now - member.runs_since if began_to_run else 0.0)

    @property
    def _in_order(self) -> bool:
        # Those who start together are started in order, whatever the strategy is.
        return self._starting_up or in_order(self._strategy)

    def _left(self, member: Member) -> None:
        member.leaving = False
        if member.comes_back and not self._ceased:
            member.state = State.WAITING
        elif member.restart is Restart.TEMPORARY:
            self.forget(member)

    def _give_up(self, member: Member) -> None:
        limits = self._intensity
        self.failure = RestartsExceeded(self.name, member.name, limits.max_restarts, limits.within, member.report)
        self.end_all()

    def _start_again(self, dead: Member, now: float, lived: float) -> None:
        due = now + dead.backoff.delay(lived)
        dead.state = State.WAITING
        for member in affected(self._strategy, self.members, dead):
            # Who has ended for good stays ended, whatever happens to its neighbours.
            if member.alive:
                member.leaving = True
                member.comes_back = member.restart is not Restart.TEMPORARY
            member.not_before = max(due, member.not_before) if member.state is State.WAITING else due

    # -- What to do -----------------------------------------------------------------------------------------------

    def next_steps(self, now: float) -> list[tuple[Step, Member]]:
        """Return what is to be done now; whoever asks does it before he asks again."""
        steps = self._overdue(now)
        leaving = [member for member in reversed(self.members) if member.leaving]
        if leaving and leaving[0].state is not State.ENDING:
            last = leaving[0]
            patience = min(last.shutdown, _MERCY) if last.state is State.STARTING else last.shutdown
            last.state, last.deadline = State.ENDING, now + patience
            steps.append((Step.ASK, last))
        if not (leaving and self._in_order):
            steps += self._starts(now)
        return steps

    def _overdue(self, now: float) -> list[tuple[Step, Member]]:
        overdue = [one for one in self.members if one.deadline is not None and one.deadline <= now]
        for member in overdue:
            member.deadline, member.overdue = None, True
        return [(Step.KILL, member) for member in overdue]

    def _starts(self, now: float) -> list[tuple[Step, Member]]:
        steps = []
        for member in self.members:
            if self._in_order and member.state is State.STARTING:
                break
            if member.state is State.WAITING:
                if member.not_before <= now:
                    member.state, member.deadline = State.STARTING, now + member.start_limit
                    member.begun, member.overdue = member.begun + 1, False
                    steps.append((Step.BEGIN, member))
                if self._in_order:
                    break
        return steps

    def next_moment(self, now: float) -> float | None:
        """When :meth:`next_steps` has something to do although nothing has happened."""
        moments = [one.deadline for one in self.members if one.deadline is not None]
        moments += [one.not_before for one in self.members if one.state is State.WAITING and one.not_before > now]
        return min(moments, default=None)
