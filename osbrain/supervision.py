"""Supervisors: agents that start other agents, and start them again when they die."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._agent.agent import Agent
from ._agent.core import core_of
from ._children import Child, Plan, checked_child
from ._process import refuse_taken_names, wait_until_it_runs
from ._remote.addresses import nameserver_address
from ._supervision.group import Group, Member, State
from ._supervision.watcher import Watcher, watcher_of_this_process
from .errors import NameInvalid, OptionInvalid, RestartsExceeded, StartFailed, UnknownChild
from .proxy import Proxy

__all__ = ['ChildStatus', 'Supervisor', 'run_supervisor']


@dataclass(frozen=True)
class ChildStatus:
    """One child of a supervisor.

    ``state`` is ``'running'``, ``'waiting'`` (for its next start), ``'starting'``, ``'ending'`` or ``'ended'`` (for
    good, or until ``restart_child``).
    """

    name: str
    state: str
    #: Process identifier, ``None`` when there is no process.
    pid: int | None
    #: How often it was started again.
    restarts: int
    #: ``'permanent'``, ``'transient'`` or ``'temporary'``.
    restart: str
    #: ``'worker'`` or ``'supervisor'``.
    kind: str


class Supervisor(Agent):
    """An agent that keeps its children running; :func:`run_supervisor` starts it.

    Its methods can be called through a proxy. Those that start or end a child return when that is done.
    """

    # Their work is done in another thread, which has its own order: the agent can be pinged and shut down meanwhile.
    _never_safe = frozenset(
        {
            'count_children',
            'delete_child',
            'restart_child',
            'start_child',
            'terminate_child',
            'which_children',
        }
    )
    _plan: Plan
    __group: Group
    __watcher: Watcher

    def on_init(self) -> None:
        """Start the children, in order; if one cannot be started, none is left."""
        if not hasattr(self, '_plan'):
            raise OptionInvalid('base', type(self).__name__, 'used with children: see run_supervisor()')
        plan = self._plan
        self.__group = group = plan.group(self.name)
        self.__watcher = watcher = watcher_of_this_process()
        for child in plan.children:
            group.add(child.member(plan.nsaddr, Supervisor))
        members = list(group.members)
        core_of(self).belongings.append(self.__leave)
        watcher.watch(group, self.__given_up)
        watcher.carry_out(_nothing, lambda: group.settled)
        self.__raise_failure()
        for member in members:
            if member.state is State.ENDED and member.on_trial and member.begun:
                summary = f'Of {len(members)} children of {self.name!r}, {member.name!r} could not be started'
                raise StartFailed(f'{summary}; none is left.\n{member.report}', member.name)

    def __leave(self) -> None:
        """End the children; nobody is left who would have a use for what was saved of their state."""
        self.__watcher.leave(self.__group)
        for member in self.__group.members:
            member.process.memory.discard_state()

    def run(self) -> None:
        """Run the loop in this thread until it ends."""
        self.__raise_failure()
        super().run()

    def __raise_failure(self) -> None:
        if self.__group.failure is not None:
            raise self.__group.failure

    def __given_up(self, error: RestartsExceeded) -> None:
        lifeline = core_of(self).lifeline
        if lifeline is not None:  # else on_init still runs, and raises it
            lifeline.fail(error)

    # -- What is asked through proxies ----------------------------------------------------------------------------

    def which_children(self) -> list[ChildStatus]:
        """Return what is known of each child, in the order of their start."""
        return self.__ask(lambda: [_status(member) for member in self.__group.members])  # type: ignore[no-any-return]

    def count_children(self) -> dict[str, int]:
        """Return counts: ``specs`` of all children, ``active`` ones, ``supervisors`` and ``workers``."""
        children = self.which_children()
        return {
            'specs': len(children),
            'active': len([child for child in children if child.pid is not None]),
            'supervisors': len([child for child in children if child.kind == 'supervisor']),
            'workers': len([child for child in children if child.kind == 'worker']),
        }

    def terminate_child(self, name: str) -> None:
        """End a child and leave it so; a temporary one is forgotten."""
        member = self.__member(name)
        self.__ask(lambda: self.__group.end(member), lambda: member.state is State.ENDED)
        if member.restart == 'temporary':
            self.__ask(lambda: self.__group.forget(member))

    def restart_child(self, name: str) -> None:
        """Start a child again that has ended; ``RuntimeError`` with the cause if that fails, and it has ended then."""
        self.__start(self.__member(name))

    def start_child(self, spec: str | Mapping[str, Any]) -> Proxy:
        """Have one more child, the last in order, and return its proxy once it runs.

        ``RuntimeError`` with the cause if it cannot be started; it is no child then.
        """
        plan = self._plan
        child = checked_child('spec', spec, plan.nsaddr)
        self.__refuse_known(child)
        refuse_taken_names(list(child.names()), plan.nsaddr)
        member = child.member(plan.nsaddr, Supervisor)
        member.state = State.ENDED
        self.__ask(lambda: self.__group.add(member))
        try:
            self.__start(member)
        except StartFailed:
            self.__ask(lambda: self.__group.forget(member))
            raise
        return Proxy._at(member.name, member.process.uri, plan.nsaddr, None)

    def delete_child(self, name: str) -> None:
        """Forget a child that has ended."""
        member = self.__member(name)

        def forget() -> None:
            _refuse_unless_ended(member, 'delete_child')
            self.__group.forget(member)

        self.__ask(forget)

    # -- How it is done -------------------------------------------------------------------------------------------

    def __ask(self, act: Callable[[], Any], until: Callable[[], bool] = lambda: True) -> Any:
        return self.__watcher.carry_out(act, until)

    def __start(self, member: Member) -> None:
        def start() -> None:
            _refuse_unless_ended(member, 'restart_child')
            self.__group.start(member)

        self.__ask(start, lambda: not member.on_trial or member.state is State.ENDED)
        if member.on_trial:
            raise StartFailed(member.report, member.name)

    def __member(self, name: str) -> Member:
        members: list[Member] = self.__ask(lambda: list(self.__group.members))
        for member in members:
            if member.name == name:
                return member
        raise UnknownChild(name, self.name, tuple(member.name for member in members))

    def __refuse_known(self, child: Child) -> None:
        if any(one.name == child.name for one in self.which_children()):
            raise NameInvalid(child.name, f'supervisor {self.name!r} has a child of this name')


def _nothing() -> None:
    pass


def _refuse_unless_ended(member: Member, method: str) -> None:
    if member.state is not State.ENDED:
        expected = 'called for a child that has ended (see terminate_child())'
        raise OptionInvalid(f'{method}()', f'{member.name!r}, which is {member.state.value}', expected)


def _status(member: Member) -> ChildStatus:
    pid = member.process.pid if member.alive else None
    return ChildStatus(member.name, member.state.value, pid, member.restarts, member.restart.value, member.kind)


def run_supervisor(
    name: str,
    children: Iterable[str | Mapping[str, Any]],
    strategy: str = 'one_for_one',
    max_restarts: int = 3,
    within: float = 5.0,
    nsaddr: Any = None,
    addr: Any = None,
    base: type[Supervisor] = Supervisor,
    safe: bool | None = None,
    attributes: dict[str, Any] | None = None,
    on_error: str | None = None,
    advertise: str | None = None,
) -> Proxy:
    """Start a supervisor, which starts its children in order, and return its proxy once all of them run.

    Parameters
    ----------
    name : str
        The supervisor's name: it is an agent too.
    children : iterable
        For each child its name, or a dictionary of arguments of :func:`osbrain.run_agent` (not ``nsaddr``, ``safe`` and
        limits). Beside these, ``restart`` says whether it is started again: ``'permanent'`` (always, the default),
        ``'transient'`` (if it died by a failure or a signal) or ``'temporary'`` (never); ``shutdown`` is the number of
        seconds that it may take to end before it is killed (5). A dictionary with ``children``, and perhaps
        ``strategy``, ``max_restarts`` and ``within``, is a supervisor below this one.
    strategy : str
        Who is started again when a child dies: it alone (``'one_for_one'``), all (``'one_for_all'``), or it and those
        that were started after it (``'rest_for_one'``).
    max_restarts, within : int, float
        More restarts than *max_restarts* within so many seconds, and the supervisor gives up: it ends its children and
        itself. Its own supervisor decides then; if it has none, the error is printed.
    nsaddr, addr, safe, attributes, on_error, advertise
        As for :func:`osbrain.run_agent`; all agents of the tree join the same name server.
    base : type
        The supervisor's class.

    ``RuntimeError`` with its name and the cause if a child cannot be started; none is left then. A mistake in the
    arguments, two equal names or one that is taken is an error before anything is started.

    """
    address = nameserver_address(nsaddr)
    arguments = {'name': name, 'addr': addr, 'base': base, 'attributes': attributes, 'on_error': on_error}
    limits = {'children': children, 'strategy': strategy, 'max_restarts': max_restarts, 'within': within}
    supervisor = checked_child('', {**arguments, 'advertise': advertise, **limits}, address)
    refuse_taken_names(list(supervisor.names()), address)
    process = supervisor.process(address, base)
    try:
        process.launch(supervisor.start_limit)
        wait_until_it_runs(process, address)
    except StartFailed as failed:
        cause = failed.__cause__
        if isinstance(cause, (StartFailed, RestartsExceeded)):
            # What is wrong is a child, not where in the supervisor that was noticed.
            raise StartFailed(cause.report, cause.name if isinstance(cause, StartFailed) else name) from failed
        raise
    return Proxy._at(process.name, process.uri, address, safe)
