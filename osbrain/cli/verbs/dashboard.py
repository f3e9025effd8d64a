"""``osbrain dashboard``: the page in the browser, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from types import ModuleType

import click

from ...address import SocketAddress
from ..events import Event, Events
from ..exits import Exit
from ..failure import Failure
from ..options import examples, host, listen_options, nsaddr_option
from ..output import say
from ..refusals import refusal
from ..system import System

_EXAMPLES = (
    'osbrain dashboard --nsaddr 127.0.0.1:9090',
    'osbrain dashboard --port 8800',
    'ssh -L 8800:127.0.0.1:8800 lab3 osbrain dashboard --port 8800',
)


@click.command(short_help='Show the system in a browser.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@listen_options('Whoever reaches it and has the link can do what you can.')
@click.option(
    '--advertise',
    metavar='HOST',
    type=host,
    help='The host in the link, where others reach this machine under another name.',
)
def dashboard(*, nsaddr: SocketAddress, port: int, address: str, advertise: str | None) -> Exit:
    """Show the agents in a browser: who runs, who talks to whom, how fast, what fails.

    Standard output gets one line, the link to open. It has a token in it: whoever has the link may look,
    and call, stop and restart agents, so keep it to yourself. It is of use until the command ends.
    """
    serving = _serving()
    System(nsaddr).release()
    # Signals are taken in before anybody can know that the page is there.
    with Events() as events, events.signals():
        listener = _listen(serving.listen, address, port)
        port = listener.getsockname()[1]
        # Nobody can have a name of ours lead to a page that only this machine reaches: it has none.
        names = (
            frozenset() if _is_local(address) else frozenset({socket.gethostname(), socket.getfqdn(), advertise or ''})
        )
        token = secrets.token_urlsafe(24)
        with serving.page(nsaddr, listener, token, names, lambda: events.tell(Event.ASKED)):
            _announce(advertise or _host_in_link(address), port, token, _is_local(address))
            failed = events.next() is Event.ASKED
    say('The page has ended.', err=True)
    return Exit.FAILED if failed else Exit.OK


def _serving() -> ModuleType:
    try:
        from ...dashboard import serving  # noqa: PLC0415  (tests/test_house.py, HIDDEN_IMPORTS)
    except ModuleNotFoundError as missing:
        what = f"the page needs the package {missing.name}: pip install 'osbrain[dashboard]'"
        raise Failure(Exit.EXTRA_MISSING, what) from None
    return serving


def _listen(listen: Callable[[str, int], socket.socket], host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise refusal(error, SocketAddress(host, port), '--port') from None


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _host_in_link(host: str) -> str:
    """Return where a browser finds what listens at *host*."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return socket.gethostname()
    return f'[{host}]' if address.version == 6 else host


def _announce(host: str, port: int, token: str, local: bool) -> None:
    say(f'http://{host}:{port}/?token={token}')
    say('The page is there until Ctrl-C. Keep the link to yourself: who has it can do what the page can.', err=True)
    if not local:
        say('Whoever is on the way can read the link, as it is plain HTTP: a tunnel is safer (ssh -L).', err=True)
