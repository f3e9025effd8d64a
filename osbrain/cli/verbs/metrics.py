"""``osbrain metrics``: tell Prometheus what the system does, until Ctrl-C."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType

import click

from ...address import SocketAddress
from ..events import Events
from ..exits import Exit
from ..failure import Failure
from ..options import bind_address, examples, listen_options, nsaddr_option, seconds_above_0
from ..output import say
from ..refusals import refusal
from ..system import System

_EXAMPLES = (
    'osbrain metrics --port 9464 --nsaddr 127.0.0.1:9090',
    'curl http://127.0.0.1:9464/metrics',
    'osbrain metrics --port 9464 --host 0.0.0.0    # for a Prometheus on another machine',
)


@click.command(short_help='Tell Prometheus what the system does.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@listen_options('Whoever reaches it can read the metrics.')
@click.option(
    '--timeout',
    metavar='SECONDS',
    type=seconds_above_0,
    default=1.0,
    show_default=True,
    help='How long agents that do not answer may delay an answer, all together.',
)
def metrics(*, nsaddr: SocketAddress, port: int, address: str, timeout: float) -> Exit:
    """Answer Prometheus: what each agent and each of its sockets does, counted by the agents themselves.

    Standard output gets one line, the address to scrape. The agents are looked at when somebody asks,
    and at no other time. Runs until Ctrl-C or SIGTERM; the name server may come and go meanwhile.
    """
    where = bind_address(f'[{address}]:{port}' if ':' in address else f'{address}:{port}')
    serving = _serving()
    System(nsaddr).release()
    # Signals are taken in before anybody can know that somebody answers.
    with Events() as events, events.signals(), _exposed(serving, nsaddr, where, timeout) as where:
        say(f'http://{where}/metrics')
        say('Prometheus can ask there until Ctrl-C.', err=True)
        events.next()
    say('Nobody answers Prometheus any more.', err=True)
    return Exit.OK


def _serving() -> ModuleType:
    try:
        from ...metrics import serving  # noqa: PLC0415  (tests/test_house.py, HIDDEN_IMPORTS)
    except ModuleNotFoundError as missing:
        what = f"Prometheus is told by the package {missing.name}: pip install 'osbrain[metrics]'"
        raise Failure(Exit.EXTRA_MISSING, what) from None
    return serving


@contextlib.contextmanager
def _exposed(
    serving: ModuleType, nsaddr: SocketAddress, where: SocketAddress, timeout: float
) -> Iterator[SocketAddress]:
    with contextlib.ExitStack() as stack:
        try:
            port = stack.enter_context(serving.exposed(nsaddr, where.host, where.port, timeout))
        except OSError as error:
            raise refusal(error, where, '--port') from None
        yield SocketAddress(where.host, port)
