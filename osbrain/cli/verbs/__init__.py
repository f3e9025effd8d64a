"""One verb a file; each is a click command that returns an exit code."""

from __future__ import annotations

import click

from .agents import agents
from .bw import bw
from .delay import delay
from .echo import echo
from .hz import hz
from .keys import keys
from .nameserver import nameserver
from .ping import ping
from .record import record
from .replay import replay
from .shutdown import shutdown

VERBS: tuple[click.Command, ...] = (nameserver, agents, ping, shutdown, echo, hz, bw, delay, record, replay, keys)
