"""PUB and SUB: publications by topic, and how both ends learn that a subscription is live."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from ..._clock import Deadline
from ...address import AgentAddress, AgentChannel
from ...errors import UnknownTopic, WaitTimeout
from ..audience import Audience
from ..batches import Loaded, is_batch, read, written
from ..flow import PLAIN, Flow
from ..gathering import Gathering, gathered, wants_batches
from ..handlers import bound_call, topic_call
from ..requests import NOBODY, WayBack
from ..serializers import TOPIC_SEPARATOR, Codec, Frames, head, prefixed, unprefixed
from ..topics import LISTENING, LIVE, PROOF, SUBSCRIBED, UNSUBSCRIBED, Subscription, Subscriptions, checked_topic
from .endpoint import Endpoint, Handled, Host, Unreadable, Wire
from .writer import Writer

# More distinct topics than this and the memory of how they are written is begun anew.
_REMEMBERED = 4096
_CONTAINERS = (dict, list, tuple)


class Pub(Writer):
    """The publishing end. *prefix* comes before every topic (a channel's identifier, or nothing)."""

    __slots__ = ('_audience', '_changed', '_written', 'listening', 'prefix')
    # Subscriptions arrive here; answering some of them is what makes the first publication safe.
    polled = True
    handles = False

    def __init__(
        self,
        host: Host,
        address: AgentAddress | AgentChannel,
        codec: Codec,
        wire: Wire,
        flow: Flow = PLAIN,
        prefix: bytes = b'',
    ) -> None:
        super().__init__(host, address, codec, wire, flow)
        self.prefix = prefix
        self.listening = 0
        self._audience = Audience()
        self._changed = threading.Condition()
        # What stands before a message of each topic that somebody listens to.
        self._written: dict[Any, bytes] = {}

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        try:
            before: bytes | None = self._written[topic]
        except (KeyError, TypeError):
            before = self._heard(topic)
        if before is None:
            if not self.codec.batches and not isinstance(message, _CONTAINERS):
                # Of raw and JSON, a look at what is no container: a mistake is one whether or not somebody listens.
                self._dump(message)
        else:
            frames = self._dump(message)
            self._hand_over(before + frames if type(frames) is bytes else prefixed(before, frames), timeout)

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        before = self._heard(topic)
        if before is not None:
            for count, frames in written(self.codec, messages):
                self._hand_over(prefixed(before, frames), timeout)
                self.sent_more += count - 1

    def _heard(self, topic: Any) -> bytes | None:
        """Return what stands before a message of *topic*; ``None`` if nobody is subscribed to it."""
        separator = self.codec.separator
        before = self.prefix + checked_topic(topic, separator) + (TOPIC_SEPARATOR if separator else b'')
        if not self._audience.hears(before, separator):
            # A subscription may have come that the loop, which may be busy sending, has not read yet.
            self._read_subscriptions()
            if not self._audience.hears(before, separator):
                return None
        if len(self._written) >= _REMEMBERED:
            self._written = {}
        if topic is None or isinstance(topic, (str, bytes)):
            self._written[topic] = before
        return before

    def overheard(self, topic: bytes, change: int) -> None:
        with self._changed:
            self._audience.overhear(self.prefix + topic, change)
            self._written = {}

    def _read_subscriptions(self) -> None:
        while self.wire.has_news():
            for event in self.wire.take(self.turn)[0]:
                self.receive(event)

    def receive(self, frames: Frames) -> None:
        event = head(frames)
        kind, topic = event[:1], event[1:]
        if kind not in (SUBSCRIBED, UNSUBSCRIBED):
            return
        with self._changed:
            if self._audience.note(topic, 1 if kind == SUBSCRIBED else -1):
                self._written = {}
            self._changed.notify_all()
        if kind == SUBSCRIBED:
            if topic.startswith(LIVE):
                self._hand_over(topic, None)
                self.sent_more -= 1  # it is nobody's message
            elif topic == LISTENING:
                self.listening += 1

    def subscribers(self) -> int:
        """How many subscribers are connected now.

        Who connected to a subscriber has that one, and hears of nobody who leaves: ZeroMQ keeps what it sends for one
        that may come back.
        """
        self._read_subscriptions()
        count = self._audience.count()
        return min(1, count) if getattr(self.address, 'role', 'server') == 'client' else count

    def wait_for_subscribers(self, count: int, seconds: float, in_loop: bool) -> int:
        """Wait until *count* are connected; how many are. *in_loop*: nobody else reads this socket meanwhile."""
        deadline = Deadline(seconds)
        if in_loop:
            enough = self._read_until(count, deadline)
        else:
            with self._changed:
                enough = self._changed.wait_for(lambda: self.subscribers() >= count, deadline.left)
        there = self.subscribers()
        if not enough and there < count:
            which = f'Socket {self.alias!r} of agent {self.host.agent.name!r}'
            raise WaitTimeout(f'{which} has {there} of {count} subscribers', seconds)
        return there

    def _read_until(self, count: int, deadline: Deadline) -> bool:
        while self.subscribers() < count:
            try:
                self.receive(self.wire.receive_one(deadline.left))
            except WaitTimeout:
                return False
        return True  # whoever came may have left since


class Sub(Endpoint):
    """The subscribing end. *prefix* comes before every topic, as at the publisher."""

    __slots__ = ('_separated', '_start', 'answered', 'prefix', 'subscriptions')
    polled = True

    def __init__(
        self,
        host: Host,
        address: AgentAddress | AgentChannel,
        codec: Codec,
        wire: Wire,
        handler: Any,
        flow: Flow = PLAIN,
        prefix: bytes = b'',
    ) -> None:
        super().__init__(host, address, codec, wire, flow)
        self.prefix = prefix
        self.subscriptions = Subscriptions(prefix, codec.separator)
        self._separated, self._start = codec.separator, len(prefix)
        #: Whether the publisher is there, and answers as one of ours when it has taken a subscription to account.
        self.answered = False
        self.subscribe(handler)

    def subscribe(self, handler: Any, exact: bool = False) -> bool:
        """Add subscriptions: topic to handler, or one handler for everything. A known topic gets the new handler.

        Returns whether there is anything that the publisher has to know.
        """
        by_topic = handler if isinstance(handler, dict) else {'': handler}
        # Everything is checked before anything is changed.
        wanted = [self._subscription(topic, one, exact) for topic, one in by_topic.items()]
        told = False
        for subscription in wanted:
            before = self.subscriptions.put(subscription)
            if before is None or before.exact != subscription.exact:
                told = True
                self.wire.subscribe(self.subscriptions.filter_of(subscription))
                if before is not None:
                    self.wire.unsubscribe(self.subscriptions.filter_of(before))
        self._note_handlers()
        return told

    def _note_handlers(self) -> None:
        self.gathers = all(type(one.call) is Gathering for one in self.subscriptions)

    def _subscription(self, topic: Any, handler: Any, exact: bool) -> Subscription:
        name = checked_topic(topic, self.codec.separator)
        call = topic_call(handler, self.host.agent, name)
        in_lists = self.flow.batch or wants_batches(bound_call(handler, self.host.agent))
        return Subscription(name, gathered(call, self, in_lists), exact)

    def unsubscribe(self, topics: Any) -> None:
        """Drop subscriptions; *topics* is text, bytes, or a list or tuple of them."""
        several: Iterable[Any] = topics if isinstance(topics, (list, tuple)) else (topics,)
        wanted = list(dict.fromkeys(checked_topic(topic, self.codec.separator) for topic in several))
        for topic in wanted:
            if topic not in self.subscriptions:
                raise UnknownTopic(topic, self.alias)
        for topic in wanted:
            self.wire.unsubscribe(self.subscriptions.filter_of(self.subscriptions.drop(topic)))
        self._note_handlers()

    def handlers(self) -> list[Handled]:
        return [Handled(one.call, one.topic, one.exact) for one in self.subscriptions]

    def receive(self, frames: Frames | Loaded) -> None:
        if type(frames) is Loaded:
            for call in self.subscriptions.matching(frames.about):
                call(frames.message)
            return
        main: bytes = frames if type(frames) is bytes else frames[0]  # type: ignore[assignment, index]
        end = main.find(TOPIC_SEPARATOR, self._start) if self._separated else -1
        if end < 0:
            self._receive_unseparated(frames)
            return
        topic = main[self._start : end]
        try:
            calls = self.subscriptions.matches[topic]
        except KeyError:
            calls = self.subscriptions.matching(topic)
        if not calls:
            return
        if type(frames) is bytes:
            # As load() does, without the call: every message of market data comes this way.
            try:
                message = self._loads(main[end + 1 :])
            except Exception as error:
                raise self.unreadable(error) from error
        else:
            message = self.load(unprefixed(end + 1, frames))  # type: ignore[arg-type]
        for call in calls:
            call(message)

    def _receive_unseparated(self, frames: Any) -> None:
        """Handle a message of raw bytes, or one that is none of the publisher's programs'."""
        main = head(frames)
        if main.startswith(LIVE):  # proof that this subscription, or another one, is live
            self.answered = True
            self.received -= 1
            if main.startswith(PROOF):
                self.wire.unsubscribe(main)  # it comes late, and has served
            return
        if self.codec.separator:
            raise Unreadable(self.codec.name, 'it has no separator after its topic')
        message = unprefixed(self._start, frames)
        for call in self.subscriptions.matching(head(message)):
            call(message)

    def split(self, frames: Frames) -> list[Any]:
        if not is_batch(frames, self.codec):
            return [frames]
        end = frames.find(TOPIC_SEPARATOR, self._start)
        try:
            items, read_already = read(self.codec, frames[end + 1 :])
        except Exception as error:
            raise self.unreadable(error) from error
        if not read_already:
            return [frames[: end + 1] + one for one in items]
        return [Loaded(message, frames[self._start : end]) for message in items]

    def topic_of(self, frames: Any) -> bytes | None:
        if type(frames) is Loaded:
            return frames.about  # type: ignore[no-any-return]
        main = head(frames)
        end = main.find(TOPIC_SEPARATOR, self._start) if self._separated else -1
        return main[self._start : end] if end >= 0 else None

    def newest(self, messages: list[Any]) -> list[Any]:
        latest: dict[bytes, Any] = {}
        for frames in messages:
            topic = frames.about if type(frames) is Loaded else self._topic(head(frames))
            latest.pop(topic, None)
            latest[topic] = frames
        return list(latest.values())

    def _topic(self, main: bytes) -> bytes:
        """Return what stands before the message: of each topic the newest counts. Raw bytes do not tell."""
        end = main.find(TOPIC_SEPARATOR) if self.codec.separator else -1
        return main[:end] if end >= 0 else LIVE if main.startswith(LIVE) else b''
