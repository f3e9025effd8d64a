"""One agent that is started again without a supervisor beside it: the short form."""

from __future__ import annotations

from .._agent.log import log
from .._clock import monotonic
from ..errors import RestartsExceeded
from .group import Group, Member
from .intensity import Intensity
from .restarts import Restart
from .strategy import Strategy
from .watcher import Child, watcher_of_this_process


def look_after(name: str, child: Child, restart: Restart, max_restarts: int, within: float, start_limit: float) -> None:
    """Start *child*, which runs, again whenever *restart* says so; give it up, with an error, if that is too often."""
    group = Group(name, Strategy.ONE_FOR_ONE, Intensity(max_restarts, within), lasting=False)
    # Nobody asks it to end, so it may take no time for it.
    group.add_running(Member(name, child, restart, 0.0, start_limit), monotonic())
    watcher_of_this_process().watch(group, _say)


def _say(error: RestartsExceeded) -> None:
    log(error.child, 'ERROR', error, None)
