"""Notes what makes an agent what it is, for the process that may take its place, and gives it its old addresses."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from typing import Any

from .._agent.agent import Agent
from .._agent.core import Core
from .._agent.timers import is_made_up
from .._clock import Deadline, monotonic
from .._io.errors import BindFailed
from .._memory import ALL_TIMERS, FIRED, Bound, Call, Memory, PlaceKey
from .._protocol.patterns.endpoint import Endpoint
from .._remote.packing import pack
from ..address import AgentAddress
from ..errors import Unpicklable

#: Methods that make an agent what it is when somebody calls them from outside.
CONFIGURING = frozenset(
    {
        'bind',
        'connect',
        'subscribe',
        'unsubscribe',
        'close',
        'close_all',
        'set_attr',
        'set_method',
        'set_logger',
        'each',
        'after',
        'stop_timer',
        'stop_all_timers',
        'add_instrument',
        'remove_instrument',
    }
)

# How long an address may be in use by a predecessor that is just dying, and how long until the next attempt.
_DYING = 2.0
_RETRY = 0.02
# How long the starter may take to take a note in; it has room for some hundred notes that nobody reads.
_PATIENCE = 1.0


class Recorder:
    """Stands beside one agent in its process. *tell* hands a note to the starter, within so many seconds, or fails."""

    def __init__(self, memory: Memory, tell: Callable[[Bound | Call, float], bool]) -> None:
        self.memory = memory
        self._tell = tell
        self._core: Core | None = None
        self._lock = threading.RLock()
        self._binds: dict[PlaceKey, int] = {}
        self._shots = {call.timer for call in memory.calls() if call.method == 'after'}
        self._patience = _PATIENCE
        self._warned = False

    def attach(self, core: Core) -> None:
        """Begin: *core* is the agent's."""
        self._core = core
        core.timers.on_fired = self._fired

    # -- Addresses ------------------------------------------------------------------------------------------------

    def bound(self, key: PlaceKey, make: Callable[[Any], Endpoint]) -> Endpoint:
        """Bind by *make*, which is given the address that this very bind gave out in the process before, if any."""
        with self._lock:
            number = self._binds.get(key, 0)
            kept = self.memory.place(key, number)
            try:
                endpoint = make(None) if kept is None else _bound_again(kept, make)
            except BindFailed as error:
                if kept is not None and _is_about(error, kept):
                    self._binds[key] = number + 1  # lost for good: the next one has an address of its own
                raise
            self._binds[key] = number + 1
            if _differ(kept, endpoint.address):
                self._note(Bound(key, number, endpoint.address), 'bind')
        return endpoint

    # -- Calls ----------------------------------------------------------------------------------------------------

    def record(self, request: bytes, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Note a call that came from outside, as *request*, and has succeeded."""
        if name == 'safe_call' and args:
            name, args = args[0], args[1:]
        if name not in CONFIGURING or self._core is None:
            return
        try:
            call = self._call(self._core, Call(name, request), args, kwargs, result)
        except Unpicklable as error:
            self._core.warn(f'{name}() will not be repeated if this agent is restarted: {error}')
            return
        self._note(call, name)
        if name == 'after' and call.timer is not None:
            self._shots.add(call.timer)
            if result not in self._core.timers.aliases():
                self._fired(result)

    def _call(self, core: Core, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call:
        """Add to *call* what tells whether a later one makes it superfluous; that is known of our own methods only."""
        agent, name = core.agent, call.method
        if not _is_ours(agent, name):
            return call
        if name in ('set_attr', 'set_method'):
            return call._replace(sets=_plainly_set(type(agent), args, kwargs))
        if name == 'set_logger':
            # The address, not the logger's proxy: asking a logger that is just being restarted would take its time.
            alias = args[1] if len(args) > 1 else kwargs.get('alias', '_logger')
            server = core.endpoints.find(alias).address.twin()
            return call._replace(packed=pack(('unsafe', (name, (server, alias), {}))))
        if name == 'stop_all_timers':
            return call._replace(timer=ALL_TIMERS)
        if name == 'stop_timer':
            return _about_timer(call, args[0] if args else kwargs['alias'])
        if name == 'after':
            call = call._replace(due=monotonic() + float(args[0] if args else kwargs['delay']))
        return _about_timer(call, result) if name in ('each', 'after') else call

    def _fired(self, alias: Any) -> None:
        """Note that a single shot has fired, if it was somebody outside who wanted it."""
        if self._shots:
            call = _about_timer(Call(FIRED), alias)
            if call.timer in self._shots:
                self._shots.discard(call.timer)
                self._note(call, 'after')

    def _note(self, note: Bound | Call, what: str) -> None:
        told = self._tell(note, self._patience)
        # Who does not listen is waited for once; then only what there is room for is noted.
        self._patience = _PATIENCE if told else 0.0
        if not told and not self._warned and self._core is not None:
            self._warned = True
            self._core.warn(f'{what}() may not be repeated if this agent is restarted: its starter does not listen')


def _bound_again(kept: Any, make: Callable[[Any], Endpoint]) -> Endpoint:
    """Bind to the address *kept*, for which a predecessor that is just dying is waited for."""
    deadline = Deadline(_DYING)
    while True:
        try:
            return make(kept)
        except BindFailed as error:
            if error.errno != errno.EADDRINUSE or not _is_about(error, kept):
                raise
            if deadline.expired:
                what = f'{error.what}; the agent had this address before it was restarted, and others look for it there'
                raise BindFailed(error.errno, what) from error
        threading.Event().wait(deadline.left_or(_RETRY))


def _is_about(error: BindFailed, kept: Any) -> bool:
    """Whether it is the address *kept* that cannot be had, and not another one that somebody has chosen now."""
    addresses = [kept] if isinstance(kept, AgentAddress) else [kept.receiver, kept.sender]
    places = [getattr(address.address, 'port', address.address) for address in addresses if address is not None]
    return any(str(place) in error.what for place in places)


def _is_ours(agent: Any, name: str) -> bool:
    """Whether the method *name* of *agent* is the library's own, so that it is known what comes of it."""
    its: Any = getattr(type(agent), name)
    ours: Any = getattr(Agent, name)
    return name not in vars(agent) and its is ours


def _differ(kept: Any, address: Any) -> bool:
    """Whether *address* is another one than *kept*; equal channels may have different identifiers."""
    return bool(kept != address or getattr(kept, 'uuid', None) != getattr(address, 'uuid', None))


def _about_timer(call: Call, alias: Any) -> Call:
    return call._replace(timer=pack(alias, 'the alias of a timer'), named=not is_made_up(alias))


def _plainly_set(cls: Any, functions: tuple[Any, ...], named: dict[str, Any]) -> frozenset[str]:
    """Return the names that set_attr or set_method has set, if that was all it did: properties may do more."""
    names = {*named, *(getattr(function, '__name__', '') for function in functions)}
    plain = cls.__setattr__ is object.__setattr__ and not any(
        hasattr(getattr(cls, name, None), '__set__') for name in names
    )
    return frozenset(names) if plain else frozenset()
