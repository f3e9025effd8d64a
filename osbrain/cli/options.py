"""What several verbs are given: addresses, seconds, the name server to act on, the form of the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from .._remote.addresses import VARIABLE, socket_address
from .._remote.storage import checked_storage
from ..address import SocketAddress, address_to_host_port
from ..errors import OptionInvalid, WaitTimeout
from .waiting import within

_F = TypeVar('_F', bound=Callable[..., Any])

# Looking up a host name has no limit of its own: the resolver may wait for servers that do not answer.
_LOOKUP = 3.0
_LAST_PORT = 65535
_DAY = 86400.0
_MOST_DAYS = 3650
# Nobody counts so far, and Python reads no number of thousands.
_DIGITS = 16


def bind_address(text: Any) -> SocketAddress:
    """``HOST:PORT`` to listen at; port 0 is any free one."""
    return _address(text, first_port=0)


def nameserver_address(text: Any) -> SocketAddress:
    """``HOST:PORT`` of somebody who listens."""
    return _address(text, first_port=1)


def _address(text: Any, first_port: int) -> SocketAddress:
    text = str(text).strip()
    meant = int(text) if text.isascii() and text.isdigit() else text
    try:
        address = within(_LOOKUP, lambda: socket_address(meant))
    except WaitTimeout:
        raise click.BadParameter(f'{text!r}: looking up this host took more than {_LOOKUP:g} s') from None
    except ValueError as error:
        raise click.BadParameter(f'{error} (expected HOST:PORT, as in 127.0.0.1:9090)') from None
    if not first_port <= address.port <= _LAST_PORT:
        raise click.BadParameter(f'{text!r}: a port is between {first_port} and {_LAST_PORT}')
    return address


def host(text: Any) -> str:
    """Take a host without a port; it need not be known here."""
    text = str(text).strip()
    try:
        found, port = address_to_host_port(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not found or port is not None:
        raise click.BadParameter(f'{text!r}: a host is needed, without a port')
    return str(text)


def storage_file(text: Any) -> str:
    """Take a file in which a name server can keep its names."""
    try:
        return str(checked_storage(str(text)))
    except OptionInvalid as error:
        raise click.BadParameter(str(error)) from None


def seconds(value: Any) -> float:
    """Take a number of seconds, up to a day."""
    return _seconds(value, at_least=0.0)


def seconds_above_0(value: Any) -> float:
    """Take a number of seconds, more than none, up to a day."""
    # The smallest number that is no zero.
    return _seconds(value, at_least=math.ulp(0.0))


def _seconds(value: Any, at_least: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    # Put so that nan is refused as well.
    if not at_least <= number <= _DAY:
        least = 'more than 0' if at_least else '0 or more'
        raise click.BadParameter(f'{value!r} is no number of seconds ({least}, at most {_DAY:g})')
    return number


def whole_number(value: Any) -> int:
    """Take a whole number, 1 or more."""
    text = str(value).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0
    if number < 1:
        raise click.BadParameter(f'{value!r} is no whole number (1 or more)')
    return number


def days(value: Any) -> int:
    """Take a number of days, up to ten years."""
    text = str(value).strip()
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _MOST_DAYS:
        raise click.BadParameter(f'{value!r} is no number of days (from 1 to {_MOST_DAYS})')
    return number


def _given(ctx: click.Context, _param: click.Parameter, value: SocketAddress | None) -> SocketAddress:
    if value is None:
        raise click.UsageError(
            f'which name server? Pass --nsaddr HOST:PORT or set {VARIABLE} '
            '(osbrain nameserver starts one and prints its address)',
            ctx,
        )
    return value


def _not_empty(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if '' in value:
        raise click.UsageError('an agent has a name: one of those given is empty', ctx)
    return tuple(dict.fromkeys(value))


def examples(*lines: str) -> str:
    """Make the end of a help text of *lines* that stay lines."""
    # Click fills paragraphs; one that begins with this character it leaves alone.
    return '\b\nExamples:\n' + '\n'.join(f'  {line}' for line in lines)


def nsaddr_option(command: _F) -> _F:
    """Take ``--nsaddr`` or the environment variable: *nsaddr*, a ``SocketAddress``."""
    return click.option(
        '--nsaddr',
        metavar='HOST:PORT',
        type=nameserver_address,
        envvar=VARIABLE,
        show_envvar=True,
        callback=_given,
        help='The name server to act on.',
    )(command)


def names_argument(required: bool) -> Callable[[_F], _F]:
    """Take names of agents: *names*, each once, in the order given."""
    metavar = 'NAME...' if required else '[NAME...]'
    return click.argument('names', metavar=metavar, nargs=-1, required=required, callback=_not_empty)


def name_argument(command: _F) -> _F:
    """Take the name of one agent: *name*."""

    def not_empty(ctx: click.Context, _param: click.Parameter, value: str) -> str:
        return _not_empty(ctx, _param, (value,))[0]

    return click.argument('name', metavar='NAME', callback=not_empty)(command)


def interval_option(default: float, what: str, allow_0: bool = False) -> Callable[[_F], _F]:
    """Take ``--interval``: *interval*, seconds between two looks."""
    return click.option(
        '--interval',
        metavar='SECONDS',
        type=seconds if allow_0 else seconds_above_0,
        default=default,
        show_default=True,
        help=what,
    )


def json_option(command: _F) -> _F:
    """Take ``--json``: *as_json*."""
    return click.option('--json', 'as_json', is_flag=True, help='Print JSON, for programs.')(command)


def topic_option(command: _F) -> _F:
    """Take ``--topic``: *topic*, empty if there is none."""
    help_ = 'Of publications only those whose topic begins with this.'
    return click.option('--topic', metavar='TOPIC', default='', help=help_)(command)


def limit_options(command: _F) -> _F:
    """Take ``--count`` and ``--seconds``: *count* and *seconds*, each ``None`` if it is not given."""
    command = click.option('--seconds', metavar='SECONDS', type=seconds_above_0, help='End after so many seconds.')(
        command
    )
    return click.option('--count', metavar='N', type=whole_number, help='End after so many messages.')(command)


def interval_option(default: float, what: str, allow_0: bool = False) -> Callable[[_F], _F]:
    """Take ``--interval``: *interval*, seconds between two looks."""
    return click.option(
        '--interval',
        metavar='SECONDS',
        type=seconds if allow_0 else seconds_above_0,
        default=default,
        show_default=True,
        help=what,
    )
