"""One verb a file; each is a click command that returns an exit code."""

from __future__ import annotations

import click

from .agents import agents
from .call import call
from .completion import completion
from .dashboard import dashboard
from .doctor import doctor
from .graph import graph
from .keys import keys
from .kill import kill
from .logs import logs
from .ls import ls
from .nameserver import nameserver
from .ping import ping
from .restart import restart
from .set import set_attributes
from .show import show
from .shutdown import shutdown
from .stop import stop
from .top import top

VERBS: tuple[click.Command, ...] = (
    nameserver,
    ls,
    top,
    graph,
    show,
    dashboard,
    agents,
    ping,
    call,
    set_attributes,
    logs,
    stop,
    kill,
    restart,
    shutdown,
    doctor,
    keys,
    completion,
)
