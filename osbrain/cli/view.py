"""A running system, looked at again and again; whatever is wrong with its name server is one line and an exit code."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, NamedTuple

from .._remote.lookout import Lookout, Sight
from ..address import SocketAddress
from ..metrics.rates import AgentRates, rates
from .system import System

# Seconds that agents which do not answer may take, all together: the others are shown then.
PATIENCE = 1.0
# Beside them, what asking the name server may take.
_ANSWER = 3.0


class Look(NamedTuple):
    """What was seen, and how fast everything was since the look before."""

    sight: Sight
    rates: dict[str, AgentRates]


class View(System):
    """A running name server, and its agents as they are now."""

    def __init__(self, address: SocketAddress) -> None:
        super().__init__(address)
        self._lookout = Lookout(address, PATIENCE)
        self._last: Sight | None = None

    def look(self) -> Look:
        """Look at all agents; the first look knows means only."""
        sight = self.ask(self._lookout.look, _ANSWER + PATIENCE)
        found = Look(sight, rates(self._last, sight))
        self._last = sight
        return found

    def look_for(self, seconds: float) -> Look:
        """Look twice, so many *seconds* apart: what is known then is how fast everything is now."""
        first = self.look()
        if not seconds:
            return first
        threading.Event().wait(seconds)
        return self.look()

    def ask_agent(self, name: str, *ops: str) -> dict[str, Any]:
        """Have the agent *name* carry out *ops* of its servant; each stands for its answer, or for what was raised."""
        return {op: self.ask(partial(self._lookout.ask, op, names=(name,)), _ANSWER + PATIENCE)[name] for op in ops}

    def release(self) -> None:
        """Close the connections."""
        self._lookout.close()
        super().release()
