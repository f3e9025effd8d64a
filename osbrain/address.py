"""The value types that travel between agents: where a socket is, what kind it is, what it speaks."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar, TypeVar

import zmq

from ._ids import unique_identifier
from ._security.policy import checked_security
from .errors import AddressInvalid, PortInvalid

_Word = TypeVar('_Word', bound='_Vocabulary')


class _Vocabulary(str):
    """A text out of a fixed list; equals, hashes and formats like the plain text."""

    __slots__ = ()
    WORDS: ClassVar[tuple[str, ...]] = ()
    COMPLAINT: ClassVar[str] = ''
    TWIN: ClassVar[dict[str, str]] = {}

    def __new__(cls: type[_Word], value: str) -> _Word:
        if value not in cls.WORDS:
            raise AddressInvalid(value, cls.COMPLAINT)
        return super().__new__(cls, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)

    def __str__(self) -> str:
        return str.__str__(self)


class _Twinned(_Vocabulary):
    """A word that has a counterpart at the other end."""

    __slots__ = ()

    def twin(self: _Word) -> _Word:
        """Return the counterpart at the other end, of the same class."""
        return type(self)(self.TWIN[self])


class AgentAddressTransport(_Vocabulary):
    """How bytes get from one socket to the other."""

    __slots__ = ()
    WORDS = ('tcp', 'ipc', 'inproc')
    COMPLAINT = 'Invalid address transport'


class AgentAddressRole(_Twinned):
    """Whether a socket was bound (server) or connected (client)."""

    __slots__ = ()
    WORDS = ('server', 'client')
    COMPLAINT = 'Invalid address role'
    TWIN: ClassVar[dict[str, str]] = {'server': 'client', 'client': 'server'}


class _Kind(_Twinned):
    """A twinned word whose argument is called *kind*, which programs write out."""

    __slots__ = ()

    def __new__(cls: type[_Word], kind: str) -> _Word:
        return _Vocabulary.__new__(cls, kind)


class AgentAddressKind(_Kind):
    """The messaging role of one socket."""

    __slots__ = ()
    TWIN: ClassVar[dict[str, str]] = {
        'REQ': 'REP',
        'REP': 'REQ',
        'PUSH': 'PULL',
        'PULL': 'PUSH',
        'PUB': 'SUB',
        'SUB': 'PUB',
        'PULL_SYNC_PUB': 'PUSH_SYNC_SUB',
        'PUSH_SYNC_SUB': 'PULL_SYNC_PUB',
    }
    WORDS = tuple(TWIN)
    COMPLAINT = 'Invalid address kind'
    ZMQ_KIND_CONVERSION: ClassVar[dict[str, int]] = {
        'REQ': zmq.REQ,
        'REP': zmq.REP,
        'PUSH': zmq.PUSH,
        'PULL': zmq.PULL,
        'PUB': zmq.PUB,
        'SUB': zmq.SUB,
        'PULL_SYNC_PUB': zmq.PULL,
        'PUSH_SYNC_SUB': zmq.PUSH,
    }
    REQUIRE_HANDLER: ClassVar[tuple[str, ...]] = ('REP', 'PULL', 'SUB', 'PULL_SYNC_PUB')

    def zmq(self) -> int:
        """Return the ZeroMQ socket type."""
        return self.ZMQ_KIND_CONVERSION[self]

    def requires_handler(self) -> bool:
        """Whether sockets of this kind receive messages that somebody must handle."""
        return self in self.REQUIRE_HANDLER


class AgentAddressSerializer(_Vocabulary):
    """How messages become bytes."""

    __slots__ = ()
    SERIALIZER_SIMPLE: ClassVar[tuple[str, ...]] = ('raw',)
    SERIALIZER_SEPARATOR: ClassVar[tuple[str, ...]] = ('pickle', 'cloudpickle', 'dill', 'json')
    # Not among the above, which programs written for 0.6.5 go through.
    WORDS = (*SERIALIZER_SIMPLE, *SERIALIZER_SEPARATOR, 'msgpack')
    COMPLAINT = 'Invalid serializer type'

    @property
    def requires_separator(self) -> bool:
        """Whether a topic is told from the message by a separator byte."""
        return self not in self.SERIALIZER_SIMPLE


class AgentChannelKind(_Kind):
    """The role of one end of a channel: several sockets that work together."""

    __slots__ = ()
    TWIN: ClassVar[dict[str, str]] = {
        'ASYNC_REP': 'ASYNC_REQ',
        'ASYNC_REQ': 'ASYNC_REP',
        'SYNC_PUB': 'SYNC_SUB',
        'SYNC_SUB': 'SYNC_PUB',
        'ACK_PUSH': 'ACK_PULL',
        'ACK_PULL': 'ACK_PUSH',
    }
    WORDS = tuple(TWIN)
    COMPLAINT = 'Invalid channel kind'


def guess_kind(kind: str) -> AgentAddressKind | AgentChannelKind:
    """Return the socket kind or channel kind that *kind* names; ``ValueError`` if it names neither."""
    if kind in AgentAddressKind.WORDS:
        return AgentAddressKind(kind)
    return AgentChannelKind(kind)


def _split_text(text: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; a bare IPv6 address is a host."""
    host, port = text, ''
    if text.startswith('['):
        host, bracket, rest = text[1:].partition(']')
        if not bracket or (rest and not rest.startswith(':')):
            raise AddressInvalid(text, 'An IPv6 address is written [host]:port')
        port = rest[1:]
    elif text.count(':') == 1:
        host, _, port = text.partition(':')
    elif ':' in text and not _is_numeric(text):
        raise AddressInvalid(text, 'Expected host:port')
    if not port:
        if text.endswith(':') and not _is_numeric(text):
            raise AddressInvalid(text, 'The port is missing')
        return host, None
    try:
        return host, int(port)
    except ValueError:
        raise AddressInvalid(text, 'The port is no number') from None


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def address_to_host_port(addr: Any = None) -> tuple[Any, Any]:
    """``(host, port)`` of anything that is taken for a network address.

    *addr* is ``None``, text (``'host'``, ``'host:port'``, ``'[v6]:port'``), a :class:`SocketAddress`, an
    :class:`AgentAddress` over tcp, or any object with ``host`` and ``port``. What is missing comes back as ``None``.
    Anything else is a ``ValueError``.
    """
    if addr is None:
        return None, None
    if isinstance(addr, str):
        return _split_text(addr)
    if isinstance(addr, AgentAddress):
        if not isinstance(addr.address, SocketAddress):
            raise AddressInvalid(addr, 'Only tcp addresses have a host and a port')
        return addr.address.host, addr.address.port
    if hasattr(addr, 'host') and hasattr(addr, 'port'):
        return addr.host, addr.port
    raise AddressInvalid(addr, f'Unsupported address type {type(addr).__name__}')


