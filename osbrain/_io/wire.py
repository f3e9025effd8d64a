"""One ZeroMQ socket: sent to from any thread, drained by the loop, never blocked in without a way out."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

import zmq

from .._clock import Deadline
from .._config import config
from .._protocol.serializers import MORE_FRAMES, Frames
from ..errors import WaitTimeout
from .errors import OutOfTurn, bind_failed
from .poller import wait_readable

#: Types of sockets that no address names: what publishers and both ends of ASYNC_REP are made of.
XPUB, ROUTER, DEALER = int(zmq.XPUB), int(zmq.ROUTER), int(zmq.DEALER)

# pyzmq's constants are enums; on the hot path plain integers are quicker by a factor.
_NOBLOCK = int(zmq.NOBLOCK)
_MORE = int(zmq.SNDMORE) | _NOBLOCK
_EVENTS = int(zmq.EVENTS)
_RCVMORE = int(zmq.RCVMORE)
_IN = int(zmq.POLLIN)
_OUT = int(zmq.POLLOUT)

# A frame smaller than this is cheaper to copy than to keep as a view of ZeroMQ's memory.
_COPY_BELOW = 4096
# How long close() waits for ZeroMQ's thread to give an address back, which takes well under a millisecond.
_UNBIND_WAIT = 0.5


class Interruption(Protocol):
    """What can end a wait of the loop's thread from outside."""

    @property
    def fd(self) -> int:
        """Readable when :meth:`serve` has something to do."""

    def serve(self) -> float | None:
        """Do what cannot wait; may raise to end the wait. Seconds until it wants to be asked again, if it does."""


