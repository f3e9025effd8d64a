"""Taps: copies of what goes through an agent's sockets, for others to see, made for as long as somebody looks on."""

from __future__ import annotations

import contextlib
import threading
import time
from itertools import count
from typing import Any, NamedTuple, cast

from .._clock import monotonic
from .._io.wire import SocketWire
from .._protocol.patterns.endpoint import Endpoint
from .._protocol.patterns.pub_sub import Pub, Sub
from .._protocol.serializers import CODECS, Frames, head, size_of
from .._protocol.tap_frames import (
    MOST_BYTES,
    MOST_COPIES,
    Copy,
    Direction,
    Framing,
    read_taken,
    write,
)
from .._protocol.topics import SUBSCRIBED, UNSUBSCRIBED, checked_topic
from ..address import AgentAddress
from ..errors import TopicInvalid, WaitTimeout
from .core import Core
from .wiring import bind_hidden

# How long a tap waits for a listener that has not come yet, or whose connection has broken, in seconds.
_ALONE = 3.0
# How long the last word may take to reach a listener, in milliseconds.
_LINGER = 1000
# How many words of a listener are read at once.
_AT_ONCE = 64


class TapPlace(NamedTuple):
    """Where a tap can be listened to, and how what it copies is read."""

    number: int
    address: AgentAddress
    framing: Framing


class Tap(Endpoint):
    """One listener's view of one socket, from here to the connection. The loop reads what the listener says.

    Frames are copied in the thread that sends or takes them, and whatever is wrong with the copy is its own affair.
    """

    __slots__ = (
        '_alone_since', '_bytes', '_copies', '_ended', '_filter', '_listeners', '_lock', '_number', '_taps', '_topic',
        'begun', 'line', 'on',
    )  # fmt: skip
    polled = True
    handles = False

    def __init__(
        self, taps: Taps, host: Core, place: tuple[SocketWire, AgentAddress], on: Endpoint, topic: bytes
    ) -> None:
        self.line, address = place
        super().__init__(host, address, CODECS['raw'], cast('Any', self.line))
        self.on = on
        self._taps = taps
        self._topic = topic
        # What topics begin with is what their frames begin with.
        self._filter = on.prefix + topic if topic else b''
        self._lock = threading.RLock()
        self._number = 0
        # On their way to the listener.
        self._copies = self._bytes = 0
        # One, or for a moment two when it has connected again and the end of its old connection is told later.
        self._listeners = 0
        self._alone_since = monotonic()
        #: Whether it is shown what goes through.
        self.begun = False
        self._ended = False

    # -- The listener -------------------------------------------------------------------------------------------------

    def receive(self, frames: Frames) -> None:
        word = head(frames)
        with self._lock:
            if word[:1] == SUBSCRIBED:
                self._listeners += 1
                # What was on its way when a connection broke is lost.
                self._copies = self._bytes = 0
            elif word[:1] == UNSUBSCRIBED:
                self._listeners -= 1
                self._alone_since = monotonic()
                self.expect_listener()
            else:
                copies, size = read_taken(word)
                self._copies -= min(copies, self._copies)
                self._bytes -= min(size, self._bytes)

    def expect_listener(self) -> None:
        """End if nobody listens in a while."""
        self.host.start_wait(_ALONE, self._end_if_alone)

    def _end_if_alone(self) -> None:
        if not self._listeners and monotonic() >= self._alone_since + _ALONE:
            self.end()

    def begin(self, seconds: float) -> None:
        """Wait until the listener is there, at most *seconds*, and copy what goes through from then on."""
        self.receive(self.wire.receive_one(seconds))
        with self._lock:
            self.begun = not self._ended
        if self.begun:
            self.on.overheard(self._topic, 1)
            self._taps.begin(self)

    # -- What goes through --------------------------------------------------------------------------------------------

    def saw(self, frames: Frames, outward: bool) -> None:
        """Copy frames, unless nobody wants them."""
        if not self._filter or head(frames).startswith(self._filter):
            self._copy(frames, Direction.OUT if outward else Direction.IN)

    def _copy(self, frames: Frames, direction: Direction) -> None:
        try:
            with self._lock:
                self._number += 1
                if not self._ended and self._has_room():
                    copy = write(Copy(self._number, time.time(), direction, frames))
                    self.wire.send(copy, 0)
                    self._copies += 1
                    self._bytes += size_of(copy)
        except Exception as error:
            if not self._ended:
                self.wire_closed()
                self.host.warn(f'Nobody can look at {self.on.alias!r} any more: {type(error).__name__}: {error}')
        else:
            self._end_if_alone()

    def _has_room(self) -> bool:
        if not self._listeners:
            return False
        if self._copies >= MOST_COPIES or self._bytes >= MOST_BYTES:
            # The loop may be busy with the very handler that sends.
            for frames in self.wire.take(_AT_ONCE)[0]:
                self.receive(frames)
        return self._copies < MOST_COPIES and self._bytes < MOST_BYTES

    # -- The end ------------------------------------------------------------------------------------------------------

    def wire_closed(self) -> None:
        """Tell the listener that nothing more will come, and end."""
        with contextlib.suppress(Exception), self._lock:
            self._number += 1
            self.wire.send(write(Copy(self._number, time.time(), Direction.END, [])), 0)
        self.end(_LINGER)

    def end(self, linger: int = 0) -> None:
        """Look no more; *linger* in milliseconds, for what is on its way."""
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            if self.begun:
                self.on.overheard(self._topic, -1)
            self._taps.forget(self)
            self.line.close(linger)


