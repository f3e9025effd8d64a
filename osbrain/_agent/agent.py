"""The agent's surface: many methods, each a few lines; the work is done in the rooms beside this one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from .._config import get_linger
from .._failures import with_text
from .._hooks import Instrument
from .._ids import unique_identifier
from .._protocol.handlers import bound_call
from .._security.policy import checked_security
from .._stats import AgentStats
from ..address import AgentAddress
from ..errors import AttributeTaken, HandlerInvalid, LoggerInvalid, UnknownMethod
from .calls import MethodFailed, call_method
from .core import Core, core_of_this_thread
from .hooks import hooks_of
from .monitors import monitors_of
from .private_names import PrivateNames
from .sockets import Sockets
from .stats import stats_of

# Methods that 0.6.5 did not have: its programs have attributes of these names, and go on having them.
_ADDED = frozenset(
    ('checkpoint', 'counters', 'demonitor', 'failed', 'monitor', 'pending', 'send_many', 'stats', 'subscribers')
)


class Agent(Sockets, PrivateNames):
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
        Set on the agent before :meth:`on_init`; a name that the agent already has is a ``KeyError``, but for methods
        that are newer than osBrain 0.6.5.
    security : str
        Default for this agent's sockets: ``'curve'``, ``'none'`` or ``None`` for the rule (:doc:`/security`).

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
        security: str | None = None,
    ) -> None:
        self._uuid = unique_identifier()
        self.name = name or self._uuid.decode()
        self._host = host or '127.0.0.1'
        self._serializer = serializer
        self._transport = transport
        self._security = checked_security(security)
        self.__core = Core(self, self.name, self._uuid)
        for key, value in (attributes or {}).items():
            if hasattr(self, key) and not (key in _ADDED and getattr(type(self), key) is getattr(Agent, key)):
                raise AttributeTaken(key)
            setattr(self, key, value)
        try:
            self.on_init()
        except BaseException:
            self.__core.close()  # an agent that does not come to be leaves no socket and no file
            raise

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
        return partial(bound_call(method, self), *args, **kwargs)

    def stop_timer(self, alias: Any) -> None:
        """Start this timer no more; ``KeyError`` if there never was such a timer."""
        self.__core.timers.stop(alias)

    def stop_all_timers(self) -> None:
        """Start none of the present timers any more."""
        self.__core.timers.stop_all()

    def list_timers(self) -> list[Any]:
        """Return the alias of each timer that may still start."""
        return self.__core.timers.aliases()

    # -- Others -----------------------------------------------------------------------------------------------------

    def monitor(self, name: str, handler: Any) -> int:
        """Run *handler* in the loop whenever an agent *name* is born or dies; returns what :meth:`demonitor` takes.

        *handler* is a function of agent and event, a method, its name; the event is an :class:`osbrain.AgentEvent` of
        the kind ``'birth'`` or ``'death'``. If nobody has that name now, a death is told at once.
        """
        return monitors_of(self.__core).add(name, handler)

    def demonitor(self, reference: int) -> None:
        """Run the handler of that :meth:`monitor` no more; ``ValueError`` if there never was such a one."""
        monitors_of(self.__core).remove(reference)

    def add_instrument(self, instrument: Instrument) -> int:
        """Tell *instrument* what this agent does from now on; returns what :meth:`remove_instrument` takes."""
        return hooks_of(self.__core).add(instrument)

    def remove_instrument(self, which: int | Instrument) -> None:
        """Tell an instrument no more: what :meth:`add_instrument` returned, or the instrument, where it is at hand.

        One that has been removed already, because it failed, may be removed again; ``ValueError`` if there never was
        such a one.
        """
        hooks_of(self.__core).remove(which)

    # -- State ----------------------------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Save what :meth:`save_state` returns now; when this returns, it is on the disk.

        For handlers that have come to a point from which a process that takes this one's place has to go on. Does
        nothing in ``on_init``, without ``save_state``, and where nobody keeps the state (neither ``restart=`` nor
        ``state=``). A failure is logged and counted; what was saved before is left as it was.
        """
        if self.__core.lifeline is not None:
            self.__core.lifeline.checkpoint()

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
            return core.mailbox.submit(lambda: call_method(self, method, args, kwargs), method=method).wait()
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
        core.why_ending = 'it was killed'
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

    def stats(self) -> AgentStats:
        """Return what the agent has done until now, endpoint by endpoint, and what its process has used."""
        return stats_of(self.__core)

    def counters(self) -> dict[str, int]:
        """Return how often something went wrong, by what it was.

        ``errors`` of handlers, timers and called methods; ``undecodable`` messages; ``overflows`` of subscribers'
        queues at this agent's publishers (from each on, messages are dropped for that subscriber until it catches up);
        ``refused`` connections, by this end or by the other, for want of the right cluster key.
        """
        wires = self.__core.wires
        return {**self.__core.counters, 'overflows': wires.overflows, 'refused': wires.refused}
