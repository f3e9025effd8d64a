"""Topics: how they are written, which subscriptions match one, and what each subscription calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..errors import TopicInvalid
from .serializers import TOPIC_SEPARATOR

#: What a publisher's socket is told by one that subscribes (RFC 29, ZeroMQ's PUBSUB).
SUBSCRIBED = b'\x01'
UNSUBSCRIBED = b'\x00'

# A subscriber proves that its subscription is live by subscribing to a topic of its own that begins so; the publisher
# then publishes to exactly that topic. The first byte is the greatest: ZeroMQ sends the subscriptions that were made
# before connecting in byte order, so this one arrives last.
LIVE = b'\xff\x00osbrain-live:'
# As above, to prove what was subscribed to later. It ends when it has served, and nobody is counted by it.
PROOF = LIVE + b'proof:'
# Every bound subscriber is subscribed to this, so that a publisher that connects knows when it has read all the others.
LISTENING = b'\xff\xff\x00osbrain-listening'

# More distinct topics than this and the memory of matches is begun anew.
_REMEMBERED = 4096


def topic_to_bytes(topic: str | bytes) -> bytes:
    """UTF-8 of a text; bytes as they are."""
    if isinstance(topic, str):
        return topic.encode()
    if isinstance(topic, (bytes, bytearray)):
        return bytes(topic)
    raise TopicInvalid(topic, f'a topic is text or bytes, not {type(topic).__name__}')


def topics_to_bytes(handlers: dict[Any, Any], uuid: bytes = b'') -> dict[bytes, Any]:
    """Return a copy of *handlers* with each topic as ``uuid`` + bytes."""
    return {uuid + topic_to_bytes(topic): value for topic, value in handlers.items()}


def checked_topic(topic: str | bytes | None, separator: bool) -> bytes:
    """Return the bytes of *topic* (``None`` is the empty one).

    :class:`~osbrain.errors.TopicInvalid` if it is neither text nor bytes, or could not be told from the message.
    """
    if not topic:
        if topic is None or isinstance(topic, (str, bytes, bytearray)):
            return b''
        raise TopicInvalid(topic, f'a topic is text or bytes, not {type(topic).__name__}')
    written = topic_to_bytes(topic)
    if separator and TOPIC_SEPARATOR in written:
        raise TopicInvalid(topic, 'its bytes contain 0x80, which ends a topic on the wire')
    return written


class Subscription(NamedTuple):
    """What one subscribed topic calls."""

    topic: bytes
    call: Callable[[Any], Any]
    exact: bool


class Subscriptions:
    """The subscriptions of one subscriber, in the order in which they are called."""

    def __init__(self, prefix: bytes = b'', separator: bool = True) -> None:
        self.prefix = prefix
        self.separator = separator
        self._by_topic: dict[bytes, Subscription] = {}
        #: Topic to what :meth:`matching` has answered; a look here saves the call.
        self.matches: dict[bytes, tuple[Callable[[Any], Any], ...]] = {}

    def __contains__(self, topic: bytes) -> bool:
        return topic in self._by_topic

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_topic.values()))

    def filter_of(self, subscription: Subscription) -> bytes:
        """Return what ZeroMQ is told to let through: a prefix; the separator after a topic makes it match whole."""
        return self.prefix + subscription.topic + (TOPIC_SEPARATOR if subscription.exact else b'')

    def put(self, subscription: Subscription) -> Subscription | None:
        """Add or replace; returns the one replaced."""
        if subscription.exact and not self.separator:
            raise TopicInvalid(
                subscription.topic, 'with serializer raw nothing tells where a topic ends: exact cannot work'
            )
        before = self._by_topic.get(subscription.topic)
        self._by_topic[subscription.topic] = subscription
        self.matches = {}
        return before

    def drop(self, topic: bytes) -> Subscription:
        """Remove and return; ``KeyError`` if there is none."""
        subscription = self._by_topic.pop(topic)
        self.matches = {}
        return subscription

    def matching(self, topic: bytes) -> tuple[Callable[[Any], Any], ...]:
        """Return what to call for a message of *topic* (for raw: for the whole frame), in the order of subscription."""
        found = self.matches.get(topic)
        if found is None:
            found = tuple(
                one.call
                for one in self._by_topic.values()
                if (topic == one.topic if one.exact else topic.startswith(one.topic))
            )
            if self.separator:
                if len(self.matches) >= _REMEMBERED:
                    self.matches = {}
                self.matches[topic] = found
        return found
