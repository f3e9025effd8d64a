"""Making endpoints: what ``bind`` and ``connect`` do for each kind of socket and channel."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from .._config import config, get_linger
from .._ids import unique_identifier
from .._io.connections import notice_dead_hosts
from .._io.peers import with_peers
from .._io.wire import DEALER, ROUTER, XPUB, SocketWire
from .._protocol.flow import PLAIN, Flow
from .._protocol.handlers import validate_handler
from .._protocol.patterns.async_rep import AsyncRep, AsyncReq
from .._protocol.patterns.endpoint import Endpoint
from .._protocol.patterns.pub_sub import Pub, Sub
from .._protocol.patterns.push_pull import Pull, Push
from .._protocol.patterns.req_rep import Rep, Req
from .._protocol.patterns.sync_pub import SyncPub, SyncSub
from .._protocol.serializers import CODECS, Codec
from .._protocol.topics import LISTENING, LIVE
from .._protocol.work import NO_TERMS, Terms
from ..address import (
    AgentAddress,
    AgentAddressKind,
    AgentAddressTransport,
    AgentChannel,
    address_to_host_port,
    guess_kind,
)
from ..errors import (
    AddressInvalid,
    AlreadyConnected,
    HandlerRequired,
    KindUnsupported,
    NotAnAddress,
    ServerAddressRequired,
)
from .acknowledged import open_dispatcher, open_worker
from .core import Core
from .hooks import opened
from .joining import connect_live
from .places import Place, bound_address, endpoint_of, place_again, place_to_bind
from .protection import asked_for, checked_serializer, protection_of_bound, protection_of_connected

# Publishers are XPUB: the same on the wire, but they see who subscribes.
_ZMQ_TYPE = {'PUB': XPUB}

# Channels carry many requests or tasks at once; how many is limited where they are made (REQUEST_LIMIT, limit=), as a
# high-water mark here would have to block, which two agents that answer each other cannot afford. Who wants the newest
# message only has to take in all that came before it, or the newest would be what waits at the sender.
_NO_MARK = 0

# Answers of a SYNC_PUB travel among its publications, and ZeroMQ drops both at the mark. Its default of 1,000 is soon
# reached by a subscriber that asks more than it takes in; without any mark one that hangs would fill our memory.
_ANSWERS_MARK = 100_000

# Channels that are bound; their twins are made by connect.
_BOUND = ('ASYNC_REP', 'SYNC_PUB', 'ACK_PUSH')

# How many sockets that lost their alias to another one stay open although nobody is connected to them yet.
_SUPERSEDED_KEPT = 4


def _is_everywhere(addr: Any, default_host: str) -> bool:
    """Whether a tcp socket would be bound to every interface, or where the agent's host leads."""
    try:
        host = address_to_host_port(addr)[0] or default_host
    except AddressInvalid:
        return False  # Not a network address, or one that is refused later.
    return host in ('0.0.0.0', '::', default_host)  # noqa: S104  (a comparison)


class _Settings:
    """The arguments of one ``bind``, defaults filled in and checked."""

    def __init__(
        self,
        core: Core,
        addr: Any,
        transport: Any,
        serializer: Any,
        advertise: str | None,
        security: str | None,
        flow: Flow,
    ) -> None:
        agent = core.agent
        self.flow = flow
        self.addr = addr
        self.advertise = advertise or (config['ADVERTISE'] if _is_everywhere(addr, agent._host) else None)
        self.transport = AgentAddressTransport(transport or agent._transport or config['TRANSPORT'])
        self.serializer = checked_serializer(serializer or agent._serializer or config['SERIALIZER'])
        self.security = asked_for(security, agent)
        self.host: str = agent._host
        #: Given each socket before it is bound.
        self.prepare: Callable[[SocketWire], None] = lambda wire: None
        #: The address or channel that an agent whose place this one takes had from this very bind.
        self.kept: Any = None

    @property
    def codec(self) -> Codec:
        return CODECS[self.serializer]

    def bind(
        self, core: Core, kind: str, zmq_type: int | None = None, addr: Any = None, hwm: int | None = None
    ) -> tuple[SocketWire, AgentAddress]:
        """Bind a socket; return it and its address."""
        place: Place = place_to_bind(self.transport, addr, self.host)
        protection = protection_of_bound(*self.security, place.endpoint, self.serializer, self.kept)
        wire = _wire(core, kind, self.flow, zmq_type, hwm)
        try:
            self.prepare(wire)
            if protection.key is not None:
                core.wires.protect_bound(wire, protection.key)
            endpoint = wire.bind(place.endpoint, place.path, place.chosen)
            where = bound_address(self.transport, place, endpoint, addr, self.advertise)
            return wire, AgentAddress(self.transport, where, kind, 'server', self.serializer, *protection.told)
        except BaseException:
            wire.close(0)
            raise