class SocketWire:
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
        touched: Callable[[SocketWire], None] | None = None,
        interruption: Callable[[], Interruption | None] = lambda: None,
        hwm: int | None = None,
        forget: Callable[[Any], None] = lambda socket: None,
    ) -> None:
        self.socket = context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, linger)
        if hwm is not None:
            self.socket.setsockopt(zmq.SNDHWM, hwm)
            self.socket.setsockopt(zmq.RCVHWM, hwm)
        self.kind = kind
        self.fd: int = self.socket.getsockopt(zmq.FD)
        self.lock = threading.RLock()
        self.closed = False
        #: Server side only: what close() gives back.
        self.endpoint: str | None = None
        self.path: str | None = None
        self._chosen = False
        self._touched = touched
        self._forget = forget
        self._interruption = interruption
        self._backlog: deque[Frames] = deque()
        # The methods of pyzmq's compiled class, without the conveniences of the one above it.
        backend: Any = super(zmq.Socket, self.socket)
        self._send = backend.send
        self._recv = backend.recv
        self._get = backend.get
        # A REP socket has to answer one request before it takes the next.
        self._most = 1 if kind == zmq.REP else 1 << 30
        self._take_one = self._enveloped if kind == zmq.ROUTER else self._plain

    # -- Addresses ------------------------------------------------------------------------------------------------

    def bind(self, endpoint: str, path: str | None = None, chosen: bool = True) -> str:
        """Bind to *endpoint* (a port ``*`` is chosen by the system); the endpoint that it became.

        *path* is the file that an ipc socket owns; *chosen* says that somebody may want the same address again.
        """
        self._allow_ipv6(endpoint)
        try:
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            raise bind_failed(error, endpoint) from None
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.path, self._chosen = path, chosen
        return self.endpoint

    def connect(self, endpoint: str, ready: float | None = None) -> None:
        """Connect to *endpoint*; nobody has to be there unless *ready* says how many seconds to wait for somebody."""
        self._allow_ipv6(endpoint)
        if ready is not None and endpoint.startswith('inproc:'):
            self._check_bound_inside(endpoint, ready)
            ready = None
        if ready is None:
            self.socket.connect(endpoint)
            return
        monitor = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        try:
            self.socket.connect(endpoint)
            if not monitor.poll(max(0.0, ready) * 1000):
                raise WaitTimeout(f'nobody answers at {endpoint}', ready)
        finally:
            self.socket.disable_monitor()
            monitor.close(0)

    def _check_bound_inside(self, endpoint: str, ready: float) -> None:
        # Inside a process no hands are shaken and no events told: a name that can be bound is one that nobody has.
        with self.socket.context.socket(zmq.PAIR) as probe:
            try:
                probe.bind(endpoint)
            except zmq.ZMQError:
                return
            probe.unbind(endpoint)
        raise WaitTimeout(f'nobody answers at {endpoint}, which is known inside its own process only', ready)

    def _allow_ipv6(self, endpoint: str) -> None:
        # Only where it is asked for: with the option set, ZeroMQ writes IPv4 addresses as IPv6 ones.
        if endpoint.startswith('tcp://['):
            self.socket.setsockopt(zmq.IPV6, 1)

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

    def send(self, frames: Frames, timeout: float | None = None) -> None:
        """Hand *frames* over; waits while the queue is full, at most *timeout* seconds (``config['SEND_TIMEOUT']``)."""
        if not self._try_send(frames):
            self._wait_until(_OUT, lambda: self._try_send(frames), timeout, 'SEND_TIMEOUT', 'send')
        if self._touched is not None:
            self._touched(self)

    def _try_send(self, frames: Frames) -> bool:
        with self.lock:
            try:
                if type(frames) is list:
                    for frame in frames[:-1]:
                        self._send(frame, _MORE, _copied(frame))
                    self._send(frames[-1], _NOBLOCK, _copied(frames[-1]))
                else:
                    self._send(frames, _NOBLOCK)
            except zmq.Again:
                return False
            except zmq.ZMQError as error:
                self._explain(error)
        return True

    # -- Receiving ------------------------------------------------------------------------------------------------

    def take(self, limit: int) -> tuple[list[Frames], bool]:
        """Up to *limit* messages that are there, and whether there may be more."""
        messages: list[Frames] = []
        with self.lock:
            if self.closed:
                return messages, False
            while self._backlog and len(messages) < limit:
                messages.append(self._backlog.popleft())
            take_one = self._take_one
            try:
                for _ in range(min(limit, self._most) - len(messages)):
                    messages.append(take_one())  # noqa: PERF401  (those before the exception count)
            except zmq.Again:
                return messages, False
        return messages, True

    def put_back(self, messages: list[Frames]) -> None:
        """Return what was taken but not handled; it comes first next time."""
        with self.lock:
            self._backlog.extendleft(reversed(messages))

    def receive_one(self, timeout: float | None = None) -> Frames:
        """Wait for one message, at most *timeout* seconds (``config['RECV_TIMEOUT']``)."""
        received: list[Frames] = []

        def try_receive() -> bool:
            with self.lock:
                if self._backlog:
                    received.append(self._backlog.popleft())
                    return True
                try:
                    received.append(self._take_one())
                except zmq.Again:
                    return False
                except zmq.ZMQError as error:
                    self._explain(error)
            return True

        # A look at the state is cheaper than an exception, and in a request nothing is there yet.
        self._wait_until(_IN, try_receive, timeout, 'RECV_TIMEOUT', 'receive')
        return received[0]

    def _plain(self) -> Frames:
        """One message of one frame, or of a frame and its buffers."""
        frame: bytes = self._recv(_NOBLOCK)
        if frame.endswith(MORE_FRAMES) and self._get(_RCVMORE):
            return self._rest([frame])
        return frame

    def _enveloped(self) -> Frames:
        """One message with the identity of its sender in front (ROUTER)."""
        return self._rest([self._recv(_NOBLOCK)])

    def _rest(self, parts: list[Any]) -> list[Any]:
        while self._get(_RCVMORE):
            frame = self._recv(_NOBLOCK, False)
            parts.append(
                frame.bytes
                if len(frame) < _COPY_BELOW or (self.kind == zmq.ROUTER and len(parts) == 1)
                else frame.buffer
            )
        return parts

    # -- Waiting and ending ---------------------------------------------------------------------------------------

    def _wait_until(
        self, event: int, attempt: Callable[[], bool], timeout: float | None, setting: str, what: str
    ) -> None:
        """Try *attempt* whenever *event* may hold, until it works; only the descriptor is waited on, not the socket."""
        seconds = config[setting] if timeout is None else timeout
        deadline = Deadline(seconds)
        interruption = self._interruption()
        fds = [self.fd] if interruption is None else [self.fd, interruption.fd]
        while True:
            with self.lock:
                if self.closed:
                    raise WaitTimeout(f'the socket was closed while an agent waited to {what}')
                ready = (event == _IN and self._backlog) or self._get(_EVENTS) & event
            if ready and attempt():
                return
            most = None if interruption is None else interruption.serve()
            if deadline.expired:
                raise WaitTimeout(f'nobody was there to {"take the message" if event == _OUT else "answer"}', seconds)
            if not ready:
                wait_readable(fds, deadline.left if most is None else deadline.left_or(most))

    def _explain(self, error: zmq.ZMQError) -> NoReturn:
        if error.errno == zmq.EFSM:
            raise OutOfTurn from None
        raise error

    def close(self, linger: int) -> None:
        """Close the socket; what was queued may go on for *linger* ms. The address is free when this returns."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            self.socket.setsockopt(zmq.LINGER, linger)
            if self.endpoint is not None and self._chosen:
                self._unbind()
            self.socket.close()
            self._forget(self.socket)
            self.remove_file()

    def _unbind(self) -> None:
        """Give the address back and wait until ZeroMQ's thread has done so."""
        with contextlib.suppress(zmq.ZMQError):
            if str(self.endpoint).startswith('inproc:'):
                self.socket.unbind(self.endpoint)
                return
            monitor = self.socket.get_monitor_socket(zmq.EVENT_CLOSED)
            try:
                self.socket.unbind(self.endpoint)
                monitor.poll(_UNBIND_WAIT * 1000)
            finally:
                self.socket.disable_monitor()
                monitor.close(0)

    def remove_file(self) -> None:
        """Remove the file of an ipc server, which ZeroMQ leaves behind when a process just ends."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()
            self.path = None


def _copied(frame: Any) -> bool:
    """Whether ZeroMQ has to copy *frame*: not if nobody can change it any more."""
    if type(frame) is memoryview:
        return not frame.readonly
    return len(frame) < _COPY_BELOW
