"""What every endpoint has: an address, a codec, a wire to send on, and counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ...address import AgentAddress, AgentChannel
from ...errors import KindUnsupported, MessageUndecodable
from ..serializers import Codec, Frames

if TYPE_CHECKING:
    from ..requests import OpenRequests


class Unreadable(MessageUndecodable):
    """Frames that arrived on an endpoint and are no message: the loop's own affair, unlike what a handler raises."""


class Wire(Protocol):
    """What carries frames; a ZeroMQ socket in an agent, a list in a test."""

    def send(self, frames: Frames, timeout: float | None = None) -> None:
        """Hand frames over; waits while the queue is full."""

    def receive_one(self, timeout: float | None = None) -> Frames:
        """Wait for one message."""

    def subscribe(self, topic: bytes) -> None:
        """Let messages through that begin so."""

    def unsubscribe(self, topic: bytes) -> None:
        """Undo one :meth:`subscribe`."""

    def relax(self) -> None:
        """Let a REQ socket send again although its last request was not answered."""

    def out_of_turn(self) -> NoReturn:
        """Raise the error for a send or receive that is not due."""


class Host(Protocol):
    """What an endpoint needs of the agent that it belongs to."""

    agent: Any
    requests: OpenRequests

    def start_wait(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """Run *action* in the loop after *seconds*; returns what stops it."""

    def warn(self, text: str) -> None:
        """Log a warning."""


class Endpoint:
    """One socket: everything that a message needs to know was worked out when it was bound."""

    __slots__ = ('address', 'alias', 'codec', 'host', 'received', 'wire')

    #: Whether the loop is to look for messages here.
    polled = False

    def __init__(self, host: Host, address: AgentAddress | AgentChannel, codec: Codec, wire: Wire) -> None:
        self.host = host
        self.address = address
        self.codec = codec
        self.wire = wire
        self.alias: Any = address
        self.received = 0

    @property
    def wires(self) -> tuple[Wire, ...]:
        """Every wire that closes with this endpoint."""
        return (self.wire,)

    @property
    def parts(self) -> tuple[Endpoint, ...]:
        """The endpoint itself and those that belong to it, each with a wire that messages may arrive on."""
        return (self,)

    def send(
        self,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Send *message*; what the pattern has no use for is ignored."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} receives only, it cannot send: kind')

    def load(self, frames: Frames) -> Any:
        """Return the message in *frames*; :class:`Unreadable` if there is none."""
        try:
            return self.codec.decode(frames)
        except Exception as error:
            raise Unreadable(self.codec.name, f'{type(error).__name__}: {error}') from error

    def recv(self, timeout: float | None = None) -> Any:
        """Wait for one message and return it."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} cannot be received from directly: kind')

    def receive(self, frames: Frames) -> None:
        """Handle one message that the loop took off the wire."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} does not receive in the loop: kind')
