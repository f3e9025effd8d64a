"""One ZeroMQ socket: sent to from any thread, drained by the loop, never blocked in without a way out."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import zmq

from .._clock import Deadline
from .._config import config
from .._protocol.patterns.endpoint import PeerGone
from .._protocol.serializers import BATCH, MORE_FRAMES, OURS, Frames
from .._stats import NOTHING, Traffic
from ..errors import WaitTimeout
from . import places
from .errors import OutOfTurn, bind_failed
from .mutex import Mutex
from .onlookers import Attended
from .poller import Interruption, Pair, wait_readable
from .refusals import ConnectedEnd
from .sending import COPY_BELOW, parts_sender, sender, with_more

#: Types of sockets that no address names: what publishers and both ends of ASYNC_REP are made of.
XPUB, ROUTER, DEALER = int(zmq.XPUB), int(zmq.ROUTER), int(zmq.DEALER)

# pyzmq's constants are enums; on the hot path plain integers are quicker by a factor.
_NOBLOCK = int(zmq.NOBLOCK)
_EVENTS = int(zmq.EVENTS)
_RCVMORE = int(zmq.RCVMORE)
_IN = int(zmq.POLLIN)
_REQ = int(zmq.REQ)
_OUT = int(zmq.POLLOUT)

# Between requests and replies there is one message at a time.
_TURN_TAKERS = frozenset({_REQ, int(zmq.REP)})


class SocketWire(Attended):
    """A ZeroMQ socket with a lock (ZeroMQ allows one thread at a time) and its descriptor.

    ZeroMQ's descriptor is edge-triggered: it says that something happened since the last operation, so after every
    operation whoever waits has to look at the socket's state again (zmq_getsockopt(3), ZMQ_FD). The loop does that by
    draining; *touched* is called when another operation may have swallowed the edge.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        kind: int,
        linger: int,
        touched: Callable[[SocketWire], None] = lambda wire: None,
        interruption: Callable[[], Interruption | None] = lambda: None,
        hwm: int | None = None,
        forget: Callable[[SocketWire], None] = lambda wire: None,
        conflate: bool = False,
    ) -> None:
        super().__init__(touched)
        self.socket = context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, linger)
        if kind == XPUB:
            # Tell of every subscription, not of the first for each topic only, and of every one that ends.
            self.socket.setsockopt(zmq.XPUB_VERBOSER, 1)
            # Say when a queue runs full, so that it can be counted.
            self.socket.setsockopt(zmq.XPUB_NODROP, 1)
        if conflate:
            self.socket.setsockopt(zmq.CONFLATE, 1)
        if hwm is not None:
            self.socket.setsockopt(zmq.SNDHWM, hwm)
            self.socket.setsockopt(zmq.RCVHWM, hwm)
        if kind == zmq.SUB:
            # What it sends are its subscriptions, and libzmq drops those for which there is no room without a word.
            self.socket.setsockopt(zmq.SNDHWM, 0)
        self.kind = kind
        self.fd: int = self.socket.getsockopt(zmq.FD)
        self.lock = Mutex()
        self.closed = False
        #: Server side only: what close() gives back.
        self.endpoint: str | None = None
        self.path: str | None = None
        self._chosen = False
        #: Client side only, with CURVE: what has become of the connection.
        self.end: ConnectedEnd | None = None
        self._pair: Pair | None = None
        self._forget = forget
        self._interruption = interruption
        self._backlog: deque[Frames] = deque()
        #: Whether a batch was among the messages taken since this was last set to false.
        self.batches = False
        # The methods of pyzmq's compiled class, without the conveniences of the one above it.
        backend: Any = super(zmq.Socket, self.socket)
        #: Publishers: how often a subscriber's queue ran full; others: how often something waited until there was room.
        self.overflows = self.waits = 0
        #: Sends parts without waiting.
        self.send_parts = parts_sender(backend.send)
        #: Hand frames over; waits while the queue is full, at most *timeout* seconds (``config['SEND_TIMEOUT']``).
        self.send, self._sent = sender(self, backend.send)
        self._late = NOTHING
        #: What was taken until now.
        self.received = NOTHING
        self._recv = backend.recv
        self._get = backend.get
        # A REP socket has to answer one request before it takes the next.
        self._most = 1 if kind == zmq.REP else 1 << 30
        self._take_one = self._enveloped if kind == ROUTER else self._whole if kind in _TURN_TAKERS else self._plain

    # -- Addresses ------------------------------------------------------------------------------------------------

    def bind(self, endpoint: str, path: str | None = None, chosen: bool = True) -> str:
        """Bind to *endpoint* (a port ``*`` is chosen by the system); the endpoint that it became.

        *path* is the file that an ipc socket owns; *chosen* says that somebody may want the same address again.
        """
        places.allow_ipv6(self.socket, endpoint)
        try:
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            raise bind_failed(error, endpoint) from None
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.path, self._chosen = path, chosen
        return self.endpoint

    def connect(self, endpoint: str, ready: float | None = None) -> None:
        """Connect to *endpoint*; nobody has to be there unless *ready* says how many seconds to wait for somebody."""
        places.allow_ipv6(self.socket, endpoint)
        if ready is None:
            self.socket.connect(endpoint)
        else:
            places.connect_in_time(self.socket, endpoint, ready, self.end)

    def subscribe(self, topic: bytes) -> None:
        """Let messages through that begin so."""
        with self.lock:
            self.socket.setsockopt(zmq.SUBSCRIBE, topic)

    def unsubscribe(self, topic: bytes) -> None:
        """Undo one :meth:`subscribe`."""
        with self.lock:
            self.socket.setsockopt(zmq.UNSUBSCRIBE, topic)

    def relax(self) -> None:
        """Let a REQ socket send again, and have it drop the answer to what it asked before (zmq_setsockopt(3))."""
        with self.lock:
            self.socket.setsockopt(zmq.REQ_RELAXED, 1)
            self.socket.setsockopt(zmq.REQ_CORRELATE, 1)

    def out_of_turn(self) -> NoReturn:
        """Raise the error for a send or receive that is not due."""
        raise OutOfTurn

    # -- Sending --------------------------------------------------------------------------------------------------

    @property
    def sent(self) -> Traffic:
        """What was handed over until now."""
        at_once = self._sent()
        return Traffic(at_once.messages + self._late.messages, at_once.bytes + self._late.bytes)

    def send_later(self, frames: Frames, timeout: float | None) -> None:
        """Send *frames*, for which there was no room just now."""
        if self.kind == XPUB:
            self._send_to_those_with_room(frames)
            return
        self.waits += 1
        chances = self._chances(_OUT, timeout, 'SEND_TIMEOUT')
        while True:
            next(chances)
            try:
                with self.lock:
                    self.send_parts(frames)
                    self._late = with_more(self._late, [frames])
            except zmq.ZMQError as error:
                self.not_now(error)
            else:
                return

    def _send_to_those_with_room(self, frames: Frames) -> None:
        """Publish, but not to subscribers whose queue is full; publishers wait for nobody.

        ZeroMQ says once that a queue has run full. Until it has room again it drops messages without another word.
        """
        with self.lock:
            self.socket.setsockopt(zmq.XPUB_NODROP, 0)
            try:
                self.send_parts(frames)
            finally:
                self.socket.setsockopt(zmq.XPUB_NODROP, 1)
            self.overflows += 1
            self._late = with_more(self._late, [frames])

    def not_now(self, error: zmq.ZMQError) -> None:
        """Raise *error*, in our words, unless it only says that there is no room, or no message, now."""
        if error.errno == zmq.EFSM:
            raise OutOfTurn from None
        if error.errno == zmq.EHOSTUNREACH:
            raise PeerGone from None
        if error.errno != zmq.EAGAIN:
            raise error

    # -- Receiving ------------------------------------------------------------------------------------------------

    def take(self, limit: int) -> tuple[list[Frames], bool]:
        """Up to *limit* messages that are there, and whether there may be more."""
        messages: list[Frames] = []
        with self.lock:
            if self.closed:
                return messages, False
            while self._backlog and len(messages) < limit:
                messages.append(self._backlog.popleft())
            known = len(messages)
            try:
                self._take_into(messages, min(limit, self._most) - known)
                # Answering a request makes the loop look again.
                more = self._most > 1
            except zmq.Again:
                more = False
            if len(messages) > known:
                self.received = with_more(self.received, messages[known:] if known else messages)
        if self.onlookers:
            self.show(messages[known:], False)
        return messages, more

    def has_news(self) -> bool:
        """Whether a message may be there; a look is cheaper than :meth:`take` where there is none."""
        with self.lock:
            return not self.closed and bool(self._backlog or self._get(_EVENTS) & _IN)

    def put_back(self, messages: list[Frames]) -> None:
        """Return what was taken but not handled; it comes first next time."""
        with self.lock:
            self._backlog.extendleft(reversed(messages))
        self.tell()

    def receive_one(self, timeout: float | None = None) -> Frames:
        """Wait for one message, at most *timeout* seconds (``config['RECV_TIMEOUT']``)."""
        chances = self._chances(_IN, timeout, 'RECV_TIMEOUT')
        while True:
            next(chances)
            with self.lock:
                known = bool(self._backlog)
                try:
                    if known:
                        message = self._backlog.popleft()
                    else:
                        message = self._take_one()
                        self.received = with_more(self.received, [message])
                except zmq.ZMQError as error:
                    self.not_now(error)
                    continue
            if self.onlookers and not known:
                self.show([message], False)
            self.tell()
            return message

    def _take_into(self, messages: list[Frames], most: int) -> None:
        """Add up to *most* messages, the last of them the first batch or large one; ``zmq.Again`` at the end.

        A large message that is taken keeps its memory. Taken one at a time, the next arrives in memory that is warm.
        """
        keep = messages.append
        if self.kind in _TURN_TAKERS:
            if most:
                keep(self._whole())
            return
        if self.kind == ROUTER:
            for _ in range(most):
                parts = self._enveloped()
                keep(parts)
                if self.batches or len(parts) > 2:
                    return
            return
        receive, ours = self._recv, OURS
        for _ in range(most):
            frame = receive(_NOBLOCK)
            if frame.endswith(ours):
                keep(self._ours(frame))
                if self.batches or type(messages[-1]) is list:
                    return
            else:
                keep(frame)

    def _plain(self) -> Frames:
        """One message of one frame, or of a frame and its buffers."""
        frame: bytes = self._recv(_NOBLOCK)
        return self._ours(frame) if frame.endswith(OURS) else frame

    def _whole(self) -> Frames:
        """One message, whoever wrote it: while a part of it is left, ZeroMQ lets nobody answer it, or ask again."""
        frame: bytes = self._recv(_NOBLOCK)
        return self._rest([frame]) if self._get(_RCVMORE) else frame

    def _ours(self, frame: bytes) -> Frames:
        """Return the message that begins with a *frame* of a form of our own."""
        if frame.endswith(MORE_FRAMES) and self._get(_RCVMORE):
            return self._rest([frame])
        self.batches = self.batches or frame.endswith(BATCH)
        return frame

    def _enveloped(self) -> Frames:
        """One message with the identity of its sender in front (ROUTER)."""
        parts = self._rest([self._recv(_NOBLOCK)])
        if len(parts) == 2 and parts[1].endswith(BATCH):
            self.batches = True
        return parts

    def _rest(self, parts: list[Any]) -> list[Any]:
        while self._get(_RCVMORE):
            frame = self._recv(_NOBLOCK, False)
            parts.append(
                frame.bytes
                if len(frame) < COPY_BELOW or (self.kind == zmq.ROUTER and len(parts) == 1)
                else frame.buffer
            )
        return parts

    # -- Waiting and ending ---------------------------------------------------------------------------------------

    def _chances(self, event: int, timeout: float | None, setting: str) -> Iterator[None]:
        """Come back whenever *event* may hold; :class:`~osbrain.errors.WaitTimeout` when the time is up.

        A look at the state is cheaper than an exception. The answer to a request cannot have come when the request was
        sent, nor can its edge have been swallowed since: who waits for it does without the first look. Once the
        descriptor has spoken, trying is the cheapest look.
        """
        seconds = config[setting] if timeout is None else timeout
        deadline = Deadline(seconds)
        interruption = self._interruption()
        if interruption is not None and self._pair is None:
            self._pair = Pair(self.fd, interruption.fd)
        look = self.kind != _REQ or event == _OUT
        while True:
            with self.lock:
                if self.closed:
                    doing = 'send' if event == _OUT else 'receive'
                    raise WaitTimeout(f'the socket was closed while an agent waited to {doing}')
                ready = look and ((event == _IN and self._backlog) or self._get(_EVENTS) & event)
            if ready:
                yield
            most = None if interruption is None else interruption.serve()
            if look and deadline.expired:
                raise WaitTimeout(f'nobody was there to {"take the message" if event == _OUT else "answer"}', seconds)
            if not ready:
                left = deadline.left if most is None else deadline.left_or(most)
                if interruption is None or self._pair is None:
                    spoken = wait_readable([self.fd], left)
                else:
                    # Only the loop's thread is interrupted, so nobody else uses the pair at the same time.
                    spoken = self._pair.wait(left)
                    if self._pair.second in spoken:
                        interruption.silence()
                if self.fd in spoken and not self.closed:
                    yield
            look = True

    def close(self, linger: int) -> None:
        """Close the socket; what was queued may go on for *linger* ms. The address is free when this returns."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            self.socket.setsockopt(zmq.LINGER, linger)
            if self.endpoint is not None and self._chosen:
                places.unbind(self.socket, self.endpoint)
            self.socket.close()
            self._forget(self)
            self.remove_file()
        for onlooker in self.onlookers:
            onlooker.wire_closed()

    def remove_file(self) -> None:
        """Remove the file of an ipc server, which ZeroMQ leaves behind when a process just ends."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()
            self.path = None
