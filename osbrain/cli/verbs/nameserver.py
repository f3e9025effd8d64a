"""``osbrain nameserver``: run a name server until somebody ends it."""

from __future__ import annotations

import errno
import ipaddress
from functools import partial

import click

from ..._remote.addresses import LOCALHOST, VARIABLE
from ...address import SocketAddress
from ...errors import OsBrainError, ShutdownTimeout
from ...proxy import NSProxy
from ..events import Event, Events
from ..exits import Exit
from ..failure import Failure
from ..foreground import Foreground, beside
from ..options import bind_address, examples, host, seconds_above_0, storage_file
from ..output import printable, say
from ..refusals import refusal
from ..waiting import within

_EXAMPLES = (
    'osbrain nameserver',
    'osbrain nameserver 127.0.0.1:9090 --leave-agents',
    'osbrain nameserver 0.0.0.0:9090 --advertise lab3.example.org',
    'osbrain nameserver 127.0.0.1:9090 --storage names.sqlite',
)


@click.command(short_help='Run a name server until Ctrl-C.', epilog=examples(*_EXAMPLES))
@click.argument('address', metavar='[HOST:PORT]', type=bind_address, required=False)
@click.option(
    '--shutdown-agents/--leave-agents',
    'with_agents',
    default=True,
    show_default=True,
    help='Whether Ctrl-C and SIGTERM end the agents as well. Without their name server nobody finds them any more.',
)
@click.option(
    '--timeout',
    metavar='SECONDS',
    type=seconds_above_0,
    default=10.0,
    show_default=True,
    help='How long ending the agents may take. Who has not ended at half of it is killed.',
)
@click.option(
    '--advertise',
    metavar='HOST',
    type=host,
    help='The host under which others reach this machine, when listening on 0.0.0.0 or behind a gateway.',
)
@click.option(
    '--storage',
    metavar='FILE',
    type=storage_file,
    help='Keep the names in this file (SQLite, made if it is not there): started again with it, they are all known.',
)
def nameserver(
    *, address: SocketAddress | None, with_agents: bool, timeout: float, advertise: str | None, storage: str | None
) -> Exit:
    """Run a name server in the foreground, until Ctrl-C or SIGTERM.

    Standard output gets one line, the address, once the name server answers there; everything else
    goes to standard error. Without HOST:PORT it takes any free port of this machine, which nobody
    reaches from outside; a number alone is a port of this machine.

    Ctrl-C ends the agents too, then the name server; a second Ctrl-C leaves what agents are left.
    """
    server = Foreground(address or SocketAddress(LOCALHOST, 0), advertise, storage)
    # Signals are taken in before anybody can know that the name server is there.
    with Events() as events, events.signals():
        try:
            server.listen()
        except OSError as error:
            raise _refusal(error, server.addr) from None
        with server.serving(events):
            _announce(server)
            return _until_the_end(server, events, timeout if with_agents else None)


def _announce(server: Foreground) -> None:
    address = server.public
    say(address)
    say('The name server runs until Ctrl-C. Programs and the other commands find it with', err=True)
    say(f'export {VARIABLE}={address}', err=True)
    if not ipaddress.ip_address(server.host).is_loopback:
        say('Other machines need its key and a certificate: osbrain keys copy-instructions tells how.', err=True)


def _until_the_end(server: Foreground, events: Events, timeout: float | None) -> Exit:
    """Wait until told to end; within *timeout* end the agents too if it was by a signal."""
    code = Exit.OK
    asked = events.next() is Event.ASKED
    names = server.registered()
    if names and not asked and timeout is not None:
        noun = 'agent' if len(names) == 1 else 'agents'
        say(f'Ending {len(names)} {noun} within {timeout:g} s; Ctrl-C again leaves them.', err=True)
        beside(partial(_end_agents, server.local, timeout), events, Event.DONE)
        while events.next() not in (Event.DONE, Event.INTERRUPT):
            pass
        names = server.registered()
        code = Exit.AGENTS_LEFT if names else Exit.OK
    if names:
        say(f'Left without a name server: {", ".join(map(printable, names))}.', err=True)
    say(f'The name server at {server.public} has ended.', err=True)
    return code


def _end_agents(address: SocketAddress, timeout: float) -> None:
    try:
        with NSProxy(address) as ns:
            ns.shutdown_agents(timeout)
    except ShutdownTimeout:
        # Who is left is seen, and told, by who waits for this.
        pass


def _refusal(error: OSError, address: SocketAddress) -> Failure:
    taken = error.errno == errno.EADDRINUSE and _is_nameserver(address)
    return refusal(error, address, 'HOST:PORT', by='a name server' if taken else '')


def _is_nameserver(address: SocketAddress) -> bool:
    try:
        within(1.0, lambda: NSProxy(address, timeout=0.5)).release()
    except OsBrainError:
        return False
    return True
