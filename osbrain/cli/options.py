"""What several verbs are given: addresses, seconds, the name server to act on, the form of the answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from .._remote.addresses import VARIABLE, socket_address
from .._remote.storage import checked_storage
from ..address import SocketAddress, address_to_host_port
from ..errors import OptionInvalid, WaitTimeout
from .completion import agent_names
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
    return _nsaddr_option(_given)(command)


def optional_nsaddr_option(command: _F) -> _F:
    """As :func:`nsaddr_option`, for what makes sense without one: then *nsaddr* is ``None``."""
    return _nsaddr_option(None)(command)


def _nsaddr_option(callback: Callable[..., Any] | None) -> Callable[[_F], _F]:
    return click.option(
        '--nsaddr',
        metavar='HOST:PORT',
        type=nameserver_address,
        envvar=VARIABLE,
        show_envvar=True,
        callback=callback,
        help='The name server to act on.',
    )


def listen_options(who: str) -> Callable[[_F], _F]:
    """Take ``--port`` and ``--host`` of what listens: *port*, and *address*; *who* says what reaching it means."""

    def both(command: _F) -> _F:
        command = click.option(
            '--host',
            'address',
            metavar='HOST',
            type=host,
            default='127.0.0.1',
            show_default=True,
            help=f'The address to listen at. {who}',
        )(command)
        return click.option(
            '--port',
            type=click.IntRange(0, _LAST_PORT),
            default=0,
            help='The port to listen at. Without it any free one.',
        )(command)

    return both


def names_argument(required: bool) -> Callable[[_F], _F]:
    """Take names of agents: *names*, each once, in the order given."""
    metavar = 'NAME...' if required else '[NAME...]'
    return click.argument(
        'names', metavar=metavar, nargs=-1, required=required, callback=_not_empty, shell_complete=agent_names
    )


def patience_option(command: _F) -> _F:
    """Take ``--timeout`` for what one agent is to do: *timeout*, in seconds."""
    return click.option(
        '--timeout',
        metavar='SECONDS',
        type=seconds_above_0,
        default=10.0,
        show_default=True,
        help='How long each agent may take.',
    )(command)


def json_value(text: str, where: str) -> Any:
    """Return what *text* is as JSON; *where* it stands, for who has left out the quotes of a text."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        quoted = json.dumps(text)
        hint = f"a text is written '{quoted}'" if "'" not in quoted else 'a text needs quotes of its own'
        raise click.BadParameter(f'{text!r} is not JSON ({hint})', param_hint=where) from None


def _refuse_constant(name: str) -> Any:
    # Python reads NaN and Infinity, which are no JSON.
    raise ValueError(name)


def name_argument(command: _F) -> _F:
    """Take the name of one agent: *name*."""

    def not_empty(ctx: click.Context, _param: click.Parameter, value: str) -> str:
        return _not_empty(ctx, _param, (value,))[0]

    return click.argument('name', metavar='NAME', callback=not_empty, shell_complete=agent_names)(command)


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
