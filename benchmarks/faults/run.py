"""One run: tasks are handed in at an even pace while the system is struck, then everything has to arrive."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from osbrain import NSProxy
from osbrain.errors import OsBrainError
from osbrain.helper import wait_condition
from osbrain.nameserver import NameServerProcess, random_nameserver_process

from .ledger import Ledger, Outcome
from .schedule import schedule
from .strikes import PATIENCE, Striker
from .system import System

#: Tasks that are handed in with one call.
PORTION = 100
# Seconds that a call may take to find room for its tasks.
_ROOM = 5.0
# Seconds until a call that failed is made again.
_AGAIN = 0.05
# Seconds that the last tasks may take to arrive once nothing strikes any more.
_REST = 60.0


def run(seconds: float, tasks: int, seed: int, progress: Callable[[int, int], None]) -> Outcome:
    """Hand in *tasks* within *seconds* while the faults of *seed*'s schedule strike; what came of it."""
    ledger = Ledger()
    nameserver: NameServerProcess = random_nameserver_process()
    with tempfile.TemporaryDirectory() as folder:
        try:
            system = System(nameserver.addr, Path(folder))
            striker = Striker(system, nameserver, ledger)
            began = time.monotonic()
            with NSProxy(nameserver.addr) as ns, ns.watch(striker.heard):
                struck = threading.Thread(target=_strike, args=(striker, seconds, seed, began), daemon=True)
                struck.start()
                _hand_in(system, striker, seconds, tasks, began, progress)
                struck.join(seconds + PATIENCE)
                striker.end()
                _wait_until_done(system, ledger)
            took = time.monotonic() - began
            return ledger.outcome(tasks, system.sink.get_attr('counts'), took)
        finally:
            NSProxy(nameserver.addr).shutdown()


def _strike(striker: Striker, seconds: float, seed: int, began: float) -> None:
    for one in schedule(seconds, seed):
        threading.Event().wait(max(0.0, began + one.at - time.monotonic()))
        striker.strike(one)


def _hand_in(
    system: System,
    striker: Striker,
    seconds: float,
    tasks: int,
    began: float,
    progress: Callable[[int, int], None],
) -> None:
    for first in range(0, tasks, PORTION):
        threading.Event().wait(max(0.0, began + seconds * first / tasks - time.monotonic()))
        count = min(PORTION, tasks - first)
        while not _taken(system, first, count):
            threading.Event().wait(_AGAIN)
        striker.dispatcher_works()
        progress(first + count, tasks)


def _taken(system: System, first: int, count: int) -> bool:
    """Whether the dispatcher took them; one that died meanwhile may have, so they are handed in again."""
    try:
        system.dispatcher.hand_in(first, count, _ROOM)
    except (OsBrainError, OSError):
        return False
    return True


def _wait_until_done(system: System, ledger: Ledger) -> None:
    left = None

    def done() -> bool:
        nonlocal left
        with contextlib.suppress(OsBrainError):  # the dispatcher may be on its way back still
            left = system.dispatcher.pending('tasks')
            return not left.waiting and not left.at_workers
        return False

    if not wait_condition(done, timeout=_REST):
        ledger.trouble(f'{_REST:g} s after the last strike there was still work to be done: {left}')
