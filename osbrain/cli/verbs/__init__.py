"""One verb a file; each is a click command that returns an exit code."""

from __future__ import annotations

import click

from .agents import agents
from .bw import bw
from .delay import delay
from .echo import echo
from .graph import graph
from .hz import hz
from .keys import keys
from .ls import ls
from .nameserver import nameserver
from .ping import ping
from .show import show
from .shutdown import shutdown
from .top import top

VERBS: tuple[click.Command, ...] = (
    nameserver, ls, top, graph, show, agents, ping, echo, hz, bw, delay, shutdown, keys,
)  # fmt: skip
