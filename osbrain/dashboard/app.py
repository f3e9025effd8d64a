"""What the page asks for: its files, a stream of what changes, the detail of an agent, and what is to be done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..errors import OsBrainError
from .actions import ACTIONS, Refused
from .observer import Observer
from .patches import Json

_STATIC = Path(__file__).parent / 'static'
# Seconds after which a page that gets no change is told that the server is there.
_BEAT = 5.0
# Bytes: more than any argument that somebody types.
_LONGEST_REQUEST = 1_000_000


class System(Protocol):
    """What there is to ask and to do, besides what the stream tells; all of it may take a while."""

    def detail(self, name: str) -> Json:
        """Return all that is known of one agent."""

    def act(self, action: str, request: Json) -> Json:
        """Do what was asked for, and return what came of it."""


def application(observer: Observer, system: System) -> Starlette:
    """Make the application, which lets everybody in: a :class:`~.guard.Guard` belongs before it."""
    page = _Page(observer, system)
    return Starlette(
        routes=[
            Route('/', page.index),
            Route('/events', page.events),
            Route('/agent', page.agent),
            *[Route(f'/{action}', page.act, methods=['POST'], name=action) for action in ACTIONS],
            Mount('/static', StaticFiles(directory=_STATIC)),
        ]
    )


class _Page:
    def __init__(self, observer: Observer, system: System) -> None:
        self._observer = observer
        self._system = system

    async def index(self, _request: Request) -> Response:
        return FileResponse(_STATIC / 'index.html')

    async def events(self, request: Request) -> Response:
        logs = 'logs' in request.query_params
        return StreamingResponse(self._changes(logs), media_type='text/event-stream')

    async def _changes(self, logs: bool) -> AsyncIterator[str]:
        """Tell the whole at first, then what has changed, in the form of server-sent events."""
        with self._observer.listening(logs) as listener:
            while (patch := await listener.next(_BEAT)) is not None:
                # JSON has no line ends of its own, so an event is one line.
                yield f'data: {json.dumps(patch, separators=(",", ":"))}\n\n'

    async def agent(self, request: Request) -> Response:
        name = request.query_params.get('name', '')
        return await _answer(lambda: self._system.detail(name))

    async def act(self, request: Request) -> Response:
        try:
            asked = await _body(request)
        except (ValueError, RecursionError, ClientDisconnect) as error:
            return JSONResponse({'error': f'this is no request: {error}'}, 400)
        action = request.url.path.removeprefix('/')
        return await _answer(lambda: self._system.act(action, asked))


async def _body(request: Request) -> Json:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > _LONGEST_REQUEST:
            raise ValueError(f'it has more than {_LONGEST_REQUEST:,} bytes')
    asked = json.loads(b''.join(parts))
    if isinstance(asked, dict):
        return asked
    raise ValueError('it is no JSON object')


async def _answer(question: Callable[[], Json]) -> Response:
    """Ask in a thread; what goes wrong is an answer too."""
    try:
        return JSONResponse(await _beside(question))
    except Refused as error:
        return JSONResponse({'error': str(error)}, 400)
    except OsBrainError as error:
        return JSONResponse({'error': f'{type(error).__name__}: {error}'}, 409)
    except Exception as error:
        # Whatever an agent's own method has raised, under its own type.
        return JSONResponse({'error': f'{type(error).__name__}: {error}'}, 502)


async def _beside(question: Callable[[], Json]) -> Json:
    """Return what *question* returns, which may take minutes, in a thread that keeps nobody from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Json] = loop.create_future()

    def settle(settled: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            settled(outcome)

    def ask() -> None:
        settled: Callable[[Any], None] = future.set_result
        outcome: Any
        try:
            outcome = question()
        except BaseException as error:
            settled, outcome = future.set_exception, error
        # The server may have ended, and nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, settled, outcome)

    threading.Thread(target=ask, name='osbrain-dashboard-question', daemon=True).start()
    return await future
