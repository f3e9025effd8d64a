"""Repeats on an agent what others had configured on the one whose place it takes."""

from __future__ import annotations

import contextlib
from typing import Any

from .._agent.calls import find_method
from .._agent.core import Core
from .._clock import monotonic
from .._failures import text_of
from .._memory import Call, Memory
from .._remote.packing import unpack
from ..errors import UnknownAlias, UnknownTimer, UnknownTopic

# What undoes something that is not there leaves the agent as it was left before.
_NOTHING_TO_UNDO: dict[str, tuple[type[Exception], ...]] = {
    'close': (UnknownAlias,),
    'stop_timer': (UnknownTimer,),
    'unsubscribe': (UnknownAlias, UnknownTopic),
}
# Which argument of connect() says how long somebody may take to be there.
_READY = 3


def replay(core: Core, memory: Memory) -> None:
    """Repeat the calls in *memory*, in order; one that fails now is logged, and the others go on."""
    for call in memory.calls():
        try:
            _repeat(core.agent, call)
        except Exception as error:
            core.counters['errors'] += 1
            core.log(
                'ERROR',
                f'{call.method}(), which was called before this agent was restarted, fails now: '
                f'{type(error).__name__}: {text_of(error)}',
            )
    if memory.forgotten:
        core.warn(f'{memory.forgotten} of the calls that configured this agent were too many to be remembered')


def _repeat(agent: Any, call: Call) -> None:
    name, args, kwargs = call.method, *_arguments(call)
    with contextlib.suppress(*_NOTHING_TO_UNDO.get(name, ())):
        find_method(agent, name)(*args, **kwargs)


def _arguments(call: Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments for a repeated *call*: as they were, but for what is about time."""
    if call.method == 'stop_timer' and call.timer is not None:
        return (unpack(call.timer),), {}
    _, (name, args, kwargs, *_) = unpack(call.packed)
    if name == 'safe_call':
        args = args[1:]
    if call.method in ('each', 'after') and call.timer is not None:
        # Under the alias that its caller knows, chosen or not.
        kwargs = {**kwargs, 'alias': unpack(call.timer)}
    if call.due is not None:
        left = max(0.0, call.due - monotonic())
        args, kwargs = ((left, *args[1:]), kwargs) if args else (args, {**kwargs, 'delay': left})
    if call.method == 'connect':
        # Who was there then may be on its way back now; whenever it is there, the connection is made.
        args = (*args[:_READY], None, *args[_READY + 1 :]) if len(args) > _READY else args
        kwargs = {key: value for key, value in kwargs.items() if key != 'ready'}
    return tuple(args), kwargs
