"""What children a supervisor is asked for: checked as a whole tree, before anything of it is started."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ._agent.agent import Agent
from ._config import config
from ._memory import Memory
from ._process import AgentProcess
from ._remote.status import Succession
from ._specs import arguments_of, check_keys, listed, naming
from ._supervision.group import Group, Member
from ._supervision.intensity import Intensity, checked_limits, checked_patience
from ._supervision.restarts import Restart, checked_restart
from ._supervision.strategy import Strategy, checked_strategy
from .address import SocketAddress
from .errors import NameInvalid

# Seconds that a child may take to end once it is asked to, and a supervisor beside what its children may take.
_SHUTDOWN = 5.0
# Seconds that a name may be still in use when its agent is started: when a supervisor is killed, its children end by
# themselves, while its successor starts new ones.
_PATIENCE = 5.0

_OF_AGENTS = tuple(name for name in inspect.signature(AgentProcess).parameters if name not in ('nsaddr', 'memory'))
_OF_CHILDREN = (*_OF_AGENTS, 'restart', 'shutdown')
_OF_SUPERVISORS = ('children', 'strategy', 'max_restarts', 'within')


@dataclass(frozen=True)
class Plan:
    """What a supervisor is to do."""

    children: tuple[Child, ...]
    strategy: Strategy
    max_restarts: int
    within: float
    nsaddr: SocketAddress

    def group(self, name: str) -> Group:
        """Make a group, without members yet, of the supervisor *name*."""
        return Group(name, self.strategy, Intensity(self.max_restarts, self.within))


@dataclass(frozen=True)
class Child:
    """One child: arguments of its process, and the plan that it follows if it is a supervisor itself."""

    name: str
    arguments: dict[str, Any]
    restart: Restart
    shutdown: float
    plan: Plan | None

    def names(self) -> Iterator[str]:
        """Yield the names of this child and of all below it."""
        yield self.name
        for child in self.plan.children if self.plan else ():
            yield from child.names()

    def process(self, nsaddr: SocketAddress, supervisor: type[Agent]) -> AgentProcess:
        """Make its process, not started yet; *supervisor* is the class of those below that name none."""
        arguments = dict(self.arguments)
        if self.plan is not None:
            arguments.setdefault('base', supervisor)
            arguments['attributes'] = {**(arguments.get('attributes') or {}), '_plan': self.plan}
        process = AgentProcess(nsaddr=nsaddr, **arguments)
        process.run_at_once = True
        return process

    def member(self, nsaddr: SocketAddress, supervisor: type[Agent]) -> Member:
        """Make it a member of its supervisor's group."""
        kind = 'worker' if self.plan is None else 'supervisor'
        process = self.process(nsaddr, supervisor)
        process.ends_with_loop, process.memory = True, Memory()
        process.succession = Succession(patience=_PATIENCE)
        return Member(self.name, process, self.restart, self.shutdown, self.start_limit, kind)

    @property
    def start_limit(self) -> float:
        """Seconds until it runs: each below it has its own time, one after the other."""
        return float(config['START_TIMEOUT']) * len(list(self.names()))


def checked_child(where: str, spec: Any, nsaddr: SocketAddress) -> Child:
    """Return the child that *spec* stands for; errors of the caller's say *where* in the tree it is wrong."""
    given = arguments_of(where, spec)
    check_keys(where, given, (*_OF_CHILDREN, *_OF_SUPERVISORS) if 'children' in given else _OF_CHILDREN)
    with naming(where):
        child = _child(where, given, nsaddr)
        child.process(nsaddr, Agent)
    if not child.name:
        raise NameInvalid(child.name, f'a supervised agent is called by its name ({where})')
    _refuse_equal_names(child.names())
    return child


def _child(where: str, given: dict[str, Any], nsaddr: SocketAddress) -> Child:
    plan = _plan(where, given, nsaddr) if 'children' in given else None
    below = 0.0 if plan is None else sum(child.shutdown for child in plan.children)
    restart = checked_restart(given.pop('restart', Restart.PERMANENT))
    shutdown = checked_patience(given.pop('shutdown', _SHUTDOWN + below))
    return Child(given.get('name') or '', given, restart, shutdown, plan)


def _plan(where: str, given: dict[str, Any], nsaddr: SocketAddress) -> Plan:
    children = listed('children', given.pop('children'))
    strategy = checked_strategy(given.pop('strategy', Strategy.ONE_FOR_ONE))
    limits = checked_limits(given.pop('max_restarts', 3), given.pop('within', 5.0))
    within = f'{where}.' if where else ''
    found = [checked_child(f'{within}children[{index}]', spec, nsaddr) for index, spec in enumerate(children)]
    return Plan(tuple(found), strategy, *limits, nsaddr)


def _refuse_equal_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise NameInvalid(name, 'two agents of the same tree ask for it')
        seen.add(name)
