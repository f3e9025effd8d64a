"""Looks at all agents of one name server, again and again: those that do not answer cost nobody more than a moment."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._clock import Deadline, monotonic
from .._stats import AgentStats
from ..address import SocketAddress
from ..errors import WaitTimeout
from .addresses import nameserver_address
from .errors import UnknownName
from .link import Link, nameserver_link
from .status import AgentStatus

_L = TypeVar('_L', bound='Lookout')

# How long the name server may take to say who is there, in seconds.
_BOOK = 3.0
# Of the time for an answer, what is kept for those who wait for it: the others' answers are not to come too late.
_SHARE = 0.9


@dataclass(frozen=True)
class AgentSight:
    """One agent, as it was seen."""

    status: AgentStatus
    #: ``None`` if it did not answer.
    stats: AgentStats | None = None
    #: Why it did not, in words; ``None`` if it did.
    trouble: str | None = None


@dataclass(frozen=True)
class Sight:
    """All agents of a name server at one moment."""

    #: In seconds of a clock that never goes back.
    when: float
    #: By name, in the order of their names.
    agents: Mapping[str, AgentSight]


class Lookout:
    """Asks the agents of the name server at *nsaddr* side by side, over connections that are kept.

    Those that do not answer (because they hang, are stopped by SIGSTOP, or their machine is gone) delay a look by at
    most *patience* seconds, all together, and the looks after that not at all: they are asked, but not waited for until
    they have answered again. A context manager; not for several threads at once. Errors: as of
    :class:`osbrain.NSProxy`, if the name server does not answer.
    """

    def __init__(self, nsaddr: Any = None, patience: float = 1.0) -> None:
        self.address: SocketAddress = nameserver_address(nsaddr)
        self.patience = patience
        self._book = nameserver_link(self.address)
        self._asked: dict[str, _Correspondent] = {}

    def status(self) -> dict[str, AgentStatus]:
        """All agents by name, in the order of their names, as the name server knows them."""
        known: dict[str, AgentStatus] = self._book.call('unsafe', 'status', (), {}, timeout=_BOOK)
        return {name: known[name] for name in sorted(known)}

    def look(self) -> Sight:
        """Return how all agents are now, with their counters."""
        known = self.status()
        answers = self._ask(known, dict.fromkeys(known, ('stats',)))
        return Sight(monotonic(), {name: _seen(status, answers.get(name)) for name, status in known.items()})

    def ask(self, op: str, *args: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Have the servants of *names* (all agents without it) carry out *op*, side by side.

        Each name stands for what was answered, or for the exception that came instead of it.
        """
        known = self.status()
        return self._answers(known, dict.fromkeys(known if names is None else names, (op, *args)))

    def ask_each(self, questions: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """As :meth:`ask`, with an operation and its arguments for each name."""
        return self._answers(self.status(), questions)

    def _answers(self, known: Mapping[str, AgentStatus], questions: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        answers = self._ask(known, questions)
        return {name: answers.get(name, UnknownName(name)) for name in questions}

    def _ask(self, known: Mapping[str, AgentStatus], questions: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Return what each agent that is asked something and has not ended answers within our patience."""
        deadline = Deadline(self.patience)
        alive = {name: status.uri for name, status in known.items() if status.state != 'gone'}
        self._forget_others(set(alive.values()))
        asked = {
            name: self._correspondent(name, alive[name]).ask(question, self.patience)
            for name, question in questions.items()
            if name in alive
        }
        return {name: question.answer(deadline) for name, question in asked.items()}

    def _correspondent(self, name: str, uri: str) -> _Correspondent:
        if uri not in self._asked:
            self._asked[uri] = _Correspondent(name, uri)
        return self._asked[uri]

    def _forget_others(self, uris: set[str]) -> None:
        for uri in [uri for uri in self._asked if uri not in uris]:
            self._asked.pop(uri).release()

    def close(self) -> None:
        """Close all connections."""
        self._forget_others(set())
        self._book.release()

    def __enter__(self: _L) -> _L:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Question:
    """What one agent was asked, and what came of it."""

    def __init__(self, what: tuple[Any, ...], in_vain: bool) -> None:
        self.what = what
        #: Whether nothing came of the last one, so that nobody waits for this one.
        self._in_vain = in_vain
        self._settled = threading.Event()
        self._outcome: Any = WaitTimeout('it does not answer')

    def settle(self, outcome: Any) -> None:
        """Note what came of it."""
        self._outcome = outcome
        self._settled.set()

    @property
    def settled(self) -> bool:
        """Whether anything came of it yet."""
        return self._settled.is_set()

    @property
    def timed_out(self) -> bool:
        """Whether no answer came in time."""
        return isinstance(self._outcome, TimeoutError)

    def answer(self, deadline: Deadline) -> Any:
        """Return the answer, or the error that came instead of it."""
        self._settled.wait(0 if self._in_vain else deadline.left)
        return self._outcome


class _Correspondent:
    """One agent that is asked something now and then; a question has a thread of its own while it is open."""

    def __init__(self, name: str, uri: str) -> None:
        self._link = Link(uri, f'agent {name!r}')
        self._last: _Question | None = None
        self._released = False

    def ask(self, what: tuple[Any, ...], patience: float) -> _Question:
        """Ask for an operation with its arguments; one who has not answered yet is not asked again."""
        last = self._last
        if last is not None and not last.settled:
            return last if last.what == what else _Question(what, in_vain=True)
        question = self._last = _Question(what, in_vain=last is not None and last.timed_out)

        def correspond() -> None:
            try:
                question.settle(self._link.call(*what, timeout=patience * _SHARE))
            except Exception as error:
                question.settle(error)
            if self._released:
                self._link.release()

        threading.Thread(target=correspond, name='osbrain-lookout', daemon=True).start()
        return question

    def release(self) -> None:
        """Close the connections, one that is in use as soon as it is not."""
        self._released = True
        self._link.release()


def _seen(status: AgentStatus, answer: Any) -> AgentSight:
    if isinstance(answer, AgentStats):
        return AgentSight(status, answer)
    if status.state == 'gone':
        return AgentSight(status, None, status.reason or 'its process has ended')
    if isinstance(answer, TimeoutError):
        return AgentSight(status, None, 'it does not answer')
    return AgentSight(status, None, str(answer) or type(answer).__name__)
