"""The address book as it is asked: who is registered where, how each of them is, and what became of those who were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from Pyro4.constants import NAMESERVER_NAME

from .._clock import Deadline
from .errors import UnknownName
from .events import News
from .obituaries import Obituary
from .register import Register
from .status import has_ended, how_died


class Directory(Register):
    """What a name server can be asked, by those who look for agents and by those who look after them."""

    # -- Who is there ---------------------------------------------------------------------------------------------

    def lookup(self, name: str, return_metadata: bool = False) -> Any:
        """Return the URI of *name*; Pyro4's ``NamingError`` if nobody has it."""
        if name not in self.storage:
            raise UnknownName(name)
        return super().lookup(name, return_metadata)

    def ping(self) -> str:
        """``'pong'``."""
        return 'pong'

    def agents(self) -> list[str]:
        """Names of the registered agents."""
        with self.lock:
            return [name for name in self.storage if name != NAMESERVER_NAME]

    def taken(self, names: list[str]) -> list[str]:
        """Which of *names* are taken, by agents that have not ended."""
        with self.lock:
            for record in [self._records[name] for name in names if name in self._records]:
                if has_ended(record):
                    self._died(record, how_died(record))
            return [name for name in names if name in self.storage]

    def wait_until_empty(self, seconds: float) -> list[str]:
        """Wait until no agent is registered, at most *seconds*; return those that still are."""
        with self._left:
            self._left.wait_for(lambda: not self.agents(), Deadline(seconds).left)
        return self.agents()

    # -- What has happened ----------------------------------------------------------------------------------------

    def events(self, log: str = '', after: int = 0, seconds: float = 0.0) -> News:
        """Return the events after number *after* of *log*, as soon as there is one, after *seconds* at the latest.

        Whoever was not told of some of them is told instead who is there now; so is, at once, whoever knows no *log*.
        """
        news = self._log.after(log, after, seconds)
        if not news.missed:
            return news
        with self.lock:
            return replace(news, newest=self._log.newest, present=dict(self._records))

    def whereabouts(self, name: str, uri: str, seconds: float) -> tuple[str | None, Obituary | None]:
        """Who has *name* now, if not the agent at *uri*, and what became of that one.

        Whoever was connected to it may have seen its end first: the name server has *seconds* to see it too.
        """

        def holder() -> str | None:
            record = self._records.get(name)
            return None if record is None else record.uri

        with self._left:
            self._left.wait_for(lambda: holder() != uri, Deadline(seconds).left)
            return (None if holder() == uri else holder()), self._obituaries.of(uri)

    def take_buried(self) -> list[str]:
        """Names of those that died without giving them back, since somebody last asked; not if others have them."""
        with self.lock:
            return self._obituaries.take_sudden()

    # -- Beginning and ending -------------------------------------------------------------------------------------

    def watch_processes(self) -> None:
        """From now on, notice by itself when a process ends or a lease runs out."""
        self._witness.start()

    def end_watching(self) -> None:
        """Let everybody go who waits for events, and watch nobody any more."""
        self._log.end()
        self._witness.stop()
