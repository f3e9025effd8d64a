"""One verb a file; each is a click command that returns an exit code."""

from __future__ import annotations

import click

from .agents import agents
from .keys import keys
from .metrics import metrics
from .nameserver import nameserver
from .ping import ping
from .shutdown import shutdown

VERBS: tuple[click.Command, ...] = (nameserver, agents, ping, shutdown, metrics, keys)
