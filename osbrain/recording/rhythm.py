"""When each message of a recording is to be sent again: in which order, and how long after the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from math import inf

from .reading import Message

#: Seconds of the recording within which what went through one socket of an agent overtakes, at most, what went through
#: another: each came to the recorder over a connection of its own, and it may have had much to do.
WINDOW = 10.0
# Clocks that differ by less show the same time, and the difference is what the message took to the recorder.
_SAME_TIME = 1.0


def in_order(messages: Iterable[Message], aliases: Collection[str]) -> Iterator[Message]:
    """Put *messages* of one agent, which are those of its sockets *aliases*, into the order in which it sent them.

    Those of one socket are in order already, and stay so whatever somebody did to the clock.
    """
    latest: dict[str, float] = {}
    heap: list[tuple[float, int, Message]] = []
    waiting: Counter[str] = Counter()
    for number, message in enumerate(messages):
        alias = message.alias
        latest[alias] = max(latest.get(alias, -inf), message.when)
        heappush(heap, (latest[alias], number, message))
        waiting[alias] += 1
        # What stands first is the earliest if nothing earlier can come: from no socket, or not so late.
        while heap and (len(waiting) == len(aliases) or message.arrived - heap[0][2].arrived >= WINDOW):
            first = heappop(heap)[2]
            waiting[first.alias] -= 1
            if not waiting[first.alias]:
                del waiting[first.alias]
            yield first
    while heap:
        yield heappop(heap)[2]


def moment(message: Message) -> float:
    """When *message* was sent, in seconds since the epoch, by the recorder's clock as far as that can be known."""
    return message.when + _ahead(message)


def _ahead(message: Message) -> float:
    """By how much the recorder's clock is ahead of the agent's."""
    difference = message.arrived - message.when
    return difference if abs(difference) > _SAME_TIME else 0.0


def timed(messages: Iterable[Message], origin: float, speed: float) -> Iterator[tuple[float, Message]]:
    """Each of one agent's *messages* with the seconds from the beginning after which it is due, which never decrease.

    *origin* is the :func:`moment` of the first message of all agents. At *speed* 2 everything takes half as long, at
    0 everything is due at once.
    """
    due, ahead = 0.0, None
    for message in messages:
        if ahead is None:
            ahead = _ahead(message)
        if speed:
            due = max(due, (message.when + ahead - origin) / speed)
        yield due, message
