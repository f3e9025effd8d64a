"""Stand-ins for agents and name servers that live in other processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ._agent.core import core_of_this_thread
from ._agent.waiting import identity_of
from ._clock import Deadline
from ._config import config
from ._events import AgentEvent
from ._remote.addresses import nameserver_address
from ._remote.agent_link import AgentLink
from ._remote.errors import (
    AgentGone,
    AnotherCluster,
    ConnectionClosedError,
    NameTaken,
    NotAnswering,
    UnknownName,
    Unreachable,
)
from ._remote.link import Link, nameserver_link
from ._remote.locating import RETRY, locate_ns, pause
from ._remote.lookout import Lookout
from ._remote.obituaries import Obituary
from ._remote.servant import NEVER_SAFE
from ._remote.shutdown import ShutdownReport, shut_agents_down
from ._remote.status import AgentStatus
from ._remote.watching import Watch
from ._stats import AgentStats
from .address import SocketAddress
from .errors import HandlerInvalid, NotExposed, OptionInvalid, OsBrainError, WaitTimeout

__all__ = [
    'AgentEvent',
    'AgentGone',
    'AgentStatus',
    'AnotherCluster',
    'NSProxy',
    'NameTaken',
    'NotAnswering',
    'Obituary',
    'Proxy',
    'ShutdownReport',
    'UnknownName',
    'Unreachable',
    'Watch',
    'locate_ns',
]

NAMESERVER = 'Pyro.NameServer'
# Seconds that a name server may take to be gone once it was told to end, and between two looks whether it is.
_GONE = 2.0
_LOOK = 0.005

_P = TypeVar('_P', bound='_RemoteObject')


class _RemoteMethod:
    """One method of a remote object, ready to be called."""

    __slots__ = ('__name__', '_proxy')

    def __init__(self, proxy: _RemoteObject, name: str) -> None:
        self._proxy = proxy
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._proxy._call(self.__name__, args, kwargs)

    def __repr__(self) -> str:
        return f'<remote method {self.__name__} of {self._proxy!r}>'


class _RemoteObject:
    """What both proxies share: attributes and methods of the other end look like one's own."""

    _link: Link
    _nsaddr: SocketAddress

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _describe(self) -> str:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise NotExposed(self._describe(), name)
        if name in self._known_methods():
            return _RemoteMethod(self, name)
        try:
            is_method, value = self._link.call('read', name)
        except AttributeError:
            raise NotExposed(self._describe(), name) from None
        return _RemoteMethod(self, name) if is_method else value

    def _known_methods(self) -> frozenset[str]:
        if not self._link.methods:
            self._link.methods = frozenset(self._link.call('members')[0])
        return self._link.methods

    def __dir__(self) -> list[str]:
        try:
            methods, attributes = self._link.call('members', timeout=3.0)
        except OsBrainError:
            methods, attributes = [], []
        return sorted({*object.__dir__(self), *methods, *attributes})

    def release(self) -> None:
        """Close the connection; a later call makes a new one."""
        self._link.release()

    _pyroRelease = release  # noqa: N815  (the name that programs of 0.6.5 know)

    def nsaddr(self) -> SocketAddress:
        """Address of the name server through which this was found."""
        return self._nsaddr

    def __enter__(self: _P) -> _P:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def __ne__(self, other: object) -> bool:
        return not self == other


