"""``osbrain set``: set attributes of an agent while it runs."""

from __future__ import annotations

from typing import Any

import click

from ... import _steering
from ...address import SocketAddress
from ...errors import KeyUnusable, UnknownMethod
from ..completion import agent_names, attribute_settings
from ..exits import Exit
from ..failure import Failure
from ..options import examples, json_value, nsaddr_option, patience_option
from ..output import printable, say
from ..steering import code_of, known_agents, line_of

_EXAMPLES = (
    'osbrain set strategy threshold=0.75',
    'osbrain set feed \'symbols=["EURUSD", "GBPUSD"]\' paused=true',
)


@click.command('set', short_help='Set attributes of an agent.', epilog=examples(*_EXAMPLES))
@click.argument('name', metavar='NAME', shell_complete=agent_names)
@click.argument('settings', metavar='ATTR=JSON...', nargs=-1, required=True, shell_complete=attribute_settings)
@nsaddr_option
@patience_option
@click.option('--new', is_flag=True, help='Also attributes that the agent does not have.')
def set_attributes(*, name: str, settings: tuple[str, ...], nsaddr: SocketAddress, timeout: float, new: bool) -> Exit:
    """Set attributes of an agent, in its loop, between two messages, in the order given.

    Values are JSON; a text needs quotes that the shell leaves to it: 'symbol="EURUSD"'. A supervised
    agent that is started again has them again.
    """
    values = [_read(setting) for setting in settings]
    known_agents([name], nsaddr, 'nothing has been set')
    for attribute, value in values:
        try:
            _steering.set_attribute(nsaddr, name, attribute, value, timeout, new)
        except KeyUnusable:
            raise
        except Exception as error:
            hint = ' (--new sets it nevertheless)' if type(error) is UnknownMethod else ''
            raise Failure(code_of(error), f'{line_of(error)}{hint}') from None
        say(f'{printable(name)}: {attribute} is set.')
    return Exit.OK


def _read(setting: str) -> tuple[str, Any]:
    attribute, equals, text = setting.partition('=')
    if not equals or not attribute.isidentifier():
        raise click.BadParameter(f'{setting!r} is not of the form ATTR=JSON', param_hint='ATTR=JSON')
    return attribute, json_value(text, f'{attribute}=')
