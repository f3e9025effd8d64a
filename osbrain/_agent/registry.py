"""The open endpoints of an agent, by every alias and address that names them."""

from __future__ import annotations

import threading
from typing import Any

from .._protocol.patterns.endpoint import Endpoint
from ..errors import UnknownAlias


class Registry(dict[Any, Endpoint]):
    """Alias or address to endpoint; looking up a name that is not there is :class:`~osbrain.errors.UnknownAlias`."""

    def __init__(self, agent: str) -> None:
        super().__init__()
        self._agent = agent
        self.lock = threading.RLock()
        self._superseded: dict[str, list[Endpoint]] = {}

    def __missing__(self, name: Any) -> Endpoint:
        raise UnknownAlias(name, self._agent, tuple(key for key in list(self) if isinstance(key, str)))

    def find(self, name: Any) -> Endpoint:
        """As ``self[name]``; what cannot be a key is an unknown alias too."""
        try:
            return self[name]
        except TypeError:
            return self.__missing__(name)

    def names(self, name: Any) -> bool:
        """Whether *name* names an open endpoint; what cannot be a key names none."""
        try:
            return name in self
        except TypeError:
            return False

    def add(self, endpoint: Endpoint, *names: Any) -> None:
        """Let *names* stand for *endpoint* from now on."""
        with self.lock:
            for name in names:
                self[name] = endpoint
                if isinstance(name, str):
                    endpoint.alias = name

    def supersede(self, alias: str, endpoint: Endpoint) -> list[Endpoint]:
        """Note that *alias* goes to another endpoint now; the endpoints that it has left behind, the latest last."""
        with self.lock:
            left = [one for one in self._superseded.get(alias, ()) if one is not endpoint and one.address in self]
            self._superseded[alias] = [*left, endpoint]
            return self._superseded[alias]

    def has_alias(self, endpoint: Endpoint) -> bool:
        """Whether *endpoint* still goes by some alias."""
        with self.lock:
            return any(one is endpoint for name, one in self.items() if isinstance(name, str))

    def forget(self, endpoint: Endpoint) -> None:
        """Drop every name of *endpoint*."""
        with self.lock:
            for name in [name for name, one in self.items() if one is endpoint]:
                del self[name]

    def endpoints(self) -> list[Endpoint]:
        """Each open endpoint once."""
        with self.lock:
            return list({id(endpoint): endpoint for endpoint in self.values()}.values())
