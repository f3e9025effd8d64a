"""What an agent is watched by from within, its instruments and OpenTelemetry: in place only while there is either."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from .._clock import monotonic
from .._hooks import Instruments, SocketInfo
from .._protocol import trace_context
from .._protocol.patterns.endpoint import Endpoint
from .._protocol.patterns.instrumented import instrument, leave_alone, trace
from ..address import AgentAddress
from .loop import Loop, Owner
from .registry import Registry
from .stand_in import StandIn

if TYPE_CHECKING:
    from .._tracing import Tracing

_API = 'opentelemetry.trace'


class Host(Owner, Protocol):
    """What hooks ask of the agent's core."""

    name: str
    agent: Any
    loop: Loop
    endpoints: Registry
    hooks: Hooks | None

    def log(self, level: str, message: Any) -> None:
        """Log one record."""


class Hooks:
    """The instruments of one agent and its tracer, and the ways by which they hear of what it does."""

    def __init__(self, core: Host) -> None:
        self._core = core
        self._instruments = Instruments(lambda text: core.log('ERROR', text))
        self._stand_in = StandIn(core, self._tell)
        self._tracing: Tracing | None = None
        #: Whether nobody has to look for a tracer any more.
        self.looked = False
        # Where the message comes from that is received now, and those of each list that is handled when the turn ends.
        self._carrier: dict[str, str] = {}
        self._gathered: list[list[dict[str, str]]] = []

    # -- Who is told ----------------------------------------------------------------------------------------------

    @property
    def tracing(self) -> bool:
        """Whether there is a tracer."""
        return self._tracing is not None

    def add(self, added: Any) -> int:
        """Tell one more instrument; returns what :meth:`remove` takes."""
        number = self._instruments.add(added)
        self._instruments.tell_one(number, 'added', self._core.agent)
        for endpoint in self._core.endpoints.endpoints():
            if not _private(endpoint):
                self._instruments.tell_one(number, 'opened', self._info(endpoint))
        self._arrange()
        return number

    def remove(self, which: Any) -> None:
        """Tell an instrument no more."""
        self._instruments.remove(which)
        self._arrange()

    def trace(self, tracing: Tracing) -> None:
        """Trace from now on."""
        self._tracing, self.looked = tracing, True
        for endpoint in self._core.endpoints.endpoints():
            self._trace(endpoint)
        self._arrange()

    def _trace(self, endpoint: Endpoint) -> None:
        tracing = self._tracing
        if tracing is not None and not _private(endpoint):
            trace(endpoint, lambda: trace_context.written(tracing.carrier()))

    def _arrange(self) -> None:
        """Stand in the way of what somebody is to be told, and of nothing else."""
        self._core.loop.owner = self._stand_in if self._instruments else self._core
        for endpoint in self._core.endpoints.endpoints():
            (instrument if self._messages_told else leave_alone)(endpoint)

    @property
    def _messages_told(self) -> bool:
        return self.tracing or self._instruments.told_of_messages()

    # -- The agent's life -----------------------------------------------------------------------------------------

    def before_run(self) -> None:
        """Tell that the loop begins."""
        self._tell('before_run')

    def after_run(self, reason: str) -> None:
        """Tell that the loop has ended."""
        self._tell('after_run', reason)

    def opened(self, endpoint: Endpoint) -> None:
        """Tell of a new endpoint, and watch it."""
        if not _private(endpoint):
            self._tell('opened', self._info(endpoint))
        self._trace(endpoint)
        if self._messages_told:
            instrument(endpoint)

    def closed(self, endpoint: Endpoint) -> None:
        """Tell of the end of an endpoint."""
        if not _private(endpoint):
            self._tell('closed', self._info(endpoint))

    def end(self) -> None:
        """Remove all instruments: the agent has ended."""
        self._instruments.end()

    def _tell(self, what: str, *args: Any) -> None:
        there = len(self._instruments)
        if there:
            self._instruments.tell(what, *args)
            if len(self._instruments) < there:  # one has failed
                self._arrange()

    def _info(self, endpoint: Endpoint) -> SocketInfo:
        return SocketInfo(self._core.name, str(endpoint.alias), str(endpoint.address.kind))

    # -- Messages (osbrain._protocol.patterns.instrumented.Observer) ------------------------------------------------

    @contextmanager
    def sending(self, endpoint: Endpoint, topic: Any, count: Callable[[], int]) -> Iterator[None]:
        """Tell of messages that are sent meanwhile."""
        if _private(endpoint):
            yield
            return
        socket = self._info(endpoint)
        self._tell('before_send', socket, topic)
        begun, failure = monotonic(), None
        try:
            with self._span(endpoint, topic, None) as span:
                yield
                if span is not None and count() != 1:
                    span.set_attribute('messaging.batch.message_count', count())
        except BaseException as error:
            failure = error
            raise
        finally:
            self._tell('after_send', socket, topic, count(), monotonic() - begun, failure)

    def arrived(self, carrier: dict[str, str]) -> None:
        """Note where the message comes from that is received now."""
        self._carrier = carrier
        for carriers in self._gathered:
            carriers.append(carrier)

    def handling(self, endpoint: Endpoint, topic: bytes | None) -> AbstractContextManager[None]:
        """Tell of the message that has arrived, and is handled meanwhile."""
        return self._handling(endpoint, [self._carrier], topic, 1)

    def gathering(
        self, endpoint: Endpoint, count: Callable[[], int], hand_over: Callable[[], None]
    ) -> Callable[[], None]:
        """Return *hand_over*, which handles *count* messages, among them the one that has arrived, so that it tells."""
        carriers = [self._carrier]
        self._gathered.append(carriers)

        def hand_over_and_tell() -> None:
            self._gathered = [one for one in self._gathered if one is not carriers]
            with self._handling(endpoint, carriers, None, count()):
                hand_over()

        return hand_over_and_tell

    @contextmanager
    def _handling(
        self, endpoint: Endpoint, carriers: list[dict[str, str]], topic: bytes | None, count: int
    ) -> Iterator[None]:
        if _private(endpoint):
            yield
            return
        socket = self._info(endpoint)
        self._tell('before_handling', socket)
        begun, failure = monotonic(), None
        try:
            with self._span(endpoint, topic, carriers) as span:
                if span is not None and count != 1:
                    span.set_attribute('messaging.batch.message_count', count)
                yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self._tell('after_handling', socket, count, monotonic() - begun, failure)

    def _span(
        self, endpoint: Endpoint, topic: Any, carriers: list[dict[str, str]] | None
    ) -> AbstractContextManager[Any]:
        if self._tracing is None:
            return nullcontext()
        where = str(endpoint.alias)
        attributes = {'messaging.client.id': self._core.name, **_attributes(endpoint, topic)}
        if carriers is None:
            return self._tracing.sending(where, attributes)
        return self._tracing.handling(where, attributes, carriers)