def _wire(core: Core, kind: str, flow: Flow, zmq_type: int | None = None, mark: int | None = None) -> SocketWire:
    """Make the ZeroMQ socket for one of ours; *mark* is the high-water mark where nothing else is asked for."""
    if zmq_type is not None or kind.endswith(('SYNC_PUB', 'SYNC_SUB')):
        return core.wires.make(zmq_type or AgentAddressKind(kind).zmq(), _NO_MARK)
    if flow.conflate and kind != 'PUSH':
        mark = _NO_MARK
    socket_type = _ZMQ_TYPE.get(kind) or AgentAddressKind(kind).zmq()
    return core.wires.make(socket_type, mark if flow.hwm is None else flow.hwm, flow.conflate and kind == 'PUSH')


def bind(
    core: Core,
    kind: str,
    alias: Any,
    handler: Any,
    place: tuple[Any, Any, Any, str | None, str | None],
    flow: tuple[Any, Any, Any],
    terms: Terms = NO_TERMS,
) -> AgentAddress | AgentChannel:
    """See :meth:`osbrain.Agent.bind`.

    *place*: addr, transport, serializer, advertise, security; *flow*: hwm, conflate, batch.
    """
    wanted = guess_kind(kind)
    terms = terms.checked(wanted, of_dispatcher=True)
    settings = _Settings(core, *place, Flow.checked(wanted, *flow))
    if isinstance(wanted, AgentAddressKind):
        if wanted.requires_handler() and handler is None:
            raise HandlerRequired(wanted)
        make = partial(_bind_socket, core, wanted, handler, settings)
    elif wanted in ('ASYNC_REP', 'SYNC_PUB'):
        if handler is None:
            raise HandlerRequired(wanted)
        make = partial(_bind_async_rep if wanted == 'ASYNC_REP' else _bind_sync_pub, core, handler, settings)
    elif wanted == 'ACK_PUSH':
        make = partial(_bind_ack_push, core, alias, handler, settings, terms)
    else:
        raise KindUnsupported(wanted, 'Unsupported channel kind for bind (it is made by connect)')
    endpoint = _remembered_bind(core, alias, wanted, settings, make)
    before = core.endpoints.get(alias) if isinstance(alias, str) else None
    _install(core, endpoint, alias, *_addresses_of(endpoint))
    if before is not None:
        _close_unused(core, core.endpoints.supersede(alias, before))
    return endpoint.address


def bind_hidden(core: Core, transport: str, like: Endpoint) -> tuple[SocketWire, AgentAddress]:
    """Bind a publisher that nobody is told of and no restart brings back, closed no less than the socket *like*."""
    # That one may be in a folder that is closed to others; over tcp it is the key that keeps them out.
    closed = transport == 'tcp' or any(getattr(one, 'security', None) == 'curve' for one in _addresses_of(like))
    security = 'curve' if closed else None
    settings = _Settings(core, None, transport, like.codec.name, None, security, PLAIN)
    settings.prepare = notice_dead_hosts
    return settings.bind(core, 'PUB', XPUB)


def _remembered_bind(core: Core, alias: Any, kind: str, settings: _Settings, make: Callable[[], Endpoint]) -> Endpoint:
    """Bind by *make*; in an agent that takes another one's place, at the address which that one had."""
    if core.recall is None:
        return make()

    def make_at(kept: Any) -> Endpoint:
        settings.kept = kept
        return make()

    key = (alias if isinstance(alias, str) else None, str(kind), str(settings.transport))
    return core.recall.bound(key, make_at)


def _close_unused(core: Core, superseded: list[Endpoint]) -> None:
    """Close what a rebound alias has left behind, but for the latest few and those that somebody is connected to.

    In 0.6.5 such a socket stayed open under its address, which programs may have handed out; a program that binds the
    same alias again and again must not run out of descriptors for that.
    """
    # Looking costs milliseconds where many connections are open: several are looked at together.
    if len(superseded) <= 2 * _SUPERSEDED_KEPT:
        return
    old = superseded[:-_SUPERSEDED_KEPT]
    bound = {endpoint: {cast('SocketWire', wire).endpoint or '' for wire in endpoint.wires} for endpoint in old}
    in_use = with_peers(set().union(*bound.values()))
    for endpoint, places in bound.items():
        if not places & in_use and not core.endpoints.has_alias(endpoint):
            core.close_endpoint(endpoint, get_linger())