class Proxy(_RemoteObject):
    """Stands for an agent: its methods are called there, its public attributes read and set there.

    Parameters
    ----------
    name : str
        The agent's name.
    nsaddr
        Address of the name server; ``OSBRAIN_NAMESERVER_ADDRESS`` if there is none.
    timeout : float
        Seconds to wait for the agent to be registered; then the last error is raised (Pyro4's ``NamingError`` for an
        unknown name).
    safe : bool
        Whether methods run in the agent's loop, between messages (``config['SAFE']`` by default). :attr:`safe`,
        :attr:`unsafe` and :attr:`oneway` are views of the same agent in another mode.

    """

    _safe: bool
    _default_safe: bool
    _next_oneway: bool
    _name: str
    _timeout: float | None

    def __init__(self, name: str, nsaddr: Any = None, timeout: float = 3.0, safe: bool | None = None) -> None:
        address = nameserver_address(nsaddr)
        deadline = Deadline(timeout)
        locate_ns(address, 3.0)
        directory = nameserver_link(address)
        self._set(_name=name, _nsaddr=address, _link=directory)
        self._set_mode(config['SAFE'] if safe is None else safe)
        try:
            while True:
                try:
                    uri = directory.call('unsafe', 'lookup', (name,), {}, timeout=deadline.left_or(3.0) + RETRY)
                    self._set(_link=AgentLink(name, uri.asString(), address))
                    self._view(safe=False, timeout=deadline.left_or(3.0) + RETRY).ping()
                    return
                except Exception:
                    if deadline.expired:
                        raise
                pause(deadline)
        finally:
            directory.release()

    @classmethod
    def _at(cls, name: str, uri: str, nsaddr: SocketAddress, safe: bool | None) -> Proxy:
        """Make a proxy of an agent that is known to be there."""
        proxy = cls.__new__(cls)
        proxy._set(_name=name, _nsaddr=nsaddr, _link=AgentLink(name, uri, nsaddr))
        proxy._set_mode(config['SAFE'] if safe is None else safe)
        return proxy

    def _set_mode(self, safe: bool) -> None:
        self._set(_safe=safe, _default_safe=safe, _next_oneway=False, _timeout=None)

    def _view(self, *, safe: bool, oneway: bool = False, timeout: float | None = None) -> Any:
        """Return the same agent in another mode."""
        view = type(self).__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._set(_safe=safe, _next_oneway=oneway, _timeout=timeout)
        return view

    @property
    def safe(self) -> Any:
        """The agent with methods that run in its loop, between messages."""
        return self._view(safe=True)

    @property
    def unsafe(self) -> Any:
        """The agent with methods that run at once, beside whatever its loop is doing."""
        return self._view(safe=False)

    @property
    def oneway(self) -> Any:
        """The agent with methods that run at once and whose outcome nobody waits for."""
        return self._view(safe=False, oneway=True)

    # -- Calls ----------------------------------------------------------------------------------------------------

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name == 'set_method':
            self._link.methods = frozenset()
        if self._next_oneway:
            self._link.tell('unsafe', name, args, kwargs, timeout=self._timeout)
            return None
        if not self._safe or name in NEVER_SAFE:
            return self._link.call('unsafe', name, args, kwargs, timeout=self._timeout)
        core = core_of_this_thread()
        if core is None:
            return self._link.call('safe', name, args, kwargs, timeout=self._timeout)
        identity = identity_of(self._name, uri_object(self._link.uri))
        with core.waits.calling(identity, self._ask, core.mailbox.waiting) as waiting:
            return self._link.call('safe', name, args, kwargs, waiting, timeout=self._timeout)

    def _ask(self, those: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return self._link.call('path_to', those, timeout=1.0)  # type: ignore[no-any-return]
        except OsBrainError:
            return ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith('_'):
            raise NotExposed(self._name, name)
        self.set_attr(**{name: value})
        self._link.methods = frozenset()

    def wait_for_running(self: _P, timeout: float = 3.0) -> _P:
        """Return this proxy once the agent runs; ``TimeoutError`` after *timeout* seconds (negative: wait for ever)."""
        if not self._link.call('wait_for_running', timeout, timeout=None if timeout < 0 else timeout + 0.4):
            raise WaitTimeout('Timed out while waiting for the agent to be running', timeout)
        return self

    # -- As a value -----------------------------------------------------------------------------------------------

    def _describe(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self._name!r} at {self._nsaddr}>'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and (self._name, self._nsaddr) == (other._name, other._nsaddr)

    def __hash__(self) -> int:
        return hash((self._name, self._nsaddr))

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived_proxy, (type(self), self._name, self._link.uri, self._nsaddr, self._default_safe)


def _revived_proxy(cls: type[Proxy], name: str, uri: str, nsaddr: SocketAddress, safe: bool) -> Proxy:
    return cls._at(name, uri, nsaddr, safe)


def uri_object(uri: str) -> bytes:
    """Return the object identifier in a Pyro URI; an agent's own identifier."""
    return uri.partition(':')[2].partition('@')[0].encode()


class NSProxy(_RemoteObject):
    """Stands for a name server.

    *nsaddr* is its address (``OSBRAIN_NAMESERVER_ADDRESS`` if there is none); it must answer within *timeout* seconds,
    else ``TimeoutError``.
    """

    _owner: bool

    def __init__(self, nsaddr: Any = None, timeout: float = 3.0) -> None:
        address = nameserver_address(nsaddr)
        locate_ns(address, timeout)
        self._revive(address)

    def _revive(self, address: SocketAddress) -> None:
        self._set(_nsaddr=address, _link=nameserver_link(address), _owner=False)

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._link.call('unsafe', name, args, kwargs)

    def _describe(self) -> str:
        return NAMESERVER

    def addr(self, agent_alias: str | None = None, address_alias: str | None = None) -> Any:
        """Return the name server's own address; with both arguments, the address of an agent's socket."""
        if agent_alias is None and address_alias is None:
            return self._nsaddr
        if agent_alias is None or address_alias is None:
            raise OptionInvalid(
                'addr()', (agent_alias, address_alias), 'called with both an agent and an alias, or neither'
            )
        with self.proxy(agent_alias) as agent:
            return agent.addr(address_alias)

    def proxy(self, name: str, timeout: float = 3.0) -> Proxy:
        """Return a :class:`Proxy` of the agent *name*."""
        return Proxy(name, nsaddr=self.addr(), timeout=timeout)

    def stats(self, timeout: float = 1.0) -> dict[str, AgentStats | None]:
        """Return what each agent has done, by name; ``None`` for those that do not answer within *timeout* seconds."""
        with Lookout(self._nsaddr, timeout) as lookout:
            return {name: seen.stats for name, seen in lookout.look().agents.items()}

    def watch(self, callback: Callable[[AgentEvent], object]) -> Watch:
        """Call *callback* with each :class:`~osbrain.AgentEvent` from now on, each once, in order, from a thread.

        Returns what ends it: ``stop()``, or the end of a ``with`` block.
        """
        if not callable(callback):
            raise HandlerInvalid(callback, 'A callback takes the event')
        return Watch(self._nsaddr, callback)

    def shutdown_agents(self, timeout: float = 10.0, drain: float = 0.0, report: bool = False) -> ShutdownReport | None:
        """Ask every agent to shut down, kill what is left at half time, end the processes of those that do not react.

        Parameters
        ----------
        timeout : float
            Seconds in which no agent may be left; else ``TimeoutError``, which names those that are.
        drain : float
            Seconds for which an agent may go on handling what it had received already.
        report : bool
            Whether to return what was done.

        """
        done = shut_agents_down(self._link, self._nsaddr, timeout, drain)
        return done if report else None

    def shutdown(self, timeout: float = 10.0, drain: float = 0.0, report: bool = False) -> ShutdownReport | None:
        """:meth:`shutdown_agents`, then end the name server itself."""
        done = self.shutdown_agents(timeout, drain, report)
        # It may be gone already, or be a custom one that says so itself: what was wanted.
        with contextlib.suppress(ConnectionClosedError):
            self._link.call('unsafe', 'daemon_shutdown', (), {}, timeout=max(3.0, timeout))
        self._wait_gone(Deadline(_GONE))
        self.release()
        return done

    def _wait_gone(self, deadline: Deadline) -> None:
        """Wait until nobody answers at the address any more, so that what is looked for there next is not this one."""
        while not deadline.expired:
            link = nameserver_link(self._nsaddr)
            try:
                link.call('unsafe', 'ping', (), {}, timeout=_GONE)
            except OsBrainError:
                return
            finally:
                link.release()
            threading.Event().wait(_LOOK)

    def __exit__(self, *exc: object) -> None:
        try:
            if self._owner:
                self.shutdown()
        except Unreachable:
            # Somebody ended it before (Ctrl-C in a terminal reaches it too): nothing is left to be done.
            pass
        finally:
            self.release()

    def __repr__(self) -> str:
        return f'<{type(self).__name__} at {self._nsaddr}>'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NSProxy) and self._nsaddr == other._nsaddr

    def __hash__(self) -> int:
        return hash(self._nsaddr)

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotExposed(NAMESERVER, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived_nsproxy, (type(self), self._nsaddr)


def _revived_nsproxy(cls: type[NSProxy], address: SocketAddress) -> NSProxy:
    proxy = cls.__new__(cls)
    proxy._revive(address)
    return proxy
