"""Looking at sockets of running agents until somebody has seen enough, and what can go wrong meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from .._clock import Deadline, monotonic
from .._remote.errors import NotAnswering, Unreachable
from .._remote.status import AgentStatus
from ..address import SocketAddress
from ..errors import OsBrainError, TopicInvalid, UnknownAlias, WaitTimeout
from ..recording.listening import Listener
from ..recording.observation import Observation, Source
from .exits import Exit
from .failure import Failure
from .output import complain, printable, say
from .system import System, unknown
from .targets import meant

_L = TypeVar('_L', bound='Looking')

# Seconds that each agent may take to let itself be looked at.
_PATIENCE = 3.0
# Seconds between two looks whether agents have ended.
_LOOK = 1.0
# What has begun when it is over is worth a line, unless this share of it is left.
_WORTH_A_LINE = 0.9
# Seconds that the name server may take to see that an agent has ended.
_SEE = 0.3


class Limits(NamedTuple):
    """When enough has been seen; without limits, somebody has to say so (Ctrl-C)."""

    seconds: float | None = None
    messages: int | None = None


class Looking:
    """Looks at *targets* in the system at *nsaddr*; of publications only at those of *topic*, if there is one."""

    def __init__(self, nsaddr: SocketAddress, targets: Iterable[str], topic: str) -> None:
        self._nsaddr = nsaddr
        with System(nsaddr) as system:
            self._known = system.status()
        self._listener = Listener(nsaddr, _PATIENCE)
        self._lost: set[Source] = set()
        self._seen = 0
        self._began = monotonic()
        try:
            self.sources = [self._add(target, topic) for target in targets]
        except BaseException:
            self._listener.close()
            raise

    def _add(self, target: str, topic: str) -> Source:
        name, alias = meant(target, self._known)
        if name not in self._known:
            raise Failure(Exit.UNKNOWN_AGENT, unknown(name, self._known))
        try:
            return self._listener.add(name, alias, topic)
        except UnknownAlias as error:
            raise Failure(Exit.UNKNOWN_ALIAS, str(error)) from None
        except TopicInvalid as error:
            raise Failure(Exit.USAGE, str(error)) from None
        except (NotAnswering, WaitTimeout):
            raise Failure(Exit.NOT_ANSWERING, f'{name} does not answer: not within {_PATIENCE:g} s') from None
        except Unreachable as error:
            raise Failure(Exit.NOT_ANSWERING, f'{name} does not answer: {error}') from None

    def __enter__(self: _L) -> _L:
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    # -- What is seen -------------------------------------------------------------------------------------------------

    def look(self, limits: Limits, every: float = _LOOK) -> Iterator[Observation | None]:
        """Go through what is seen, until *limits* are reached or all agents have ended.

        ``None`` comes in between, every *every* seconds, and at the end of what has begun then.
        """
        self._began = monotonic()
        end, tick = Deadline(limits.seconds), Deadline(every)
        going_on = True
        while going_on and not end.expired and self._seen != limits.messages:
            observation = self._listener.next(end.left_or(tick.left_or(every)))
            if observation is not None:
                self._seen += 1
                yield observation
            else:
                going_on = not self._all_lost()
            if tick.expired:
                tick = Deadline(every)
                yield None
                going_on = not self._all_lost()
        if (tick.left or 0.0) < every * _WORTH_A_LINE:
            yield None

    def _all_lost(self) -> bool:
        """Tell of agents that have ended meanwhile; whether nobody is left."""
        for source in self._listener.lost():
            if source not in self._lost:
                self._lost.add(source)
                complain(f'{label(source)} says nothing more: {self._why(source)}')
        return len(self._lost) == len(self.sources)

    def _why(self, source: Source) -> str:
        record: AgentStatus = self._known[source.agent]
        try:
            with System(self._nsaddr) as system:
                _, obituary = system.ask(lambda: system.ns.whereabouts(source.agent, record.uri, _SEE))
        except (Failure, OsBrainError):
            return 'its agent has ended, or the socket was closed'
        return 'the socket was closed' if obituary is None else str(obituary.sentence())

    # -- The end ------------------------------------------------------------------------------------------------------

    def missed(self, source: Source) -> int:
        """Return how much of *source* was dropped before it got here."""
        return self._listener.missed_of(source)

    def sum_up(self) -> Exit:
        """Say what has been seen, for a person; how the command ends."""
        missed = self._listener.missed
        more = f'; {missed:,} more came faster than they could be taken in' if missed else ''
        messages = 'message' if self._seen == 1 else 'messages'
        say(f'{self._seen:,} {messages} in {monotonic() - self._began:.1f} s{more}.', err=True)
        return Exit.AGENT_ENDED if self._lost and len(self._lost) == len(self.sources) else Exit.OK


def label(source: Source) -> str:
    """Return how a person writes it."""
    return printable(f'{source.agent}:{source.alias}')