def hooks_of(core: Host) -> Hooks:
    """Return the hooks of an agent, which has none until somebody is to be told."""
    if core.hooks is None:
        core.hooks = Hooks(core)
    return core.hooks


def opened(core: Host, endpoint: Endpoint) -> None:
    """Tell of a new endpoint whoever is to be told."""
    if core.hooks is not None:
        core.hooks.opened(endpoint)
    look_for_tracer(core)


def look_for_tracer(core: Host) -> None:
    """Trace if the process has a tracer provider by now; a look into a dictionary where nobody uses OpenTelemetry."""
    api: Any = sys.modules.get(_API)
    if api is None or (core.hooks is not None and core.hooks.looked):
        return
    try:
        if isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
            return
        from .._tracing import Tracing  # noqa: PLC0415  (tests/test_house.py, HIDDEN_IMPORTS)

        hooks_of(core).trace(Tracing())
    except Exception as error:
        # The program's settings for OpenTelemetry are wrong, or another thread is just importing it.
        hooks_of(core).looked = hasattr(api, 'ProxyTracerProvider')
        if hooks_of(core).looked:
            core.log('ERROR', f'There will be no traces: {type(error).__name__}: {error}')


def _private(endpoint: Endpoint) -> bool:
    """Whether a socket is nobody's business, such as the one to the logger."""
    return isinstance(endpoint.alias, str) and endpoint.alias.startswith('_')


def _attributes(endpoint: Endpoint, topic: Any) -> dict[str, str | int]:
    """Return what a span says of a socket."""
    address: Any = endpoint.address
    told: dict[str, str | int] = {'osbrain.kind': str(address.kind)}
    if topic:
        told['osbrain.topic'] = topic.decode(errors='replace') if isinstance(topic, bytes) else str(topic)
    where = address if isinstance(address, AgentAddress) else address.receiver or address.sender
    if where is not None and where.transport == 'tcp':
        told |= {'server.address': where.address.host, 'server.port': int(where.address.port)}
    return told
