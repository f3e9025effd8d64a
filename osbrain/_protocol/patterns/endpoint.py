"""What every endpoint has: an address, a codec, a wire to send on, and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, NoReturn, Protocol

from ..._stats import Stopwatch, Traffic
from ...address import AgentAddress, AgentChannel
from ...errors import KindUnsupported, MessageUndecodable, OsBrainError
from ..batches import Loaded
from ..flow import PLAIN, Flow
from ..requests import NOBODY, OpenRequests, WayBack
from ..serializers import Codec, Frames

# Draining 16 and more at a time reaches bare pyzmq's rate.
_TURN = 64
# A handler that takes lists gains by longer ones, and whoever wants the newest has to see what came before it.
_TURN_BATCHED = 1_000
_TURN_CONFLATED = 10_000


class Unreadable(MessageUndecodable):
    """Frames that arrived on an endpoint and are no message: the loop's own affair, unlike what a handler raises."""


class PeerGone(OsBrainError):
    """The one peer that frames were for is not connected any more."""


class Handled(NamedTuple):
    """What is called with the messages of an endpoint, or of one of its topics."""

    call: Any
    topic: bytes | None = None
    exact: bool = False


class Wire(Protocol):
    """What carries frames; a ZeroMQ socket in an agent, a list in a test."""

    closed: bool
    overflows: int
    waits: int

    @property
    def sent(self) -> Traffic:
        """What was handed over until now."""

    @property
    def received(self) -> Traffic:
        """What was taken until now."""

    def send(self, frames: Frames, timeout: float | None = None) -> None:
        """Hand frames over; waits while the queue is full."""

    def receive_one(self, timeout: float | None = None) -> Frames:
        """Wait for one message."""

    def put_back(self, messages: list[Any]) -> None:
        """Return what was taken but not handled; it comes first next time."""

    def take(self, limit: int) -> tuple[list[Frames], bool]:
        """Return up to *limit* messages that are there, and whether there may be more."""

    def has_news(self) -> bool:
        """Whether a message may be there."""

    def subscribe(self, topic: bytes) -> None:
        """Let messages through that begin so."""

    def unsubscribe(self, topic: bytes) -> None:
        """Undo one :meth:`subscribe`."""

    def relax(self) -> None:
        """Let a REQ socket send again although its last request was not answered."""

    def out_of_turn(self) -> NoReturn:
        """Raise the error for a send or receive that is not due."""


class Outside(Protocol):
    """What happens outside of an agent's messages."""

    def watch_process(self, pid: int, started: int, action: Callable[[], None]) -> Callable[[], None]:
        """Run *action* in the loop when a process of this machine ends; returns what stops it.

        ``ProcessLookupError`` if it has ended already.
        """

    def reads_here(self) -> bool:
        """Whether this thread is the one that reads what arrives, or nobody does."""

    def wait_input(self, wire: Any, seconds: float | None) -> None:
        """Wait, in the thread that reads, until *wire* may have a message or a watched process has ended."""


