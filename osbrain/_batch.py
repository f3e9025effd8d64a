"""Starting many agents at once: all of them run in the end, or none is left."""

from __future__ import annotations

import enum
import inspect
import multiprocessing.connection
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ._clock import Deadline
from ._config import config
from ._process import RUN_WAIT, AgentProcess, checked_care, free_names, refuse_taken_names, run_agent
from ._remote.addresses import nameserver_address
from ._specs import arguments_of, check_keys, listed, naming
from .address import SocketAddress
from .errors import NameInvalid, OptionInvalid, StartFailed, WaitTimeout
from .proxy import Proxy

__all__ = ['run_agents']

# Agents under way at a time, for each core. Each spends part of its start waiting for the name server and for its
# starter; with more than this, none comes sooner and each takes longer, which its time limits count.
_PER_CORE = 3
# When one fails: how long the others may take to be shut down, those under way to come so far that they can be, and
# how much longer for each of them (two cores shut down 150 in a second); then they are interrupted. How long they may
# take to end then, before they are killed.
_PATIENCE = 1.0
_EACH = 0.02
_MERCY = 2.0

# One name server for all: a batch that one of them does not take must be one that none takes.
_PARAMETERS = inspect.signature(run_agent).parameters
_KEYWORDS = tuple(name for name in _PARAMETERS if name != 'nsaddr')
_LIMITS = {name: _PARAMETERS[name].default for name in ('max_restarts', 'within')}


