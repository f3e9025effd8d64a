"""The page with all that it needs: a server in a thread of this process, and what looks at the system for it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from ..address import SocketAddress
from .app import application
from .guard import Guard
from .live import Live
from .observer import Observer

# Seconds that answers under way may take when the server ends.
_LAST_ANSWERS = 2


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; ``OSError`` if the address cannot be had."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


@contextlib.contextmanager
def page(
    nsaddr: SocketAddress,
    listener: socket.socket,
    token: str,
    names: frozenset[str] = frozenset(),
    ended: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Serve the page of the system at *nsaddr* until the end of a block.

    Who has *token* is let in, under the host *names* too; *ended* is called when the server ends.
    """
    with Live(nsaddr) as live:
        observer = Observer(live)
        live.on_event = observer.hurry
        guard = Guard(application(observer, live), token, listener.getsockname()[1], names)
        try:
            with serving(guard, listener, ended, before_end=observer.close):
                yield
        finally:
            observer.close()


@contextlib.contextmanager
def serving(
    app: ASGIApp,
    listener: socket.socket,
    ended: Callable[[], None] = lambda: None,
    before_end: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Serve *app* until the end of a block; *before_end* lets those go whose answers would not end."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan='off',
        ws='none',
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    server = uvicorn.Server(config)

    def serve() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            ended()

    # Signals are for the main thread: uvicorn leaves them alone in another one.
    thread = threading.Thread(target=serve, name='osbrain-dashboard-server', daemon=True)
    thread.start()
    try:
        yield
    finally:
        before_end()
        server.should_exit = True
        thread.join()
        listener.close()
