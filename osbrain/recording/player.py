"""The agent that takes the place of one that was recorded, and sends what that one has sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from .._agent.agent import Agent
from .._agent.core import core_of
from .._clock import monotonic
from .._io.peers import with_peers
from .reading import Message, Recording
from .rhythm import in_order, timed
from .tracks import Track

#: Kind of a socket -> what of it can be sent again: what its agent says of its own accord.
SENT_AGAIN = {'PUB': 'message', 'PUSH': 'message', 'SYNC_PUB': 'message', 'ACK_PUSH': 'task'}
# Messages that are due are sent so many at a time: in between, the agent does what others want of it.
_TURN = 64


class Socket(NamedTuple):
    """A socket that is to be had again."""

    kind: str
    serializer: str


@dataclass(frozen=True)
class Part:
    """What one agent is to send: all that *agent* has sent through *sockets* (by alias) in the recording at *path*."""

    path: str
    agent: str
    sockets: Mapping[str, Socket]
    origin: float
    speed: float


class Progress(NamedTuple):
    """How far an agent has come with its part."""

    sent: int
    #: The most seconds that a message was late.
    late: float
    #: What of the file could not be read.
    damages: tuple[str, ...]
    #: Why it could not go on, if it could not.
    failure: str | None
    done: bool


def can_be_sent(track: Track) -> bool:
    """Whether an agent can send again what is on *track*."""
    return track.direction == 'out' and SENT_AGAIN.get(track.kind) == track.what


class Player(Agent):
    """Has the sockets of an agent that was recorded, and sends what that one has sent, when it is told to begin."""

    part: Part

    def on_init(self) -> None:
        self._sent, self._late = 0, 0.0
        self._damages: list[str] = []
        self._failure: str | None = None
        self._done = threading.Event()
        for alias, (kind, serializer) in self.part.sockets.items():
            handler = 'refuse' if kind == 'SYNC_PUB' else None
            self.bind(kind, alias=alias, handler=handler, serializer=serializer)
            core_of(self).endpoints.find(alias).carry()

    def refuse(self, request: Any) -> NoReturn:
        """Answer a request: what the agent that was recorded would have said nobody knows."""
        raise RuntimeError(f'{self.name} sends again what was recorded, and answers nothing')

    def receivers(self) -> dict[str, int]:
        """Return how many are connected to each socket; of a ``PUSH`` it is only known whether anybody is."""
        return {alias: self._receivers(alias, kind) for alias, (kind, _) in self.part.sockets.items()}

    def _receivers(self, alias: str, kind: str) -> int:
        if kind == 'PUSH':
            wire: Any = core_of(self).endpoints.find(alias).wire
            return len(with_peers([wire.endpoint]))
        return len(self.pending(alias).workers) if kind == 'ACK_PUSH' else self.subscribers(alias)

    def begin(self, when: float) -> None:
        """Send the first message at *when* (monotonic), and all others as long after it as they were."""
        self._begin = when
        self._left = timed(in_order(self._own(), self.part.sockets), self.part.origin, self.part.speed)
        self._next = next(self._left, None)
        self._go_on()

    def _own(self) -> Iterator[Message]:
        for message in Recording(self.part.path).messages(self._damages.append):
            if message.agent == self.part.agent and message.alias in self.part.sockets and can_be_sent(message.track):
                yield message

    def _go_on(self) -> None:
        try:
            early = self._send_what_is_due()
        except Exception as error:
            self._failure = f'{type(error).__name__}: {error}'
            self._done.set()
            raise
        if early is None:
            self._done.set()
        else:
            self.after(early, '_go_on')

    def _send_what_is_due(self) -> float | None:
        """Return the seconds until the next message is due; ``None`` after the last."""
        for _ in range(_TURN):
            if self._next is None:
                return None
            due, message = self._next
            early = self._begin + due - monotonic()
            if early > 0:
                return early
            self._late = max(self._late, -early)
            self.send(message.alias, message.data, topic=message.topic)
            self._sent += 1
            self._next = next(self._left, None)
        return 0.0

    def progress(self, seconds: float) -> Progress:
        """Return how far it has come: when all is sent, or after *seconds*."""
        done = self._done.wait(seconds)
        return Progress(self._sent, self._late, tuple(self._damages), self._failure, done)
