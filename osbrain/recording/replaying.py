"""Recordings, sent again: agents that have the names and the sockets of those recorded say what those said."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .._batch import run_agents
from .._clock import Deadline, monotonic
from .._protocol.timerheap import checked_seconds
from ..errors import OsBrainError, RecordingInvalid, WaitTimeout
from ..helper import agent_dies, wait_condition
from ..proxy import NSProxy, Proxy
from .planning import planned
from .player import Player, Progress
from .reading import Recording
from .sources import SourceLike, parsed

_R = TypeVar('_R', bound='Replay')

# All begin at the same time: so many seconds after the first was told when.
_HEAD_START = 0.2
# Seconds between two looks at how far they are.
_LOOK = 0.2
# Seconds that they may take to end.
_END = 5.0


@dataclass(frozen=True)
class Replayed:
    """What has become of a replay."""

    #: By the name of the agent that has sent them.
    messages: Mapping[str, int]
    seconds: float
    #: The most seconds that a message was late; 0 where all are sent without pauses.
    late: float
    #: How often the queue of a subscriber ran full, after which ZeroMQ drops what is for that one.
    overflows: int
    #: What of the file could not be read.
    damages: tuple[str, ...]


class Replay:
    """A recording that is about to be sent again; see :func:`replay`. A context manager."""

    def __init__(
        self,
        path: str | Path,
        sources: Iterable[SourceLike] = (),
        names: Mapping[str, str] | None = None,
        nsaddr: Any = None,
        speed: float = 1.0,
        in_step: float = 0.0,
        base: type[Player] = Player,
    ) -> None:
        self.recording = Recording(path)
        wanted = [parsed(source) for source in sources]
        pace = checked_seconds(speed, 'speed'), checked_seconds(in_step, 'in_step')
        plan = planned(self.recording, wanted, names or {}, *pace)
        self._parts = plan.parts
        self._base = base
        #: What was recorded and is not sent again, such as ``risk:approval (REP)``: others had asked, or were answered.
        self.left_out = plan.left_out
        self._ns = NSProxy(nsaddr)
        self._agents: dict[str, Proxy] = {}

    def start(self) -> None:
        """Start the agents, all or none; they have their sockets, and nothing is sent yet."""
        specs = [
            {'name': name, 'base': self._base, 'attributes': {'part': part}, 'on_error': 'continue'}
            for name, part in self._parts.items()
        ]
        agents = run_agents(specs, nsaddr=self._ns.nsaddr())
        self._agents = dict(zip(self._parts, agents, strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """What the agents are called."""
        return tuple(self._parts)

    @property
    def agents(self) -> Mapping[str, Proxy]:
        """The agents that send, by name."""
        return self._agents

    def wait_for_receivers(self, n: int = 1, seconds: float = 60.0) -> None:
        """Wait until each socket has *n* receivers, at most so many *seconds*.

        Of a ``PUSH`` it can only be known whether there is anybody. :class:`~osbrain.errors.WaitTimeout` names the
        sockets that have too few.
        """
        few: list[str] = []

        def enough() -> bool:
            few[:] = [
                f'{name}:{alias}'
                for name, agent in self._agents.items()
                for alias, count in agent.unsafe.receivers().items()
                if count < (n if self._parts[name].sockets[alias].kind != 'PUSH' else min(n, 1))
            ]
            return not few

        if not wait_condition(enough, timeout=seconds):
            raise WaitTimeout(f'too few receivers are connected to {", ".join(few)}', seconds)

    def play(
        self,
        wait: int = 1,
        patience: float = 60.0,
        on_progress: Callable[[int], object] = lambda sent: None,
    ) -> Replayed:
        """Wait for *wait* receivers at each socket, at most *patience* seconds, and send everything; return the tally.

        *on_progress* is told, now and then, how many messages have been sent.

        Errors: :class:`~osbrain.errors.WaitTimeout` if the receivers do not come in time,
        :class:`~osbrain.errors.RecordingInvalid` if an agent could not go on, ``AgentGone`` if one of them has died.
        """
        if wait:
            self.wait_for_receivers(wait, patience)
        began = self.begin()
        progress = dict.fromkeys(self._agents, Progress(0, 0.0, (), None, done=False))
        while not all(one.done for one in progress.values()):
            look = _LOOK
            for name, agent in self._agents.items():
                if not progress[name].done:
                    # One of them is waited for, and the others are looked at.
                    progress[name], look = agent.unsafe.progress(look), 0.0
            on_progress(sum(one.sent for one in progress.values()))
        return self._tally(progress, monotonic() - began)

    def begin(self) -> float:
        """Have the agents send, and return at once: when the first message is sent, by the monotonic clock."""
        when = monotonic() + _HEAD_START
        for agent in self._agents.values():
            agent.oneway.begin(when)
        return when

    def _tally(self, progress: Mapping[str, Progress], seconds: float) -> Replayed:
        for name, one in progress.items():
            if one.failure:
                raise RecordingInvalid(str(self.recording.path), f'{name} could not go on: {one.failure}')
        return Replayed(
            {name: one.sent for name, one in progress.items()},
            seconds,
            max((one.late for one in progress.values()), default=0.0),
            sum(agent.unsafe.counters()['overflows'] for agent in self._agents.values()),
            tuple(dict.fromkeys(damage for one in progress.values() for damage in one.damages)),
        )

    def close(self) -> None:
        """End the agents; what they have sent is delivered."""
        deadline = Deadline(_END)
        for agent in self._agents.values():
            with contextlib.suppress(OsBrainError):
                agent.unsafe.shutdown()
        for name, agent in self._agents.items():
            # Whatever becomes of one, or of the name server meanwhile, the others are to end.
            with contextlib.suppress(OsBrainError):
                if not agent_dies(name, self._ns, deadline.left_or(_END) or _LOOK):
                    agent.unsafe.kill()
        self._agents = {}
        self._ns.release()

    def __enter__(self: _R) -> _R:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def replay(
    path: str | Path,
    *sources: SourceLike,
    speed: float = 1.0,
    names: Mapping[str, str] | None = None,
    nsaddr: Any = None,
    in_step: float = 0.0,
    base: type[Player] = Player,
) -> Replay:
    """Start agents that can send again what was recorded: a context manager, which ends them.

    The agents have the names of those that were recorded, or those that *names* has for them (old to new), and sockets
    of the same aliases, kinds and serializers. They send the same bytes under the same topics in the same order and
    rhythm, *speed* times as fast (0: without pauses), once :meth:`Replay.play` is called::

        with replay('day.mcap', speed=10) as again:
            listener.connect(ns.proxy('feed').addr('bars'), handler=on_bar)
            again.play()

    Errors: :class:`~osbrain.errors.RecordingInvalid`, also if there is nothing to be sent again; ``OSError`` if the
    file cannot be opened; :class:`~osbrain.errors.OptionInvalid` for a source or a name that was not recorded; and
    ``StartFailed`` if a name is taken.

    Parameters
    ----------
    path
        The recording.
    sources
        ``'NAME:ALIAS'``, or a tuple of both, of what is to be sent again; without any, all that agents have sent of
        their own accord.
    speed : float
        How many times as fast; 0 is without pauses.
    names : dict
        What agents are to be called that are not to have their old names.
    nsaddr
        Address of the name server; ``OSBRAIN_NAMESERVER_ADDRESS`` if there is none.
    in_step : float
        If it is not 0: before each message, wait until as many have come to the agent's own ``PULL`` sockets as had
        come by then, at most so many seconds. Agents that publish no faster than receipts come in can be replayed so.
    base
        A class derived from :class:`Player`, of which the agents are to be.

    """
    made = Replay(path, sources, names, nsaddr, speed, in_step, base)
    made.start()
    return made
