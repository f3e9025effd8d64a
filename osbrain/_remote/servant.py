"""Answers calls from other processes: in the agent's loop where they are safe, at once where they are not."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from .._agent.agent import Agent
from .._agent.calls import MethodFailed, call_method, find_method
from .._agent.core import core_of
from .._agent.description import describe
from .._agent.recent import LogNews
from .._agent.stats import stats_of
from .._descriptions import AgentDescription
from .._stats import AgentStats
from ..errors import ArgumentsInvalid, NobodyRestarts, NotExposed, UnknownMethod
from .checkup import Checkup, checkup
from .packing import pack_failure, pack_result, unpack
from .rendering import Rendered, rendered

# Answered at once whatever the mode, so that they answer when the agent is busy or has stopped.
NEVER_SAFE = frozenset({'run', 'get_attr', 'kill', 'safe_call', 'is_running', 'wait_for_subscribers'})
# Answered even while a handler waits inside recv or send.
_URGENT = frozenset({'ping', 'shutdown'})


class Servant:
    """What a daemon serves: one method, which unpacks a request and packs the answer."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def answer(self, request: bytes) -> bytes:
        """Serve one packed request."""
        try:
            op, args = unpack(request)
            return pack_result(self._operation(op)(*args))
        except MethodFailed as failure:
            return pack_failure(failure.error, failure.text)
        except BaseException as error:
            return pack_failure(error)

    def _operation(self, op: str) -> Callable[..., Any]:
        found: Callable[..., Any] | None = getattr(self, f'op_{op}', None)
        if found is None:
            raise UnknownMethod('(remote)', op)
        return found

    def op_unsafe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method in this thread."""
        return find_method(self._target, name)(*args, **kwargs)

    def op_kill(self) -> None:
        """End the target at once."""
        self._target.kill()

    def op_checkup(self) -> Checkup:
        """Return the versions, the place and the clock of this process."""
        return checkup()

    def op_read(self, name: str) -> tuple[bool, Any]:
        """Whether *name* is a method, and its value if it is not."""
        value = getattr(self._target, name)
        return (True, None) if callable(value) and not isinstance(value, type) else (False, value)

    def op_members(self) -> tuple[list[str], list[str]]:
        """Names of the public methods and of the public attributes."""
        methods: list[str] = []
        attributes: list[str] = []
        for name in dir(self._target):
            if not name.startswith('_'):
                is_method = callable(inspect.getattr_static(self._target, name, None)) or callable(
                    getattr(type(self._target), name, None)
                )
                (methods if is_method else attributes).append(name)
        return methods, attributes


#: Told of a call that has succeeded: the request, the method's name, arguments and result.
Record = Callable[[bytes, str, tuple[Any, ...], dict[str, Any], Any], None]

_this_thread = threading.local()


class AgentServant(Servant):
    """Answers for an agent. *run* has the process's main thread run it; *record* is told of what was called."""

    def __init__(self, agent: Agent, run: Callable[[], None], record: Record | None = None) -> None:
        super().__init__(agent)
        self._core = core_of(agent)
        self._run = run
        self._never_safe = NEVER_SAFE | getattr(type(agent), '_never_safe', frozenset())
        self._record = record

    def answer(self, request: bytes) -> bytes:
        """As every servant; where calls are recorded, their requests are kept as they came."""
        if self._record is not None:
            _this_thread.request = request
        return super().answer(request)

    def op_safe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], waiting: tuple[str, ...] = ()) -> Any:
        """Call a method in the loop, between messages; *waiting* says who waits for the answer."""
        if name in self._never_safe:
            return self.op_unsafe(name, args, kwargs)
        core = self._core
        action = partial(call_method, core.agent, name, args, kwargs)
        if self._record is not None:
            action = partial(self._recorded, _this_thread.request, action, name, args, kwargs)
        job = core.mailbox.submit(action, name in _URGENT, waiting)
        try:
            core.waits.refuse_circle(waiting)
        except BaseException:
            core.mailbox.withdraw(job)
            raise
        return job.wait()

    def op_unsafe(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method in this thread; ``run`` always runs in the main thread."""
        if name == 'run':
            self._run()
            return None
        if self._record is None:
            return super().op_unsafe(name, args, kwargs)
        action = partial(super().op_unsafe, name, args, kwargs)
        return self._recorded(_this_thread.request, action, name, args, kwargs)

    def _recorded(
        self, request: bytes, action: Callable[[], Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record what *action* does if it succeeds: at once, so that what is answered is remembered, in its order."""
        result = action()
        if self._record is not None:
            self._record(request, name, args, kwargs, result)
        return result

    def op_stats(self) -> AgentStats:
        """Return what the agent has done until now; its class may have methods of any name."""
        return stats_of(self._core)

    def op_describe(self) -> AgentDescription:
        """Tell what the agent is and can be asked to do, also while it is busy."""
        return describe(self._core)

    def op_path_to(self, those: tuple[str, ...]) -> tuple[str, ...]:
        """Return the agents between this one and one of *those*, if it waits for any of them."""
        return self._core.waits.path_to(those)

    def op_wait_for_running(self, seconds: float | None) -> bool:
        """Whether the agent runs within *seconds*."""
        return self._core.wait_for_running(seconds)

    # -- Steering from outside (osbrain._steering) ------------------------------------------------------------------

    def op_call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], safe: bool) -> Rendered:
        """Call a method for somebody who may have neither its classes nor its signature at hand."""
        if name.startswith('_'):
            raise NotExposed(self._core.name, name)
        _check_arguments(self._core.name, name, find_method(self._target, name), args, kwargs)
        return rendered((self.op_safe if safe else self.op_unsafe)(name, args, kwargs))

    def op_kind_of(self, name: str) -> str:
        """Return what *name* is, ``'method'``, ``'attribute'`` or ``''``, without running anything of the agent's."""
        nothing = object()
        found = inspect.getattr_static(self._target, name, nothing)
        if found is nothing:
            return ''
        return 'method' if inspect.isroutine(found) else 'attribute'

    def op_stop(self, seconds: float) -> tuple[bool, bool]:
        """End the loop after what it is doing now: whether it did run, and whether it has ended within *seconds*."""
        core = self._core
        with core.changed:
            ran = core.running
            core.stop()
            return ran, core.changed.wait_for(lambda: not core.running, seconds)

    def op_renew(self) -> None:
        """End the agent so that its starter starts it again; :class:`NobodyRestarts` if it would not."""
        core = self._core
        if core.lifeline is None:
            raise NobodyRestarts(core.name)
        core.lifeline.renew()
        if core.running:
            core.mailbox.submit(lambda: call_method(core.agent, 'shutdown', (), {}), urgent=True)
        elif not core.ending:  # else it is on its way, and may be saving its state
            core.agent.kill()

    def op_logs(self, after: int, level: str | None, seconds: float) -> LogNews:
        """Return what the agent has logged after line *after*, as soon as there is something, or after *seconds*."""
        return self._core.recent.after(after, level, seconds)

    def op_end(self, drain: float) -> None:
        """Shut the agent down if it runs, kill it if it does not; does not wait for either."""
        core = self._core
        core.drain = drain
        core.ordered = True
        if core.running:
            core.mailbox.submit(lambda: call_method(core.agent, 'shutdown', (), {}), urgent=True)
        elif not core.ending:  # else it is on its way, and may be saving its state
            core.agent.kill()

    def op_kill(self) -> None:
        """Kill the agent, in the name of whoever runs the whole system."""
        self._core.ordered = True
        super().op_kill()


def _check_arguments(
    agent: str, name: str, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return  # What is written in C does not always say what it takes.
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentsInvalid(agent, name, str(signature), str(error)) from None
