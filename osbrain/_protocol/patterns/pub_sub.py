"""PUB and SUB: publications by topic, and how both ends learn that a subscription is live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...address import AgentAddress, AgentChannel
from ...errors import UnknownTopic
from ..handlers import topic_call
from ..serializers import TOPIC_SEPARATOR, Codec, Frames, head, prefixed, unprefixed
from ..topics import LISTENING, LIVE, Subscription, Subscriptions, checked_topic
from .endpoint import Endpoint, Host, Unreadable, Wire

# More distinct topics than this and the memory of how they are written is begun anew.
_REMEMBERED = 4096
_SUBSCRIBED = b'\x01'


class Pub(Endpoint):
    """The publishing end. *prefix* comes before every topic (a channel's identifier, or nothing)."""

    __slots__ = ('_written', 'listening', 'prefix')
    # Subscriptions arrive here; answering some of them is what makes the first publication safe.
    polled = True

    def __init__(
        self, host: Host, address: AgentAddress | AgentChannel, codec: Codec, wire: Wire, prefix: bytes = b''
    ) -> None:
        super().__init__(host, address, codec, wire)
        self.prefix = prefix
        self.listening = 0
        self._written: dict[Any, bytes] = {}

    def send(
        self,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        try:
            written = self._written[topic]
        except (KeyError, TypeError):
            written = self._write(topic)
        self.wire.send(prefixed(written, self.codec.dump(message)), timeout)

    def _write(self, topic: Any) -> bytes:
        """Work out, and remember, what stands before a message of *topic*."""
        separator = self.codec.separator
        written = self.prefix + checked_topic(topic, separator) + (TOPIC_SEPARATOR if separator else b'')
        if len(self._written) >= _REMEMBERED:
            self._written = {}
        if isinstance(topic, (str, bytes)):
            self._written[topic] = written
        return written

    def receive(self, frames: Frames) -> None:
        event = head(frames)
        if event[:1] != _SUBSCRIBED:
            return
        topic = event[1:]
        if topic.startswith(LIVE):
            self.wire.send(topic)
        elif topic == LISTENING:
            self.listening += 1


class Sub(Endpoint):
    """The subscribing end. *prefix* comes before every topic, as at the publisher."""

    __slots__ = ('subscriptions',)
    polled = True

    def __init__(
        self,
        host: Host,
        address: AgentAddress | AgentChannel,
        codec: Codec,
        wire: Wire,
        handler: Any,
        prefix: bytes = b'',
    ) -> None:
        super().__init__(host, address, codec, wire)
        self.subscriptions = Subscriptions(prefix, codec.separator)
        self.subscribe(handler)

    def subscribe(self, handler: Any, exact: bool = False) -> None:
        """Add subscriptions: topic to handler, or one handler for everything. A known topic gets the new handler."""
        by_topic = handler if isinstance(handler, dict) else {'': handler}
        # Everything is checked before anything is changed.
        wanted = [self._subscription(topic, one, exact) for topic, one in by_topic.items()]
        for subscription in wanted:
            before = self.subscriptions.put(subscription)
            if before is None or before.exact != subscription.exact:
                self.wire.subscribe(self.subscriptions.filter_of(subscription))
                if before is not None:
                    self.wire.unsubscribe(self.subscriptions.filter_of(before))

    def _subscription(self, topic: Any, handler: Any, exact: bool) -> Subscription:
        written = checked_topic(topic, self.codec.separator)
        return Subscription(written, topic_call(handler, self.host.agent, written), exact)

    def unsubscribe(self, topics: Any) -> None:
        """Drop subscriptions; *topics* is text, bytes, or a list or tuple of them."""
        several: Iterable[Any] = topics if isinstance(topics, (list, tuple)) else (topics,)
        wanted = list(dict.fromkeys(checked_topic(topic, self.codec.separator) for topic in several))
        for topic in wanted:
            if topic not in self.subscriptions:
                raise UnknownTopic(topic, self.alias)
        for topic in wanted:
            self.wire.unsubscribe(self.subscriptions.filter_of(self.subscriptions.drop(topic)))

    def receive(self, frames: Frames) -> None:
        main = head(frames)
        if main.startswith(LIVE):  # meant for another subscriber of the same publisher
            return
        start = len(self.subscriptions.prefix)
        if not self.codec.separator:
            message = unprefixed(start, frames)
            for call in self.subscriptions.matching(head(message)):
                call(message)
            return
        end = main.find(TOPIC_SEPARATOR, start)
        if end < 0:
            raise Unreadable(self.codec.name, 'it has no separator after its topic')
        calls = self.subscriptions.matching(main[start:end])
        if calls:
            message = self.load(unprefixed(end + 1, frames))
            for call in calls:
                call(message)
