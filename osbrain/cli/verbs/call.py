"""``osbrain call``: call a method of an agent, with arguments and a result that a shell can write."""

from __future__ import annotations

import json
import re
from typing import Any

import click

from ... import _steering
from ..._remote.link import Link
from ..._remote.rendering import Rendered
from ...address import SocketAddress
from ...errors import ArgumentsInvalid, KeyUnusable, NotExposed, OsBrainError, UnknownMethod
from ..completion import agent_names, method_names
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_option, json_value, nsaddr_option, patience_option
from ..output import command_path, say_lines, show_json
from ..steering import code_of, known_agents, line_of, meant
from ..system import System

# Seconds for the names of an agent's methods, for a hint.
_HINT = 1.0
# JSON never begins so: a name and an equals sign.
_KEYWORD = re.compile(r'([^\W\d]\w*)=(.*)', re.DOTALL)
_EXAMPLES = (
    'osbrain call feed ping',
    'osbrain call feed subscribe \'"EURUSD"\' depth=5     # subscribe("EURUSD", depth=5)',
    "osbrain call broker orders '[1, 2]' '{\"open\": true}'",
    'osbrain call feed ping --unsafe    # also while it is busy',
)


@click.command(
    short_help='Call a method of an agent.',
    epilog=examples(*_EXAMPLES),
    # So that negative numbers are arguments of the method.
    context_settings={'ignore_unknown_options': True},
)
@click.argument('name', metavar='NAME', shell_complete=agent_names)
@click.argument('method', metavar='METHOD', shell_complete=method_names)
@click.argument('arguments', metavar='[ARG|KEY=ARG]...', nargs=-1)
@nsaddr_option
@patience_option
@click.option('--unsafe', is_flag=True, help="At once, not in the agent's loop: also while it is busy or stopped.")
@json_option
def call(
    *,
    name: str,
    method: str,
    arguments: tuple[str, ...],
    nsaddr: SocketAddress,
    timeout: float,
    unsafe: bool,
    as_json: bool,
) -> Exit:
    """Call a method of an agent and print its result.

    Arguments are JSON; a text needs quotes that the shell leaves to it: '"EURUSD"'. KEY=ARG is an
    argument by name. The result is printed as JSON, or as Python shows it where it is none.
    """
    args, kwargs = _read(arguments)
    known_agents([name], nsaddr, 'nothing has been called')
    try:
        result = _steering.call(nsaddr, name, method, args, kwargs, timeout, safe=not unsafe)
    except KeyUnusable:
        raise
    except Exception as error:
        raise _failure(error, nsaddr, name, method) from None
    if as_json:
        show_json(_facts(result))
    elif result.is_json:
        show_json(json.loads(result.text))
    else:
        say_lines(result.text)
    return Exit.OK


def _read(arguments: tuple[str, ...]) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in arguments:
        keyword = _KEYWORD.fullmatch(text)
        if keyword is None:
            args.append(json_value(text, 'ARG'))
        elif keyword[1] in kwargs:
            raise click.UsageError(f'{keyword[1]}= is given twice')
        else:
            kwargs[keyword[1]] = json_value(keyword[2], f'{keyword[1]}=')
    return args, kwargs


def _facts(result: Rendered) -> dict[str, Any]:
    return {
        'result': json.loads(result.text) if result.is_json else None,
        'repr': None if result.is_json else result.text,
    }


def _failure(error: Exception, nsaddr: SocketAddress, name: str, method: str) -> Failure:
    code = code_of(error)
    if code is Exit.NOT_ANSWERING:
        return Failure(code, f'{line_of(error)}; the call may still be carried out')
    if code is Exit.NOT_RUNNING:
        return Failure(code, f'{line_of(error)} (--unsafe calls it nevertheless)')
    if code is Exit.CALL_FAILED:
        return Failure(code, f'the call has failed: {line_of(error)}')
    hint = ''
    if isinstance(error, UnknownMethod) and not isinstance(error, (NotExposed, ArgumentsInvalid)):
        hint = meant(method, _methods(nsaddr, name))
    return Failure(code, f'{line_of(error)}{hint}')


def _methods(nsaddr: SocketAddress, name: str) -> list[str]:
    try:
        with System(nsaddr) as system:
            link = Link(system.status()[name].uri, command_path())
        methods: list[str] = link.call('members', timeout=_HINT)[0]
    except (OsBrainError, Failure, KeyError):
        return []
    link.release()
    return methods
