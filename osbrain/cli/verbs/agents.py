"""``osbrain agents``: who is there, and how each of them is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import click

from ..._remote.status import AgentStatus
from ...address import SocketAddress
from ..exits import Exit
from ..options import examples, json_option, nsaddr_option
from ..output import say, show_json, show_table
from ..system import System

_HEADERS = ('name', 'state', 'reason', 'pid', 'host', 'class', 'since')
_EXAMPLES = (
    'osbrain agents --nsaddr 127.0.0.1:9090',
    'export OSBRAIN_NAMESERVER_ADDRESS=127.0.0.1:9090',
    'osbrain agents',
    'osbrain agents --json | jq -r \'.[] | select(.state != "running") | .name\'',
)


@click.command(short_help='List the agents and how each of them is.', epilog=examples(*_EXAMPLES))
@nsaddr_option
@json_option
def agents(*, nsaddr: SocketAddress, as_json: bool) -> Exit:
    """List the agents: name, state, reason, process, host, class, since when.

    The state is starting (registered, not running yet), running, stopped (on request, or because it
    crashed: see the reason) or gone (its process has ended without saying goodbye).
    """
    with System(nsaddr) as system:
        known = system.status().values()
    if as_json:
        show_json([_facts(record) for record in known])
    elif known:
        show_table(_HEADERS, [_row(record) for record in known])
    else:
        say(f'No agents at {nsaddr}.')
    return Exit.OK


def _when(record: AgentStatus) -> datetime | None:
    return datetime.fromtimestamp(record.since, timezone.utc) if record.since else None


def _facts(record: AgentStatus) -> dict[str, Any]:
    when = _when(record)
    return {
        'name': record.name,
        'state': record.state,
        'reason': record.reason,
        'pid': record.pid or None,
        'host': record.host or None,
        'class': record.kind or None,
        'since': when.isoformat(timespec='seconds') if when else None,
        'uri': record.uri,
    }


def _row(record: AgentStatus) -> tuple[str, ...]:
    when = _when(record)
    return (
        record.name,
        record.state,
        record.reason or '',
        str(record.pid or ''),
        record.host,
        # A row has no room for the module; JSON has.
        record.kind.rpartition('.')[2],
        f'{when.astimezone():%Y-%m-%d %H:%M:%S}' if when else '',
    )
