"""Who is let in: whoever has the token, in a browser that nobody has led here under a name of theirs."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What a browser is told with each answer. Scripts, styles and data come from here alone, nothing is framed, and no
# text becomes markup or code: names, reasons and log lines are written by other processes.
_HEADERS = {
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
}
_READS = frozenset({'GET', 'HEAD'})
_LINK_NEEDED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<title>osbrain</title><h1>This page needs its token</h1>'
    '<p>Open the link that <code>osbrain dashboard</code> has printed. Each time it is started, it is another one.</p>'
    '</html>'
)
_WELCOME = '<!doctype html><title>osbrain</title><link rel="icon" href="/static/icon.svg">'


def named_here(host: str, names: frozenset[str]) -> bool:
    """Whether a ``Host`` header means this server: it is an address, ``localhost`` or one of *names*.

    Whoever owns a name can have it lead to this machine, and a browser then takes what is served here for theirs (DNS
    rebinding). An address was looked up by nobody. The port is not looked at: a tunnel may have another one.
    """
    try:
        found = urlsplit(f'//{host}').hostname or ''
    except ValueError:
        return False
    if found in {'localhost', *names}:
        return True
    try:
        ipaddress.ip_address(found)
    except ValueError:
        return False
    return True


class Guard:
    """Stands before an application; *names* are the host names under which others may reach it, *port* is its own."""

    def __init__(self, app: ASGIApp, token: str, port: int, names: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._token = token
        self._names = frozenset(name.lower() for name in names)
        # Browsers send the cookies of a host to all of its ports.
        self._cookie = f'osbrain_dashboard_{port}'
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on who may come in."""
        if scope['type'] != 'http':
            # Nothing here speaks WebSocket: closing one is to refuse it.
            if scope['type'] == 'websocket':
                await send({'type': 'websocket.close', 'code': 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message['type'] == 'http.response.start':
                headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, 'headers': [*message['headers'], *headers]}
            await send(message)

        answer = self._answer(Request(scope))
        await (answer or self._app)(scope, receive, send_guarded)

    def _answer(self, request: Request) -> Response | None:
        """Answer who may not come in, and who comes with the token; ``None`` to whoever is in."""
        host = request.headers.get('host', '')
        if not named_here(host, self._names):
            return PlainTextResponse(f'This server is not called {host!r}.\n', 421)
        if request.method not in _READS and not _from_own_page(request, host):
            return PlainTextResponse('Only the page itself may do that.\n', 403)
        token = request.query_params.get('token')
        if token is not None and request.url.path == '/':
            return self._welcome() if _same(token, self._token) else HTMLResponse(_LINK_NEEDED, 401)
        if _same(request.cookies.get(self._cookie, ''), self._session):
            return None
        if request.url.path == '/':
            return HTMLResponse(_LINK_NEEDED, 401)
        return PlainTextResponse('The token is missing: open the link that osbrain dashboard has printed.\n', 401)

    def _welcome(self) -> Response:
        # A redirection would be followed without the cookie by a browser that a link on another site has led here,
        # because of SameSite; a page that goes on by itself is that page's own navigation.
        answer = HTMLResponse(_WELCOME, headers={'Refresh': '0; url=/'})
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite='strict')
        return answer


def _same(shown: str, wanted: str) -> bool:
    # In a time that says nothing of how much of it is right.
    return hmac.compare_digest(shown.encode('utf-8', 'surrogatepass'), wanted.encode())


def _from_own_page(request: HTTPConnection, host: str) -> bool:
    """Whether a script of this very page asks: a form of another site can neither say so nor send JSON."""
    origin = urlsplit(request.headers.get('origin', ''))
    kind = request.headers.get('content-type', '').partition(';')[0].strip()
    return origin.netloc == host and origin.scheme in {'http', 'https'} and kind == 'application/json'
