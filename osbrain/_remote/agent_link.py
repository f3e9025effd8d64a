"""Calls to an agent that may die: how it ended is asked for, and whoever has its name now is found."""

from __future__ import annotations

from typing import Any

from ..address import SocketAddress
from ..errors import OsBrainError
from .errors import AgentGone, AnotherCluster
from .link import Link, nameserver_link
from .obituaries import Obituary

# How long the name server has to see what the caller has seen, and to answer; together less than a second.
_SEE = 0.3
_ANSWER = 0.8


class AgentLink(Link):
    """Calls the agent *name*, and goes on with the next one of that name if nothing was sent to the one that died."""

    def __init__(self, name: str, uri: str, nsaddr: SocketAddress) -> None:
        super().__init__(uri, f'agent {name!r}')
        self._name = name
        self._nsaddr = nsaddr

    def _invoke(self, request: bytes, oneway: bool, timeout: float | None) -> Any:
        uri = self.uri
        try:
            return super()._invoke(request, oneway, timeout)
        except AnotherCluster:
            # The agent has ended, and a process of somebody else's has its port.
            successor, _ = self._ask(uri)
            if successor is None:
                raise
            self._go_to(successor)
        except AgentGone as error:
            successor, obituary = self._ask(uri)
            if successor is not None:
                self._go_to(successor)
            if successor is None or error.under_way:
                why = error.why if obituary is None else obituary.sentence()
                raise AgentGone(self.who, why, error.under_way) from None
        return super()._invoke(request, oneway, timeout)

    def _ask(self, uri: str) -> tuple[str | None, Obituary | None]:
        """Ask the name server who has the name now, and what became of the agent at *uri*."""
        if self.uri != uri:
            return self.uri, None  # Another thread has found out meanwhile.
        ns = nameserver_link(self._nsaddr)
        try:
            return ns.call('unsafe', 'whereabouts', (self._name, uri, _SEE), {}, timeout=_ANSWER)  # type: ignore[no-any-return]
        except OsBrainError:
            return None, None
        finally:
            ns.release()

    def _go_to(self, uri: str) -> None:
        self.uri = uri
        self.methods = frozenset()
        self.release()
