"""How agents ended: kept by the name server for whoever asks after one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timezone

# Of so many of the latest.
_KEPT = 4096


@dataclass(frozen=True)
class Obituary:
    """How one agent ended."""

    name: str
    uri: str
    pid: int
    #: The agent's class.
    kind: str
    #: In seconds since the epoch.
    when: float
    #: Why, or what became of its process.
    how: str
    #: Whether it ended without giving its name back.
    sudden: bool = False

    def sentence(self) -> str:
        """Say in words when and how it ended."""
        when = datetime.fromtimestamp(self.when, timezone.utc).astimezone()
        return f'it died at {when:%Y-%m-%d %H:%M:%S}: {self.how}'


class Obituaries:
    """The latest obituaries, found by the addresses of those that have died."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._by_uri: OrderedDict[str, Obituary] = OrderedDict()
        #: Names of those that died suddenly, since somebody last asked.
        self._sudden: dict[str, None] = {}

    def add(self, obituary: Obituary) -> None:
        """Keep *obituary*, and forget the oldest."""
        self._by_uri[obituary.uri] = obituary
        if len(self._by_uri) > self._kept:
            self._by_uri.popitem(last=False)
        if obituary.sudden:
            self._sudden[obituary.name] = None
            if len(self._sudden) > self._kept:
                del self._sudden[next(iter(self._sudden))]

    def of(self, uri: str) -> Obituary | None:
        """Return the obituary of the agent that was at *uri*."""
        return self._by_uri.get(uri)

    def lives_again(self, name: str) -> None:
        """Somebody has that name again."""
        self._sudden.pop(name, None)

    def take_sudden(self) -> list[str]:
        """Names of those that died suddenly since the last time that somebody asked, and that nobody has had since."""
        names, self._sudden = list(self._sudden), {}
        return names
