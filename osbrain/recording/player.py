"""The agent that takes the place of one that was recorded, and sends what that one has sent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from .._agent.agent import Agent
from .._agent.core import core_of
from .._clock import monotonic
from .._io.peers import with_peers
from .._protocol.observed import Reader
from .._protocol.tap_frames import Framing
from .reading import Message, Recording
from .rhythm import in_order, timed
from .tracks import Track

#: Kind of a socket -> what of it can be sent again: what its agent says of its own accord.
SENT_AGAIN = {'PUB': 'message', 'PUSH': 'message', 'SYNC_PUB': 'message', 'ACK_PUSH': 'task'}
#: What is sent to an agent that is replayed is taken, so that nobody waits for it.
TAKEN_AGAIN = 'PULL'
# Messages that are due are sent so many at a time: in between, the agent does what others want of it.
_TURN = 64
_PATIENCE = 'osbrain-patience'


class Socket(NamedTuple):
    """A socket that is to be had again."""

    kind: str
    serializer: str


@dataclass(frozen=True)
class Part:
    """What one agent is to do: send all that *agent* has sent through *sockets* (by alias) in the recording *path*."""

    path: str
    agent: str
    sockets: Mapping[str, Socket]
    #: When the first message of all agents was sent, in seconds since the epoch.
    origin: float
    #: How many times as fast to send; 0: without pauses.
    speed: float
    #: Seconds to wait, before a message is sent, for those to come that had come by then; 0: not at all.
    in_step: float


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


def can_be_taken(track: Track) -> bool:
    """Whether an agent can take again what is on *track*, if somebody sends it."""
    return track.direction == 'in' and track.kind == TAKEN_AGAIN


class Player(Agent):
    """Has the sockets of an agent that was recorded, and sends what that one has sent, when it is told to begin."""

    part: Part

    def on_init(self) -> None:
        self._sent, self._late = 0, 0.0
        self._damages: list[str] = []
        self._failure: str | None = None
        self._done = threading.Event()
        self._taken: Counter[str] = Counter()
        self._expected: Counter[str] = Counter()
        self._awaited: tuple[str, float] | None = None
        for alias, (kind, serializer) in self.part.sockets.items():
            self.bind(kind, alias=alias, handler=self._handler(alias, kind, serializer), serializer=serializer)
            core_of(self).endpoints.find(alias).carry()

    def on_sent(self, message: Message) -> None:
        """Run after each message that was sent; override at will."""

    def _handler(self, alias: str, kind: str, serializer: str) -> Callable[..., Any] | None:
        if kind == 'SYNC_PUB':
            return self._refuse
        if kind == TAKEN_AGAIN:
            # They are counted as those were that were recorded, and none is unpickled.
            reader = Reader(Framing(kind, serializer, b''))
            return lambda agent, frames: agent._take(alias, reader, frames)
        return None

    def _refuse(self, request: Any) -> NoReturn:
        """Answer a request: what the agent that was recorded would have said nobody knows."""
        raise RuntimeError(f'{self.name} sends again what was recorded, and answers nothing')

    def receivers(self) -> dict[str, int]:
        """Return how many are connected to each socket that sends; of a ``PUSH`` only whether anybody is."""
        sockets = self.part.sockets.items()
        return {alias: self._receivers(alias, kind) for alias, (kind, _) in sockets if kind in SENT_AGAIN}

    def _receivers(self, alias: str, kind: str) -> int:
        if kind == 'PUSH':
            wire: Any = core_of(self).endpoints.find(alias).wire
            return len(with_peers([wire.endpoint]))
        return len(self.pending(alias).workers) if kind == 'ACK_PUSH' else self.subscribers(alias)

    def begin(self, when: float) -> None:
        """Send the first message at *when* (monotonic), and all others as long after it as they were."""
        self._begin = when
        part = self.part
        counted = [alias for alias, (kind, _) in part.sockets.items() if kind in SENT_AGAIN or part.in_step]
        self._left = timed(in_order(self._own(), counted), part.origin, part.speed)
        self._next = next(self._left, None)
        self._go_on()

    def _own(self) -> Iterator[Message]:
        part = self.part
        for message in Recording(part.path).messages(self._damages.append):
            track = message.track
            counts = can_be_sent(track) or (part.in_step and can_be_taken(track))
            if counts and track.agent == part.agent and track.alias in part.sockets:
                yield message

    def _go_on(self) -> None:
        try:
            early = self._do_what_is_due()
        except Exception as error:
            self._give_up(f'{type(error).__name__}: {error}')
            raise
        if early is not None:
            self.after(early, '_go_on')
        elif self._awaited is None:
            self._done.set()

    def _do_what_is_due(self) -> float | None:
        """Return the seconds until there is more to do; ``None`` if that is not a matter of time."""
        for _ in range(_TURN):
            if self._next is None:
                return None
            due, message = self._next
            if message.track.direction == 'out':
                early = self._begin + due - monotonic()
                if early > 0:
                    return early
                self._send(message, -early)
            self._next = next(self._left, None)
            if message.track.direction == 'in' and not self._has_come(message.alias, due):
                return None
        return 0.0

    def _send(self, message: Message, late: float) -> None:
        self.send(message.alias, message.data, topic=message.topic)
        self._sent += 1
        if self.part.speed:
            self._late = max(self._late, late)
        self.on_sent(message)

    # -- In step with those who send to it ------------------------------------------------------------------------

    def _has_come(self, alias: str, due: float) -> bool:
        """Whether one more message than before has come to *alias*; if not, somebody is waited for."""
        self._expected[alias] += 1
        if self._taken[alias] >= self._expected[alias]:
            return True
        self._awaited = alias, due
        self.after(self.part.in_step, '_nobody_came', alias=_PATIENCE)
        return False

    def _take(self, alias: str, reader: Reader, frames: Any) -> None:
        self._taken[alias] += len(reader.messages_in(frames, outward=False))
        if self._awaited is None or self._taken[alias] < self._expected[alias] or alias != self._awaited[0]:
            return
        # Who is slower this time than the recorded ones were holds up all that comes after.
        self._begin = max(self._begin, monotonic() - self._awaited[1])
        self._awaited = None
        self.stop_timer(_PATIENCE)
        self._go_on()

    def _nobody_came(self) -> None:
        if self._awaited is not None:
            alias = self._awaited[0]
            what = f'of {self._expected[alias]} messages to {alias!r} {self._taken[alias]} have come'
            self._give_up(f'{what}, and the next not within {self.part.in_step:g} s')

    def _give_up(self, why: str) -> None:
        self._failure = why
        self._done.set()

    def progress(self, seconds: float) -> Progress:
        """Return how far it has come: when all is sent, or after *seconds*."""
        done = self._done.wait(seconds)
        return Progress(self._sent, self._late, tuple(self._damages), self._failure, done)
