"""What several verbs are given: addresses, seconds, the name server to act on, the form of the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from .._remote.addresses import VARIABLE, socket_address
from ..address import SocketAddress
from ..errors import OsBrainError, WaitTimeout
from .waiting import within

_F = TypeVar('_F', bound=Callable[..., Any])

# Looking up a host name has no limit of its own: the resolver may wait for servers that do not answer.
_LOOKUP = 3.0
_LAST_PORT = 65535
_DAY = 86400.0


class Address(click.ParamType):
    """``HOST:PORT``, or a port of this machine; *free_port* allows for port 0, which is any free one."""

    name = 'address'

    def __init__(self, free_port: bool = False) -> None:
        self.first_port = 0 if free_port else 1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SocketAddress:
        if isinstance(value, SocketAddress):
            return value
        text = str(value).strip()
        meant: Any = int(text) if text.isascii() and text.isdigit() else text
        try:
            address = within(_LOOKUP, lambda: socket_address(meant))
        except WaitTimeout:
            self.fail(f'{text!r}: looking up this host took more than {_LOOKUP:g} s', param, ctx)
        except (OsBrainError, ValueError) as error:
            self.fail(f'{error} (expected HOST:PORT, as in 127.0.0.1:9090)', param, ctx)
        if not self.first_port <= address.port <= _LAST_PORT:
            self.fail(f'{text!r}: a port is between {self.first_port} and {_LAST_PORT}', param, ctx)
        return address


class Seconds(click.ParamType):
    """A number of seconds, up to a day; more than 0, or 0 as well if *zero*."""

    name = 'seconds'

    def __init__(self, zero: bool = False) -> None:
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        # Written so that nan fails as well.
        if not (0 < seconds <= _DAY or (self.zero and seconds == 0)):
            least = '0 or more' if self.zero else 'more than 0'
            self.fail(f'{value!r} is no number of seconds ({least}, at most {_DAY:g})', param, ctx)
        return seconds


def _given(ctx: click.Context, param: click.Parameter, value: SocketAddress | None) -> SocketAddress:
    if value is None:
        raise click.UsageError(
            f'which name server? Pass --nsaddr HOST:PORT or set {VARIABLE} '
            '(osbrain nameserver starts one and prints its address)',
            ctx,
        )
    return value


def _not_empty(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if '' in value:
        raise click.UsageError('an agent has a name: one of those given is empty', ctx)
    return tuple(dict.fromkeys(value))


def nsaddr_option(command: _F) -> _F:
    """Take ``--nsaddr`` or the environment variable: *nsaddr*, a ``SocketAddress``."""
    return click.option(
        '--nsaddr',
        metavar='HOST:PORT',
        type=Address(),
        envvar=VARIABLE,
        show_envvar=True,
        callback=_given,
        help='The name server to act on.',
    )(command)


def names_argument(required: bool) -> Callable[[_F], _F]:
    """Take names of agents: *names*, each once, in the order given."""
    return click.argument('names', metavar='NAME...', nargs=-1, required=required, callback=_not_empty)


def json_option(command: _F) -> _F:
    """Take ``--json``: *as_json*."""
    return click.option('--json', 'as_json', is_flag=True, help='Print JSON, for programs.')(command)
