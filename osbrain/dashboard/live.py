"""The running system that the pages show: looked at, asked for detail, and acted on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from .._events import AgentEvent
from .._remote.errors import UnknownName
from .._stats import AgentStats
from ..address import SocketAddress
from ..errors import OsBrainError
from ..metrics import Lookout, Sight
from ..metrics.graph import graph
from ..metrics.rates import AgentRates, rates
from ..proxy import NSProxy
from .actions import act
from .departed import Departed
from .detail import detail
from .patches import Json
from .picture import edges, ended_row, lost_edges, rows
from .tail import Tail

# Rates are of about so many seconds: of one they would flicker.
_WINDOW = 2.0

_L = TypeVar('_L', bound='Live')


class Live:
    """The agents of the name server at *nsaddr*; a context manager."""

    def __init__(self, nsaddr: SocketAddress) -> None:
        self._nsaddr = nsaddr
        self._lookout = Lookout(nsaddr)
        # Apart from the other, so that who waits for a detail delays no look.
        self._for_details = Lookout(nsaddr)
        self._one_at_a_time = threading.Lock()
        self._for_lines = Lookout(nsaddr)
        self._tail = Tail(self._for_lines.ask_each)
        self._departed = Departed()
        self._sights: deque[Sight] = deque()
        self._known: dict[str, AgentStats] = {}
        self._rates: dict[str, AgentRates] = {}
        #: Addresses of those that answered the last time.
        self._answering: dict[str, str] = {}
        self._agents: dict[str, Json] = {}
        self._edges: dict[str, Json] = {}
        self._lines: dict[str, Json] = {}
        #: Called when an agent comes, goes, or is in another state.
        self.on_event: Callable[[], None] = lambda: None
        with NSProxy(nsaddr) as ns:
            log = ns.events().log
            past = ns.events(log)
            for event in past.events:
                self._departed.take(event)
            self._watch = ns.watch(self._take)
            # What happened in between.
            for event in ns.events(log, past.newest).events:
                self._departed.take(event)

    def _take(self, event: AgentEvent) -> None:
        self._departed.take(event)
        self.on_event()

    # -- What all pages show --------------------------------------------------------------------------------------

    def look(self, logs: bool) -> Json:
        """Look at all agents; what goes wrong is part of what is seen, and what was seen last stays in sight."""
        nameserver = {'address': str(self._nsaddr)}
        try:
            self._see(self._lookout.look())
            self._lines = self._tail.gather(self._answering) if logs else {}
        except OsBrainError as error:
            nameserver['trouble'] = str(error)
        except Exception as error:
            # Whatever somebody has answered, the page is not to stand still without a word.
            nameserver['trouble'] = f'{type(error).__name__}: {error}'
        return {'nameserver': nameserver, 'agents': self._agents, 'edges': self._edges, 'lines': self._lines}

    def rest(self) -> None:
        """Ask nobody for the time being, and compare what comes next with nothing of before."""
        self._sights.clear()
        self._lookout.close()
        self._for_lines.close()

    def _see(self, sight: Sight) -> None:
        while len(self._sights) > 1 and sight.when - self._sights[1].when >= _WINDOW:
            self._sights.popleft()
        speeds = self._rates = rates(self._sights[0] if self._sights else None, sight)
        self._sights.append(sight)
        answers = {name: seen.stats for name, seen in sight.agents.items() if seen.stats is not None}
        self._known = {name: one for name, one in self._known.items() if name in sight.agents} | answers
        self._answering = {name: sight.agents[name].status.uri for name in answers}
        gone = {name: one for name, one in self._departed.gone.items() if name not in sight.agents}
        agents = rows(sight, speeds, self._departed.losses)
        agents |= {name: ended_row(one, self._agents.get(name, {})) for name, one in gone.items()}
        found = edges(graph(sight, speeds, self._known))
        self._edges = found | lost_edges(self._edges, found, agents)
        self._agents = agents

    # -- What one page asks ---------------------------------------------------------------------------------------

    def detail(self, name: str) -> Json:
        """All that is known of one agent; ``UnknownName`` if nobody has the name."""
        with self._one_at_a_time:
            description = self._for_details.ask('describe', names=[name])[name]
        if isinstance(description, UnknownName):
            raise description
        return detail(name, description, self._known.get(name), self._rates.get(name))

    def act(self, action: str, request: Json) -> Json:
        """Do what a page asks for."""
        if action == 'forget':
            self._departed.forget(list(self._agents))
            self.on_event()
            return {'done': 'The dead are shown no more.'}
        return act(self._nsaddr, action, request)

    # -- Its end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ask nobody any more."""
        self._watch.stop()
        for lookout in (self._lookout, self._for_details, self._for_lines):
            lookout.close()

    def __enter__(self: _L) -> _L:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
