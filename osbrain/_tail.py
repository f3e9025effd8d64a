"""What many agents log, as they log it: also those that come later, or come back."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from ._agent.recent import LogLine, LogNews
from ._events import BIRTH, DEATH, AgentEvent
from ._remote.addresses import nameserver_address
from ._remote.errors import NotAnswering
from ._remote.link import Link, nameserver_link
from ._remote.status import AgentStatus
from ._remote.watching import Watch
from .errors import OsBrainError

_T = TypeVar('_T', bound='Tail')

# Seconds that a question waits at the agent for something to be logged: after an end, so long does its thread go on.
_POLL = 5.0
# Seconds that an answer may take on its way.
_ANSWER = 3.0


class Said(NamedTuple):
    """One line, and who has logged it."""

    agent: str
    line: LogLine


class Remark(NamedTuple):
    """What is to be known of an agent beside its lines: it has ended, or some of its lines were lost."""

    agent: str
    text: str


class Tail:
    """Follows the logs of *names* (all agents if there are none) at a name server; a context manager.

    *level*: only lines as grave as that. *after*: for the addresses of agents, the number of the line after which to
    begin; others begin with the oldest line that is kept.
    """

    def __init__(
        self,
        nsaddr: Any = None,
        names: Collection[str] = (),
        level: str | None = None,
        after: Mapping[str, int] | None = None,
    ) -> None:
        address = nameserver_address(nsaddr)
        self._names, self._level, self._after = names, level, dict(after or {})
        self._news: queue.SimpleQueue[Said | Remark] = queue.SimpleQueue()
        self._over = threading.Event()
        self._followed: set[str] = set()
        self._lock = threading.Lock()
        self._watch = Watch(address, self._happened)
        ns = nameserver_link(address)
        try:
            present: dict[str, AgentStatus] = ns.call('unsafe', 'status', (), {}, timeout=_ANSWER)
        except BaseException:
            self.close()
            raise
        finally:
            ns.release()
        for record in present.values():
            if record.state != 'gone':
                self._follow(record.name, record.uri)

    def next(self, seconds: float) -> Said | Remark | None:
        """Return what comes next; ``None`` if nothing does within *seconds*."""
        try:
            return self._news.get(timeout=seconds) if seconds > 0 else self._news.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Follow nobody any more."""
        self._over.set()
        self._watch.stop()

    def __enter__(self: _T) -> _T:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- In other threads -------------------------------------------------------------------------------------------

    def _happened(self, event: AgentEvent) -> None:
        if event.kind == BIRTH:
            self._follow(event.name, event.uri)
        elif event.kind == DEATH and self._wanted(event.name):
            self._news.put(Remark(event.name, f'has ended: {event.reason or "nothing is known of how"}'))

    def _wanted(self, name: str) -> bool:
        return not self._names or name in self._names

    def _follow(self, name: str, uri: str) -> None:
        with self._lock:
            if not self._wanted(name) or uri in self._followed:
                return
            self._followed.add(uri)
        threading.Thread(target=self._listen, args=(name, uri), name='osbrain-tail', daemon=True).start()

    def _listen(self, name: str, uri: str) -> None:
        """Ask one agent again and again, until it has ended."""
        link = Link(uri, f'agent {name!r}')
        after = self._after.get(uri, 0)
        while not self._over.is_set():
            try:
                news: LogNews = link.call('logs', after, self._level, _POLL, timeout=_POLL + _ANSWER)
            except NotAnswering:
                continue  # It may be frozen for a while.
            except OsBrainError:
                break  # It has ended, which its name server tells.
            if news.missed and after:
                self._news.put(Remark(name, f'{news.missed} lines came too fast and were lost'))
            for line in news.lines:
                self._news.put(Said(name, line))
            after = news.newest
            if news.ending:
                break
        link.release()
        with self._lock:
            self._followed.discard(uri)
