"""The latest log lines of all agents, in the order in which they were written, as far as that can be told."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from .._agent.recent import LogNews
from .patches import Json

# Lines of all agents together.
_KEPT = 1000
# Characters of one line that a page is sent.
_LONGEST = 2000

#: Asks each agent, by name, for its lines after a number.
Ask = Callable[[Mapping[str, tuple[Any, ...]]], dict[str, Any]]


class Tail:
    """Lines by numbers of its own, which only grow; in JSON, names of fields are text."""

    def __init__(self, ask: Ask, kept: int = _KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._numbers = count(1)
        self._lines: OrderedDict[str, Json] = OrderedDict()
        #: What each agent has told already, by its address: another one of its name counts from 1.
        self._told: dict[str, int] = {}

    def gather(self, agents: Mapping[str, str]) -> dict[str, Json]:
        """Ask *agents*, addresses by names, what they have logged since the last time; return the latest lines."""
        self._told = {uri: self._told.get(uri, 0) for uri in agents.values()}
        answers = self._ask({name: ('logs', self._told[uri], None, 0.0) for name, uri in agents.items()})
        fresh: list[Json] = []
        for name, news in answers.items():
            if isinstance(news, LogNews):
                self._told[agents[name]] = news.newest
                fresh += [
                    {'agent': name, 'when': line.when, 'level': line.level, 'text': line.text[:_LONGEST]}
                    for line in news.lines
                ]
        for line in sorted(fresh, key=lambda line: float(line['when']))[-self._kept :]:
            self._lines[str(next(self._numbers))] = line
        while len(self._lines) > self._kept:
            self._lines.popitem(last=False)
        return dict(self._lines)