def _addresses_of(endpoint: Endpoint) -> tuple[Any, ...]:
    """Every address under which an endpoint is known."""
    address = endpoint.address
    if isinstance(address, AgentChannel):
        return tuple(one for one in (address, address.receiver, address.sender) if one is not None)
    return (address,)


def _install(core: Core, endpoint: Endpoint, alias: Any, *names: Any) -> None:
    """Give an endpoint its names and have the loop look after it."""
    core.endpoints.add(endpoint, *names)
    if alias is not None:
        core.endpoints.add(endpoint, alias)
    for part in endpoint.parts:
        if part.polled:
            part.alias = endpoint.alias
            core.loop.watch(cast('SocketWire', part.wire), part)
    opened(core, endpoint)


def _make(wires: tuple[SocketWire, ...], cls: Any, *args: Any) -> Any:
    """``cls(*args)``; its sockets are closed again if it refuses."""
    try:
        return cls(*args)
    except BaseException:
        for wire in wires:
            wire.close(0)
        raise


def _bind_socket(core: Core, kind: AgentAddressKind, handler: Any, settings: _Settings) -> Endpoint:
    wire, address = settings.bind(core, kind, addr=place_again(settings.addr, settings.kept))
    endpoint = _socket_endpoint(core, address, handler, settings.codec, wire, settings.flow)
    if kind == 'SUB':
        wire.subscribe(LIVE + unique_identifier())
        wire.subscribe(LISTENING)
    return endpoint


def _socket_endpoint(
    core: Core, address: AgentAddress, handler: Any, codec: Codec, wire: SocketWire, flow: Flow
) -> Endpoint:
    """Make the endpoint of one socket that is bound or about to be connected."""
    senders: dict[str, Any] = {'PUSH': Push, 'REQ': Req, 'PUB': Pub}
    receivers: dict[str, Any] = {'PULL': Pull, 'REP': Rep, 'SUB': Sub}
    if address.kind in senders:
        made = _make((wire,), senders[address.kind], core, address, codec, wire, flow)
    elif address.kind in receivers:
        made = _make((wire,), receivers[address.kind], core, address, codec, wire, handler, flow)
    else:
        wire.close(0)
        raise KindUnsupported(address.kind, 'This kind of socket belongs to a channel: use the channel')
    return made  # type: ignore[no-any-return]


def _bind_async_rep(core: Core, handler: Any, settings: _Settings) -> Endpoint:
    addr = place_again(settings.addr, settings.kept and settings.kept.receiver)
    wire, receiver = settings.bind(core, 'PULL', ROUTER, addr)
    channel = _identified(AgentChannel('ASYNC_REP', receiver=receiver, sender=None), settings.kept)
    return _make((wire,), AsyncRep, core, channel, settings.codec, wire, handler)  # type: ignore[no-any-return]


def _identified(channel: AgentChannel, kept: AgentChannel | None) -> AgentChannel:
    """Return *channel* with the identifier of the one whose place it takes: subscribers hear publications by it."""
    if kept is not None:
        channel.uuid = kept.uuid
    return channel


def _bind_ack_push(core: Core, alias: Any, handler: Any, settings: _Settings, terms: Terms) -> Endpoint:
    if handler is not None:
        raise KindUnsupported('ACK_PUSH', 'handler= is for the workers, which connect; on_failed= is for this end')
    addr = place_again(settings.addr, settings.kept and settings.kept.sender)
    made = open_dispatcher(core, settings.codec, alias, terms, partial(settings.bind, core, 'PUSH', addr=addr))
    _identified(cast('AgentChannel', made.address), settings.kept)
    return made


def _bind_sync_pub(core: Core, handler: Any, settings: _Settings) -> Endpoint:
    kept = settings.kept
    # An address that was asked for is the publisher's; requests go where there is room.
    addr = place_again(settings.addr, kept and kept.sender)
    publisher, sender = settings.bind(core, 'PUB', addr=addr, hwm=_ANSWERS_MARK)
    try:
        host, _, port = str(settings.addr or '').rpartition(':')
        beside = (host or port) if settings.transport == 'tcp' and settings.addr else None
        puller, receiver = settings.bind(core, 'PULL_SYNC_PUB', addr=place_again(beside, kept and kept.receiver))
    except BaseException:
        publisher.close(0)
        raise
    channel = _identified(AgentChannel('SYNC_PUB', receiver=receiver, sender=sender), kept)
    wires = (publisher, puller)
    args = (core, channel, settings.codec, wires, handler, settings.flow)
    return _make(wires, SyncPub, *args)  # type: ignore[no-any-return]


