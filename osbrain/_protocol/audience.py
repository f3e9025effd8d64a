"""Who listens to a publisher: what ZeroMQ tells it of subscriptions, and whether a topic is worth writing."""

from __future__ import annotations

from collections import Counter

from .serializers import TOPIC_SEPARATOR
from .topics import LISTENING, LIVE, PROOF


class Audience:
    """The subscriptions at one publisher.

    Every subscriber of ours is also subscribed to a topic of its own (see :data:`~osbrain._protocol.topics.LIVE`), by
    which it is counted. Of others only their topics are known: as many are there as have the most common one, at least.
    """

    def __init__(self) -> None:
        self._topics: Counter[bytes] = Counter()
        # Threads that read subscriptions at the same time may note the end of one before its beginning: hence counts.
        self._marks: Counter[bytes] = Counter()
        # Subscriptions, not of ours, that ask for more than a topic.
        self._beyond: set[bytes] = set()
        # Topics of those who look on from outside, and are no subscribers.
        self._overheard: Counter[bytes] = Counter()

    def note(self, topic: bytes, change: int) -> bool:
        """Take one more subscription, or one less, to account; whether it may change who hears what."""
        if topic == LISTENING or topic.startswith(PROOF):
            return False
        of_subscribers = topic.startswith(LIVE)
        counts = self._marks if of_subscribers else self._topics
        before = counts[topic]
        counts[topic] = before + change
        if not counts[topic]:
            del counts[topic]
        if not of_subscribers and TOPIC_SEPARATOR in topic[:-1]:
            (self._beyond.add if before + change > 0 else self._beyond.discard)(topic)
        return not of_subscribers and (before > 0) != (before + change > 0)

    def overhear(self, topic: bytes, change: int) -> None:
        """Take to account that *change* more onlookers want what begins with *topic*."""
        self._overheard[topic] += change
        if self._overheard[topic] <= 0:
            del self._overheard[topic]

    def hears(self, before: bytes, separator: bool) -> bool:
        """Whether somebody may be subscribed to what begins with *before*, its topic, or looks on."""
        if self._overheard and (not separator or before.startswith(tuple(self._overheard))):
            return True
        if not separator or self._beyond:
            # The message itself may be what a subscription asks for.
            return any(count > 0 for count in tuple(self._topics.values()))
        return any(self._topics.get(before[:length], 0) > 0 for length in range(len(before) + 1))

    def count(self) -> int:
        """How many subscribers there are."""
        marked = sum(count > 0 for count in tuple(self._marks.values()))
        return max(marked, max(tuple(self._topics.values()), default=0))