class Host(Protocol):
    """What an endpoint needs of the agent that it belongs to."""

    agent: Any
    requests: OpenRequests

    @property
    def outside(self) -> Outside:
        """What happens beside messages."""

    def start_wait(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """Run *action* in the loop after *seconds*; returns what stops it."""

    def at_turn_end(self, action: Callable[[], None], endpoint: Any = None) -> None:
        """Run *action* in the loop, once, when the messages that are there have been handled; for *endpoint*."""

    def warn(self, text: str) -> None:
        """Log a warning."""

    def log(self, level: str, message: Any) -> None:
        """Log one record."""

    def raised(self, error: BaseException, by: Any) -> None:
        """Deal with an error, which is being handled and was raised while *by* was served."""


class Endpoint:
    """One socket: everything that a message needs to know was worked out when it was bound."""

    __slots__ = (
        '_loads', 'address', 'alias', 'codec', 'errors', 'flow', 'gathers', 'handling', 'host', 'most_at_once',
        'received', 'sent_more', 'turn', 'undecodable', 'wire',
    )  # fmt: skip

    #: Whether the loop is to look for messages here.
    polled = False
    #: Whether what arrives are messages, for a handler; else subscriptions, or acknowledgements.
    handles = True
    #: What stands before every topic: nothing, but in channels.
    prefix = b''

    def __init__(
        self, host: Host, address: AgentAddress | AgentChannel, codec: Codec, wire: Wire, flow: Flow = PLAIN
    ) -> None:
        self.host = host
        self.flow = flow
        #: How many messages the loop takes at once.
        self.turn = _TURN_CONFLATED if flow.conflate else _TURN_BATCHED if flow.batch else _TURN
        #: Whether every handler takes lists, so that handing a message out takes no time yet.
        self.gathers = False
        self.address = address
        self.codec = codec.fresh()
        self._loads = codec.loads
        self.wire = wire
        self.alias: Any = address
        #: Messages that were taken to be handled, each of a batch by itself.
        self.received = 0
        #: How many messages more were sent than frames.
        self.sent_more = 0
        self.most_at_once = self.errors = self.undecodable = 0
        self.handling = Stopwatch()

    @property
    def wires(self) -> tuple[Wire, ...]:
        """Every wire that closes with this endpoint."""
        return (self.wire,)

    @property
    def parts(self) -> tuple[Endpoint, ...]:
        """The endpoint itself and those that belong to it, each with a wire that messages may arrive on."""
        return (self,)

    def handlers(self) -> list[Handled]:
        """Return what is called with messages that arrive here."""
        return []

    def overheard(self, topic: bytes, change: int) -> None:
        """Note that *change* more onlookers want what begins with *topic*, also if nobody else does."""

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        """Send *message*; what the pattern has no use for is ignored."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} receives only, it cannot send: kind')

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        """Send *messages* in as few frames as possible; all of them, or none if one cannot be written."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} cannot send many messages at once: kind')

    def write_with(self, dump: Callable[[Any], Frames]) -> None:
        """Write messages by *dump* from now on."""
        self.codec.dump = dump

    def carry(self) -> None:
        """From now on send what the serializer of this socket has written before, and hand out frames as they come."""
        self.codec = self.codec.carrier()
        self._loads = self.codec.loads

    def load(self, frames: Frames | Loaded) -> Any:
        """Return the message in *frames*; :class:`Unreadable` if there is none."""
        try:
            if type(frames) is bytes:
                return self._loads(frames)
            return frames.message if type(frames) is Loaded else self.codec.decode(frames)  # type: ignore[arg-type]
        except Exception as error:
            raise self.unreadable(error) from error

    def unreadable(self, error: Exception) -> Unreadable:
        """Return what is to be raised for frames that the serializer could not read."""
        return Unreadable(self.codec.name, f'{type(error).__name__}: {error}')

    def split(self, frames: Frames) -> list[Any]:
        """Return what :meth:`receive` is to be called with for *frames*: each message of a batch by itself."""
        return [frames]

    def topic_of(self, frames: Any) -> bytes | None:
        """Return the topic of a message that has arrived, if it is known to have one."""
        return None

    def newest(self, messages: list[Any]) -> list[Any]:
        """Return those of *messages* that are to be handled where only the newest counts."""
        return messages[-1:]

    def at_turn_end(self, action: Callable[[], None]) -> None:
        """Run *action* in the loop, once, when the messages that are there have been handled."""
        self.host.at_turn_end(action, self)

    # -- What has been done -----------------------------------------------------------------------------------------

    def count_sent(self) -> int:
        """How many messages were sent."""
        return self.wire.sent.messages + self.sent_more

    def count_received(self) -> int:
        """How many messages were received."""
        return sum(part.received for part in self.parts if part.handles)

    def count_pending(self) -> int:
        """How many of the messages that were sent are not done, or not answered."""
        return 0

    def subscribers(self) -> int:
        """How many subscribers are connected now."""
        return 0

    @property
    def label(self) -> str:
        """What people are told to tell it from others: its alias, or where it is."""
        return self.alias if isinstance(self.alias, str) else place_text(places_of(self.address)[0])

    # -- The loop -------------------------------------------------------------------------------------------------

    def resumed(self) -> None:
        """Prepare for the loop, which is about to run."""

    def paused(self) -> None:
        """Take leave of the loop, which has ended, perhaps to run again."""

    def closing(self) -> None:
        """Take leave of whoever is at the other end: the wires are about to be closed."""

    def recv(self, timeout: float | None = None) -> Any:
        """Wait for one message and return it."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} cannot be received from directly: kind')

    def receive(self, frames: Frames) -> None:
        """Handle one message that the loop took off the wire."""
        raise KindUnsupported(self.address.kind, f'Socket {self.alias!r} does not receive in the loop: kind')


def places_of(address: AgentAddress | AgentChannel) -> list[AgentAddress]:
    """Return the addresses of the sockets that *address* stands for."""
    if isinstance(address, AgentAddress):
        return [address]
    return [one for one in (address.receiver, address.sender) if one is not None]


def place_text(place: AgentAddress) -> str:
    """Return where a socket is, as text: equal for the two ends of a connection."""
    return f'{place.transport}://{place.address}'