class SocketAddress:
    """A numeric IP address and a port."""

    def __init__(self, host: Any, port: int) -> None:
        try:
            self.host = str(ipaddress.ip_address(host))
        except ValueError:
            raise AddressInvalid(host, 'A numeric IP address is needed') from None
        if not isinstance(port, int) or isinstance(port, bool):
            raise PortInvalid(port)
        self.port = port

    def __repr__(self) -> str:
        host = f'[{self.host}]' if ':' in self.host else self.host
        return f'{host}:{self.port}'

    def __hash__(self) -> int:
        return hash((self.host, self.port))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SocketAddress) and self.host == other.host and self.port == other.port


class AgentAddress:
    """Where one socket is and how to talk to it; made by ``bind``, given to ``connect``.

    *address* is a :class:`SocketAddress` for tcp, a ``pathlib.Path`` of the socket file for ipc (when made by
    ``bind``), text for inproc. *kind* is the role of the socket it describes, so a client's address is the :meth:`twin`
    of the server's. *security* says how the server is protected (``'curve'``, ``'none'``; ``None``: as the rule has it)
    and *key*, the identifier of a cluster key, with which; they take no part in equality.
    """

    # Addresses that were pickled by an earlier version do not say.
    security: str | None = None
    key: bytes | None = None

    def __init__(
        self,
        transport: str,
        address: Any,
        kind: str,
        role: str,
        serializer: str,
        security: str | None = None,
        key: bytes | None = None,
    ) -> None:
        self.transport = AgentAddressTransport(transport)
        self.address = SocketAddress(*address_to_host_port(address)) if transport == 'tcp' else address
        self.kind = AgentAddressKind(kind)
        self.role = AgentAddressRole(role)
        self.serializer = AgentAddressSerializer(serializer)
        self.security = checked_security(security)
        self.key = key

    def _facts(self) -> tuple[Any, ...]:
        return self.transport, self.address, self.kind, self.role, self.serializer

    def __repr__(self) -> str:
        return f'AgentAddress({", ".join(str(fact) for fact in self._facts())})'

    def __hash__(self) -> int:
        return hash(self._facts())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AgentAddress) and self._facts() == other._facts()

    def twin(self) -> AgentAddress:
        """Return the address of the other end: kind and role replaced by their twins."""
        kind, role = self.kind.twin(), self.role.twin()
        return AgentAddress(self.transport, self.address, kind, role, self.serializer, self.security, self.key)


class AgentChannel:
    """Several sockets that work together: what ``bind`` returns for ``ASYNC_REP``, ``SYNC_PUB`` and ``ACK_PUSH``.

    *uuid* identifies the channel in the frames of its publications, so copies keep it; it takes no part in equality.
    """

    def __init__(
        self,
        kind: str,
        receiver: AgentAddress | None,
        sender: AgentAddress | None,
        twin_uuid: bytes | None = None,
    ) -> None:
        main = receiver or sender
        if main is None:
            raise AddressInvalid(None, 'A channel needs a receiver or a sender')
        self.kind = AgentChannelKind(kind)
        self.receiver = receiver
        self.sender = sender
        self.transport = main.transport
        self.serializer = main.serializer
        self.uuid = unique_identifier()
        self.twin_uuid = twin_uuid
        for address in (receiver, sender):
            if address is not None:
                address.channel = self  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f'AgentChannel(kind={self.kind}, receiver={self.receiver}, sender={self.sender})'

    def __hash__(self) -> int:
        return hash((self.kind, self.receiver, self.sender))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AgentChannel)
            and self.kind == other.kind
            and self.receiver == other.receiver
            and self.sender == other.sender
        )

    def twin(self) -> AgentChannel:
        """Return the other end of this channel: it sends where this one receives."""
        return AgentChannel(
            self.kind.twin(),
            receiver=self.sender.twin() if self.sender else None,
            sender=self.receiver.twin() if self.receiver else None,
            twin_uuid=self.uuid,
        )
