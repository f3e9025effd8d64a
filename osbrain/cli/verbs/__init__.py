"""One verb a file; each is a click command that returns an exit code."""

from __future__ import annotations

import click

from .agents import agents
from .bw import bw
from .call import call
from .completion import completion
from .dashboard import dashboard
from .delay import delay
from .doctor import doctor
from .echo import echo
from .graph import graph
from .hz import hz
from .keys import keys
from .kill import kill
from .logs import logs
from .ls import ls
from .metrics import metrics
from .nameserver import nameserver
from .ping import ping
from .record import record
from .replay import replay
from .restart import restart
from .set import set_attributes
from .show import show
from .shutdown import shutdown
from .stop import stop
from .top import top

VERBS: tuple[click.Command, ...] = (
    nameserver, ls, top, graph, show, agents, ping, echo, hz, bw, delay, record, replay, call,
    set_attributes, logs, stop, kill, restart, shutdown, doctor, metrics, dashboard, keys, completion,
)  # fmt: skip
