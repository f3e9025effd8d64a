"""Tells Prometheus, over HTTP, what a system does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server

from .._remote.lookout import Lookout
from .exposition import Exposition


@contextlib.contextmanager
def exposed(nsaddr: Any, host: str, port: int, patience: float = 1.0) -> Iterator[int]:
    """Answer Prometheus at *host* and *port* during a block, which is given the port; ``OSError`` if it cannot be had.

    Agents that do not answer delay an answer by at most *patience* seconds.
    """
    with Lookout(nsaddr, patience) as lookout:
        registry = CollectorRegistry()
        registry.register(Exposition(lookout))
        server, thread = start_http_server(port, host, registry)
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