class _Client:
    """Makes the sockets of one ``connect``, each protected as the server at its other end."""

    def __init__(self, core: Core, security: Any) -> None:
        self._core = core
        self._security = asked_for(security, core.agent)

    def wire(self, server: AgentAddress, make: Callable[[], SocketWire]) -> SocketWire:
        """Return what *make* makes, once it is known that it may be connected to *server*."""
        protection = protection_of_connected(*self._security, server)
        wire = make()
        if protection.key is not None:
            self._core.wires.protect_connected(wire, protection.key)
        return wire


def connect(
    core: Core,
    server: Any,
    alias: Any,
    handler: Any,
    ready: float | None,
    flow: tuple[Any, Any, Any],
    terms: Terms = NO_TERMS,
    security: Any = None,
) -> AgentAddress | AgentChannel:
    """See :meth:`osbrain.Agent.connect`; *flow*: hwm, conflate, batch."""
    make = _Client(core, security)
    if isinstance(server, AgentChannel):
        return _connect_channel(core, server, alias, handler, ready, flow, terms, make)
    if not isinstance(server, AgentAddress):
        raise NotAnAddress(server)
    if server.role != 'server':
        raise ServerAddressRequired(server)
    client = server.twin()
    wanted = Flow.checked(client.kind, *flow)
    terms.checked(client.kind, of_dispatcher=False)
    existing = core.endpoints.get(client)
    if existing is not None:
        if handler is not None or wanted not in (PLAIN, existing.flow):
            raise AlreadyConnected(server, core.name)
        if alias is not None:
            core.endpoints.add(existing, alias)
        return client
    if client.kind.requires_handler() and handler is None:
        raise HandlerRequired(client.kind)
    checked_serializer(client.serializer)
    wire = make.wire(server, partial(_wire, core, client.kind, wanted))
    endpoint = _socket_endpoint(core, client, handler, CODECS[client.serializer], wire, wanted)
    connect_live(core, endpoint, wire, endpoint_of(server), ready)
    _install(core, endpoint, alias, client)
    return client


def _connect_channel(
    core: Core,
    channel: AgentChannel,
    alias: Any,
    handler: Any,
    ready: float | None,
    flow: tuple[Any, Any, Any],
    terms: Terms,
    make: _Client,
) -> AgentChannel:
    if channel.kind not in _BOUND:
        raise ServerAddressRequired(channel)
    twin = channel.twin()
    wanted = Flow.checked(twin.kind, *flow)
    terms = terms.checked(twin.kind, of_dispatcher=False)
    if core.endpoints.get(twin) is not None:
        raise AlreadyConnected(channel, core.name)
    codec = CODECS[checked_serializer(channel.serializer)]
    dealer = partial(core.wires.make, DEALER, _NO_MARK)
    if channel.kind == 'ASYNC_REP' and channel.receiver is not None:
        wire = make.wire(channel.receiver, dealer)
        endpoint: Endpoint = _make((wire,), AsyncReq, core, twin, codec, wire, handler)
        connect_live(core, endpoint, wire, endpoint_of(channel.receiver), ready)
    elif channel.kind == 'ACK_PUSH' and channel.sender is not None:
        endpoint, wire = open_worker(core, twin, codec, handler, terms, partial(make.wire, channel.sender, dealer))
        connect_live(core, endpoint, wire, endpoint_of(channel.sender), ready)
    elif channel.kind == 'SYNC_PUB' and channel.receiver is not None and channel.sender is not None:
        validate_handler(handler, required=True)
        wires = (
            make.wire(channel.sender, partial(_wire, core, 'SUB', wanted, mark=_ANSWERS_MARK)),
            make.wire(channel.receiver, partial(_wire, core, 'PUSH_SYNC_SUB', PLAIN)),
        )
        endpoint = _make(wires, SyncSub, core, twin, codec, wires, handler, wanted)
        wires[1].connect(endpoint_of(channel.receiver))
        connect_live(core, endpoint, wires[0], endpoint_of(channel.sender), ready)
    else:
        raise ServerAddressRequired(channel)
    _install(core, endpoint, alias, *_addresses_of(endpoint))
    return twin