class Taps:
    """The taps of one agent; made for every agent, and empty until somebody looks on."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._taps: dict[int, Tap] = {}
        self._ends_with_agent = False

    def open(self, alias: Any, topic: Any, transport: str) -> TapPlace:
        """Make a tap on the socket *alias*, for publications whose topic begins with *topic* if that is not empty."""
        core = self._core
        endpoint = core.endpoints.find(alias)
        beginning = checked_topic(topic, endpoint.codec.separator)
        if beginning and not isinstance(endpoint, (Pub, Sub)):
            raise TopicInvalid(topic, f'a {endpoint.address.kind} has none')
        place = bind_hidden(core, transport, endpoint)
        tap = Tap(self, core, place, endpoint, beginning)
        with self._lock:
            if not self._ends_with_agent:
                core.belongings.append(self.close)
                self._ends_with_agent = True
            number = next(self._numbers)
            self._taps[number] = tap
        tap.expect_listener()
        return TapPlace(number, place[1], Framing(str(endpoint.address.kind), endpoint.codec.name, endpoint.prefix))

    def wait_listener(self, number: int, seconds: float) -> None:
        """Begin to copy when the listener is there; ``TimeoutError`` if it is not within *seconds*."""
        tap = self._taps.get(number)
        if tap is None:
            raise WaitTimeout('nobody came to look')
        tap.begin(seconds)

    def begin(self, tap: Tap) -> None:
        """Show *tap* what goes through, and have the loop look after its listener."""
        self._show_all(tap.on)
        self._core.loop.watch(tap.line, tap)
        if any(wire.closed for wire in tap.on.wires):
            tap.wire_closed()

    def end(self, number: int, last_word: bool = False) -> None:
        """End a tap, if it has not ended by itself; with a *last_word* to its listener, what was copied gets there."""
        tap = self._taps.get(number)
        if tap is None:
            return
        if last_word:
            tap.wire_closed()
        else:
            tap.end()

    def forget(self, tap: Tap) -> None:
        """Show *tap* nothing more."""
        with self._lock:
            self._taps = {number: one for number, one in self._taps.items() if one is not tap}
        self._show_all(tap.on)
        self._core.loop.forget(tap.line)

    def _show_all(self, endpoint: Endpoint) -> None:
        with self._lock:
            onlookers = [tap for tap in self._taps.values() if tap.on is endpoint and tap.begun]
            for wire in endpoint.wires:
                wire.show_to(*onlookers)  # type: ignore[attr-defined]

    def close(self) -> None:
        """End all of them."""
        for tap in list(self._taps.values()):
            tap.end()