def run_agents(
    specs: Iterable[str | Mapping[str, Any]],
    nsaddr: Any = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[Proxy]:
    """Start many agents at once and return their proxies, in the order of *specs*, once all of them run.

    Parameters
    ----------
    specs : iterable
        For each agent its name, or a dictionary of arguments of :func:`run_agent` (all but ``nsaddr``).
    nsaddr
        Address of the name server of all of them, as for :func:`run_agent`.
    progress : callable
        Called with the number of agents that run and the number of all: before the first is started, and whenever one
        runs. What it raises ends the batch.

    All of them, or none: ``RuntimeError`` if one fails, with its name and the cause, once the others are shut down and
    all names are free; so too if *progress* raises, or at Ctrl-C. A mistake in *specs*, two equal names or a name that
    is taken is an error before anything is started.

    """
    if progress is not None and not callable(progress):
        raise OptionInvalid('progress', progress, 'a callable that takes two numbers')
    arguments = [_arguments(f'specs[{index}]', spec) for index, spec in enumerate(listed('specs', specs))]
    address = nameserver_address(nsaddr)
    starts = [_checked_start(f'specs[{index}]', address, given) for index, given in enumerate(arguments)]
    _refuse_equal_names([start.process.agent_name for start in starts])
    if starts:
        refuse_taken_names([start.process.agent_name for start in starts], address)
    _Batch(starts, address, progress or _ignore).run()
    for start in starts:
        start.care()
    return [Proxy._at(start.process.name, start.process.uri, address, start.safe) for start in starts]


def _ignore(done: int, total: int) -> None:
    pass


# -- What is asked for --------------------------------------------------------------------------------------------


def _arguments(where: str, spec: Any) -> dict[str, Any]:
    """Return the arguments of :func:`run_agent` that *spec* stands for."""
    arguments = arguments_of(where, spec)
    check_keys(where, arguments, _KEYWORDS)
    return arguments


def _checked_start(where: str, address: SocketAddress, arguments: dict[str, Any]) -> _Start:
    safe = arguments.pop('safe', None)
    restart, limits = arguments.pop('restart', None), [arguments.pop(*one) for one in _LIMITS.items()]
    with naming(where):
        process = AgentProcess(nsaddr=address, **arguments)
        care = checked_care(process, restart, *limits)
    process.run_at_once = True
    return _Start(where, process, safe, care)


def _refuse_equal_names(names: list[str]) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name and first.setdefault(name, index) != index:
            raise NameInvalid(name, f'specs[{first[name]}] and specs[{index}] both ask for it')


# -- How it is started --------------------------------------------------------------------------------------------


class _Stage(enum.Enum):
    BEGUN = enum.auto()
    REGISTERED = enum.auto()
    RUNNING = enum.auto()
    FAILED = enum.auto()


class _Start:
    """One agent on its way."""

    def __init__(
        self, where: str, process: AgentProcess, safe: bool | None, care: Callable[[], None] = lambda: None
    ) -> None:
        self.where = where
        self.process = process
        self.safe = safe
        #: Has it started again from now on, if that was asked for.
        self.care = care
        self.stage = _Stage.BEGUN
        self.deadline = Deadline(None)

    @property
    def under_way(self) -> bool:
        return self.stage in (_Stage.BEGUN, _Stage.REGISTERED)

    @property
    def sources(self) -> list[Any]:
        """What tells how it goes on with the agent; in the end, only whether it has ended."""
        return self.process.sources if self.under_way else [self.process.sentinel]

    def begin(self) -> None:
        """Start the process; its time begins now."""
        self.process.begin()
        self.deadline = Deadline(config['START_TIMEOUT'])

    def hear(self) -> None:
        """Take in what the process has said."""
        if self.process.hear() is None:
            return
        if self.stage is _Stage.BEGUN:
            self.stage, self.deadline = _Stage.REGISTERED, Deadline(RUN_WAIT)
        else:
            self.stage = _Stage.RUNNING

    def overdue(self) -> Exception:
        """Return the error for an agent whose time is over."""
        if self.stage is _Stage.REGISTERED:
            return WaitTimeout('Timed out while waiting for the agent to be running', RUN_WAIT)
        return self.process.given_up(self.process.silent(self.deadline.seconds))

    def end(self) -> None:
        """Ask the agent to shut down if it runs; break into whatever it is doing if it does not."""
        if self.stage is _Stage.RUNNING:
            self.process.ask_to_end()
        else:
            self.process.interrupt()


class _Batch:
    """Starts agents, a few at a time: all from one thread, because forking beside threads of our own is dangerous."""

    def __init__(self, starts: list[_Start], address: SocketAddress, progress: Callable[[int, int], object]) -> None:
        self._address = address
        self._total = len(starts)
        self._queue = deque(starts)
        self._begun: list[_Start] = []
        self._failures: list[tuple[_Start, Exception]] = []
        self._progress = progress
        self._window = _PER_CORE * _cores()

    def run(self) -> None:
        """Start all and return when they run; whatever goes wrong, nothing is left of any."""
        try:
            self._progress(0, self._total)
            self._start_all()
            self._raise_failure()
        except BaseException:
            self._undo()
            raise

    def _start_all(self) -> None:
        under_way: list[_Start] = []
        done = 0
        while (self._queue or under_way) and not self._failures:
            while self._queue and len(under_way) < self._window and not self._failures:
                under_way.append(self._begin(self._queue.popleft()))
            limits = [left for start in under_way if (left := start.deadline.left) is not None]
            self._listen(under_way, min(limits, default=None))
            for start in [start for start in under_way if start.stage is _Stage.RUNNING]:
                under_way.remove(start)
                done += 1
                self._progress(done, self._total)

    def _begin(self, start: _Start) -> _Start:
        # Noted first: an interrupt that was held acts as soon as the process is there.
        self._begun.append(start)
        try:
            start.begin()
        except Exception as error:
            self._fail(start, error)
        return start

    def _listen(self, starts: list[_Start], seconds: float | None) -> None:
        """Wait until there is news of some of *starts*, and take it in."""
        told = {source: start for start in starts if start.process.pid for source in start.sources}
        ready = {told[source] for source in multiprocessing.connection.wait(told, seconds)}
        for start in starts:
            if start.under_way and start in ready:
                try:
                    start.hear()
                except Exception as error:
                    self._fail(start, error)
            elif start.under_way and start.deadline.expired:
                self._fail(start, start.overdue())

    def _fail(self, start: _Start, error: Exception) -> None:
        start.stage = _Stage.FAILED
        self._failures.append((start, error))

    # -- When one fails -------------------------------------------------------------------------------------------

    def _raise_failure(self) -> None:
        """If one has failed, end the others and raise the error for the first."""
        if not self._failures:
            return
        self._undo()
        (start, error), *others = self._failures
        name = start.process.agent_name or start.where
        also = f', and {len(others)} more' if others else ''
        cause = error.report if isinstance(error, StartFailed) else f'{type(error).__name__}: {error}'
        summary = f'Of {self._total} agents, {name!r} could not be started{also}; none is left.'
        raise StartFailed(f'{summary}\n{cause}', name) from error

    def _undo(self) -> None:
        """End whatever was begun; when this returns, the processes are gone and their names are free."""
        begun = [start for start in self._begun if start.process.pid]
        if not begun:
            return
        try:
            self._end(begun)
        finally:
            for start in begun:
                start.process.force_end()
            for start in begun:
                start.process.join(_MERCY)
            free_names([start.process for start in begun], self._address)
        self._begun.clear()

    def _end(self, begun: list[_Start]) -> None:
        """Shut down those that run, and those under way when they do; interrupt those that take too long."""
        patience = Deadline(_PATIENCE + _EACH * len(begun))
        asked: set[_Start] = set()
        while (left := [start for start in begun if start.process.is_alive()]) and not patience.expired:
            for start in left:
                if start not in asked and not start.under_way:
                    asked.add(start)
                    start.end()
            self._listen(left, patience.left)
        for start in left:
            start.process.interrupt()
        mercy = Deadline(_MERCY)
        for start in left:
            start.process.join(mercy.left)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
