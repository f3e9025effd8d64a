"""``osbrain echo``: what goes through a socket, message by message."""

from __future__ import annotations

import contextlib

import click

from ...address import SocketAddress
from ..exits import Exit
from ..looking import Limits, Looking, label
from ..messages import facts, line
from ..options import examples, json_option, limit_options, nsaddr_option, topic_option, whole_number
from ..output import say, show_json_line
from ..targets import targets_argument

_LENGTH = 1000
_EXAMPLES = (
    'osbrain echo feed:prices --nsaddr 127.0.0.1:9090',
    'osbrain echo feed:prices --topic AAPL --count 10',
    'osbrain echo broker:orders strategy:orders',
    "osbrain echo feed:prices --json | jq -c '.message'",
)


@click.command(short_help='Print what goes through sockets of agents.', epilog=examples(*_EXAMPLES))
@targets_argument
@nsaddr_option
@topic_option
@limit_options
@click.option(
    '--length',
    metavar='N',
    type=whole_number,
    default=_LENGTH,
    show_default=True,
    help='How many characters of a message to print.',
)
@json_option
def echo(
    *,
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    topic: str,
    count: int | None,
    seconds: float | None,
    length: int,
    as_json: bool,
) -> Exit:
    """Print what goes through sockets: what is published, pushed and pulled, requests, replies and tasks.

    Agents are not disturbed, and need not have been prepared: they copy messages for as long as
    somebody looks. Ctrl-C ends it.
    """
    with Looking(nsaddr, targets, topic) as looking, contextlib.suppress(KeyboardInterrupt):
        several = len(looking.sources) > 1
        for observation in looking.look(Limits(seconds, count)):
            if observation is None:
                continue
            if as_json:
                show_json_line(facts(observation))
            else:
                say(line(observation, length, label(observation.source) if several else ''))
    return looking.sum_up()
