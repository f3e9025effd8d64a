"""The agent's surface: many methods, each a few lines; the work is done in the rooms beside this one."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from .._config import get_linger
from .._failures import with_text
from .._ids import unique_identifier
from .._protocol.handlers import bound_call
from .._protocol.patterns.pub_sub import Sub
from ..address import AgentAddress, AgentChannel
from ..errors import AttributeTaken, HandlerInvalid, KindUnsupported, LoggerInvalid, UnknownMethod
from . import wiring
from .calls import MethodFailed, call_method
from .core import Core, core_of_this_thread
from .private_names import PrivateNames

#: The two in-process addresses that every running agent has; calls of other threads go through the mailbox instead.
_LOOPBACKS = ('loopback', '_loopback_safe')


class Agent(PrivateNames):
    """A process of its own with a name, that talks to others through sockets and is configured through proxies.

    Parameters
    ----------
    name : str
        A unique text is made up if it is empty.
    host : str
        Interface of tcp sockets for which none is given; ``127.0.0.1`` if empty.
    serializer, transport : str
        Defaults for this agent's sockets; :data:`osbrain.config` decides where they are ``None``.
    attributes : dict
        Set on the agent before :meth:`on_init`; a name that the agent already has is a ``KeyError``.

    """

    _poll_timeout = 1000
    _DEBUG = False

    def __init__(
        self,
        name: str = '',
        host: str | None = None,
        serializer: str | None = None,
        transport: str | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self._uuid = unique_identifier()
        self.name = name or self._uuid.decode()
        self._host = host or '127.0.0.1'
        self._serializer = serializer
        self._transport = transport
        self.__core = Core(self, self.name, self._uuid)
        for key, value in (attributes or {}).items():
            if hasattr(self, key):
                raise AttributeTaken(key)
            setattr(self, key, value)
        self.on_init()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Travel as a proxy: an agent stays where it is, and whoever gets it can call it (unsafely, as in 0.6.5)."""
        lifeline = self.__core.lifeline
        return super().__reduce_ex__(protocol) if lifeline is None else lifeline.stand_in()

    # -- Hooks ----------------------------------------------------------------------------------------------------

    def on_init(self) -> None:
        """Run once in the agent's process when everything else is ready; override to bind, connect and set timers."""

    def before_loop(self) -> None:
        """Run in the loop's thread just before the first message; override at will."""

    def idle(self) -> None:
        """Run whenever nothing happened for a poll timeout (``_poll_timeout``, milliseconds); override at will."""

    # -- Sockets --------------------------------------------------------------------------------------------------

    def bind(
        self,
        kind: str,
        alias: Any = None,
        handler: Any = None,
        addr: Any = None,
        transport: str | None = None,
        serializer: str | None = None,
        advertise: str | None = None,
    ) -> AgentAddress | AgentChannel:
        """Open a server socket (or channel) and return its address, for others to connect to.

        Parameters
        ----------
        kind : str
            ``PUSH``, ``PULL``, ``REQ``, ``REP``, ``PUB``, ``SUB``, or the channels ``ASYNC_REP`` and ``SYNC_PUB``.
        alias : str
            Name for the socket inside this agent. Bound anew, it names the new socket; the old one is known by its
            address only, and closed once several of its kind are there and nobody is connected to it.
        handler
            What to call with each message: function of agent and message, method, its name. Kinds that receive need
            one; ``PULL`` takes a list of them, ``SUB`` a dictionary from topic to handler.
        addr
            tcp: host, ``host:port`` or an address (a free port is chosen without one); ipc, inproc: a name.
        transport, serializer : str
            ``tcp``, ``ipc``, ``inproc``; ``pickle``, ``cloudpickle``, ``dill``, ``json``, ``raw``.
        advertise : str
            tcp: the host to write into the address, where others reach this machine by another one than was bound.

        Errors: ``ValueError`` for an unknown kind, transport, serializer or a missing handler, ``TypeError`` for a
        handler of no accepted form, ``zmq.ZMQError`` for an address that cannot be had. Nothing is bound then.

        """
        return wiring.bind(self.__core, kind, alias, handler, addr, transport, serializer, advertise)

    def connect(
        self,
        server: AgentAddress | AgentChannel,
        alias: Any = None,
        handler: Any = None,
        ready: float | None = None,
    ) -> AgentAddress | AgentChannel:
        """Connect to what another agent (or this one) has bound; returns the client's address or channel.

        A subscriber returns when its subscription is live, or after ``config['CONNECT_WAIT']`` seconds, as the
        publisher may come later. With *ready* (seconds) it is an error (``TimeoutError``) if nobody is there by then.
        """
        return wiring.connect(self.__core, server, alias, handler, ready)

    def addr(self, alias: Any) -> AgentAddress | AgentChannel:
        """Return the address or channel that *alias* stands for; ``KeyError`` if there is none."""
        if alias in _LOOPBACKS:
            return AgentAddress('inproc', alias, 'REP', 'server', 'pickle')
        return self.__core.endpoints.find(alias).address

    def has_socket(self, alias: Any) -> bool:
        """Whether *alias* (or an address) names an open socket."""
        if self.__core.endpoints.names(alias):
            return True
        name = alias.address if isinstance(alias, AgentAddress) else alias
        return self.__core.has_run and name in _LOOPBACKS and alias in (name, self.addr(name))

    def close(self, alias: Any, linger: float | None = None) -> None:
        """Close a socket (all sockets of a channel) and forget every name of it.

        What was sent but not delivered goes on for *linger* seconds in the background: ``config['LINGER']`` by default,
        negative for ever, 0 not at all.
        """
        self.__core.close_endpoint(self.__core.endpoints.find(alias), get_linger(linger))

    def close_all(self, linger: float | None = None) -> None:
        """Close every socket that was bound or connected; *linger* as in :meth:`close`."""
        for endpoint in self.__core.endpoints.endpoints():
            self.__core.close_endpoint(endpoint, get_linger(linger))

    def send(
        self,
        address: Any,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Send *message* on the socket that *address* names.

        Parameters
        ----------
        address
            Alias, address or channel.
        message
            Anything that the socket's serializer can express.
        topic : str or bytes
            For publishers.
        handler, wait, on_error
            For requests on channels: what to call with the reply; seconds to wait for it; what to call (with the agent
            and, if it takes it, the error) when none came in time or the other end failed.
        timeout : float
            Seconds to wait while nobody takes the message (``config['SEND_TIMEOUT']`` by default, negative for ever);
            then ``TimeoutError``.

        """
        self.__core.endpoints.find(address).send(message, topic, handler, wait, on_error, timeout)

    def recv(self, address: Any, timeout: float | None = None) -> Any:
        """Wait for one message on a ``REQ`` socket and return it; the replier's error is raised here.

        *timeout* in seconds (``config['RECV_TIMEOUT']`` by default, negative for ever), then ``TimeoutError``; after
        that the socket can be used again, and a late answer is dropped.
        """
        return self.__core.endpoints.find(address).recv(timeout)

    def send_recv(self, address: Any, message: Any, timeout: float | None = None) -> Any:
        """Send *message* and wait for the answer; *timeout* in seconds, as in :meth:`recv`."""
        self.send(address, message, timeout=timeout)
        return self.recv(address, timeout)

    def subscribe(self, alias: Any, handler: Any, exact: bool = False) -> None:
        """Add topics to a subscriber: a dictionary from topic to handler, or one handler for everything.

        A topic matches every message whose topic begins with it; with *exact*, only messages of this very topic.
        """
        self.__subscriber(alias).subscribe(handler, exact)

    def unsubscribe(self, alias: Any, topic: Any) -> None:
        """Drop a topic (text, bytes, or a list of them) of a subscriber; ``KeyError`` if it is not subscribed."""
        self.__subscriber(alias).unsubscribe(topic)

    def __subscriber(self, alias: Any) -> Sub:
        endpoint = self.__core.endpoints.find(alias)
        if not isinstance(endpoint, Sub):
            raise KindUnsupported(endpoint.address.kind, f'Socket {alias!r} is no subscriber but of kind')
        return endpoint

    # -- Timers ---------------------------------------------------------------------------------------------------

    def each(self, period: float, method: Any, *args: Any, alias: Any = None, **kwargs: Any) -> Any:
        """Run *method* now and then every *period* seconds; returns what :meth:`stop_timer` takes.

        *method* is a method's name or a function that takes the agent first. A start that is missed because the agent
        is busy is dropped.
        """
        return self.__core.timers.every(period, self.__action(method, args, kwargs), alias)

    def after(self, delay: float, method: Any, *args: Any, alias: Any = None, **kwargs: Any) -> Any:
        """Run *method* once, *delay* seconds from now; returns what :meth:`stop_timer` takes."""
        return self.__core.timers.after(delay, self.__action(method, args, kwargs), alias)

    def __action(self, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any]:
        call = bound_call(method, self)
        return lambda: call(*args, **kwargs)

    def stop_timer(self, alias: Any) -> None:
        """Start this timer no more; ``KeyError`` if there never was such a timer."""
        self.__core.timers.stop(alias)

    def stop_all_timers(self) -> None:
        """Start none of the present timers any more."""
        self.__core.timers.stop_all()

    def list_timers(self) -> list[Any]:
        """Return the alias of each timer that may still start."""
        return self.__core.timers.aliases()

    # -- Attributes and methods -----------------------------------------------------------------------------------

    def set_attr(self, **kwargs: Any) -> None:
        """Set attributes, in the order given."""
        for name, value in kwargs.items():
            setattr(self, name, value)
            if self._DEBUG:
                self.log_debug(f'SET self.{name} = {value}')

    def get_attr(self, name: str) -> Any:
        """Return the attribute, property or method *name*; ``AttributeError`` if there is none."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise UnknownMethod(self.name, name) from None

    def set_method(self, *functions: Callable[..., Any], **named: Callable[..., Any]) -> str:
        """Add functions of the agent as methods, under their own names or those given; returns the last name set."""
        methods = {getattr(function, '__name__', ''): function for function in functions} | named
        if not methods:
            raise HandlerInvalid(functions, 'set_method needs a function')
        for name, function in methods.items():
            if not callable(function) or not name:
                raise HandlerInvalid(function, 'set_method takes functions, those without a name as name=function')
            setattr(self, name, MethodType(function, self))
            if self._DEBUG:
                self.log_debug(f'SET self.{name}() = {function}')
        return name

    def execute_as_function(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(*args, **kwargs)`` in the agent's process."""
        return function(*args, **kwargs)

    def execute_as_method(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(agent, *args, **kwargs)`` in the agent's process; nothing is stored on the agent."""
        return function(self, *args, **kwargs)

    def safe_call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Run *method* in the loop's thread, between messages, and return its result."""
        core = self.__core
        if core_of_this_thread() is core:
            return call_method(self, method, args, kwargs)
        try:
            return core.mailbox.submit(lambda: call_method(self, method, args, kwargs)).wait()
        except MethodFailed as failure:
            raise with_text(failure.error, failure.text) from failure.error

    # -- Log ------------------------------------------------------------------------------------------------------

    def set_logger(self, logger: Any, alias: str = '_logger') -> None:
        """Publish the agent's log to *logger*: a proxy of a :class:`osbrain.Logger`, or the address of a subscriber."""
        address = logger if isinstance(logger, AgentAddress) else None
        if address is None and callable(getattr(logger, 'addr', None)):
            address = logger.addr('sub')
        if not isinstance(address, AgentAddress):
            raise LoggerInvalid(logger, 'An AgentAddress must be provided for logging!')
        if address.kind != 'SUB':
            raise LoggerInvalid(address, 'Logger must use publisher-subscriber pattern! Its address is that of a SUB')
        before = self.__core.endpoints.get(alias)
        self.connect(address, alias)
        if before is not None and not self.__core.endpoints.has_alias(before):
            self.__core.close_endpoint(before, get_linger())

    def log_debug(self, message: Any, logger: str = '_logger') -> None:
        """Log for whoever looks for a fault; dropped unless ``_DEBUG`` is set."""
        if self._DEBUG:
            self.__core.log('DEBUG', message, logger)

    def log_info(self, message: Any, logger: str = '_logger') -> None:
        """Log what a person may want to know."""
        self.__core.log('INFO', message, logger)

    def log_warning(self, message: Any, logger: str = '_logger') -> None:
        """Log what a person should know; printed too."""
        self.__core.log('WARNING', message, logger)

    def log_error(self, message: Any, logger: str = '_logger') -> None:
        """Log what went wrong; printed on standard error too."""
        self.__core.log('ERROR', message, logger)

    # -- Life -----------------------------------------------------------------------------------------------------

    def ping(self) -> str:
        """``'pong'``."""
        return 'pong'

    def is_running(self) -> bool:
        """Whether the loop runs."""
        return self.__core.running

    def run(self) -> None:
        """Run the loop in this thread until it ends."""
        self.__core.run()

    def stop(self) -> str:
        """End the loop after the current message; process, name and sockets stay, and :meth:`run` runs it again."""
        self.log_debug('Stopping...')
        self.__core.stop()
        return 'OK'

    def shutdown(self) -> None:
        """End the agent: finish this message, deliver what was sent, free name and addresses, end the process."""
        if not self.__core.running:
            return
        self.log_debug('Shutting down...')
        self.__core.end()

    def kill(self) -> None:
        """End the agent's process at once, whatever it is doing."""
        core = self.__core
        core.timers.clear()
        core.ending = True
        core.stop()
        core.remove_files()
        if core.lifeline is not None:
            core.lifeline.end()
        elif not core.running:
            core.close(0)

    def raise_exception(self) -> None:
        """Raise an exception, to see what happens then."""
        raise RuntimeError('User raised an exception!')

    def counters(self) -> dict[str, int]:
        """Return two counts: ``errors`` of handlers, timers and called methods, and ``undecodable`` messages."""
        return dict(self.__core.counters)
