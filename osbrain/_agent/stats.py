"""What an agent tells of itself when it is asked: its counters, and what its process uses."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from pathlib import Path

from .._clock import monotonic
from .._protocol.patterns import counting
from .._stats import AgentStats
from .core import Core

# Where Linux tells the size of a process: in pages, the second number is what is resident (proc_pid_statm(5)).
_STATM = Path('/proc/self/statm')


def stats_of(core: Core) -> AgentStats:
    """Return what the agent of *core* has done until now; from any thread, also while a handler is busy."""
    now = monotonic()
    return AgentStats(
        name=core.name,
        when=time.time(),
        monotonic=now,
        uptime=now - core.made,
        running=core.running,
        pid=os.getpid(),
        cpu=time.process_time(),
        memory=_resident_bytes(),
        threads=threading.active_count(),
        endpoints=tuple(counting.stats_of(endpoint) for endpoint in core.endpoints.endpoints()),
        errors=core.counters['errors'],
        undecodable=core.counters['undecodable'],
        overflows=core.wires.overflows,
        refused=core.wires.refused,
        timers=len(core.timers.aliases()),
        lateness=core.loop.lateness.read(),
        calls_waiting=len(core.mailbox),
        requests_pending=len(core.requests.pending),
    )


def _resident_bytes() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        # Elsewhere only the most that it ever was is told, in KiB, on macOS in bytes (getrusage(2)).
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == 'darwin' else most * 1024
