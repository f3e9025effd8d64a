"""The system that is struck: numbered tasks go from a dispatcher with a journal through four workers to a sink."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osbrain import Agent, Proxy, run_agent
from osbrain.errors import LimitReached
from osbrain.supervision import run_supervisor

WORKERS = ('worker-1', 'worker-2', 'worker-3', 'worker-4')
#: Tasks that are not done yet; the dispatcher takes no more.
LIMIT = 2_000
#: Seconds until a task of a worker that is stopped goes to another one. Strikes stop a worker for less and for more.
ACK_WAIT = 1.0
#: Seconds that the sink may take to answer a worker.
SINK_WAIT = 5.0
#: Seconds that a task takes which only fills the queue.
FILLER = 0.001
# As often as it takes: they die because they are killed.
_RESTARTS = 1_000_000


class Dispatcher(Agent):
    """Hands tasks out, and keeps those that are not done in its journal."""

    journal: str

    def on_init(self) -> None:
        """Open the channel, at the address of the predecessor if there was one."""
        self.bind('ACK_PUSH', alias='tasks', journal=self.journal, limit=LIMIT, ack_wait=ACK_WAIT, max_attempts=1_000)

    def hand_in(self, first: int, count: int, patience: float) -> None:
        """Take responsibility for *count* tasks; when this returns, they are not lost any more."""
        self.send_many('tasks', range(first, first + count), timeout=patience)

    def process_id(self) -> int:
        """Return which process this is."""
        return os.getpid()

    def overfill(self) -> bool:
        """Hand in tasks until one is refused; whether one was, or the workers were faster all the time."""
        try:
            for _ in range(3):
                self.send_many('tasks', [-1] * (LIMIT + 1), timeout=0)
        except LimitReached:
            return True
        return False

    def starve(self, seconds: float) -> None:
        """Be without a descriptor to spare for so many seconds."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        self.after(seconds, lambda agent: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))


class Worker(Agent):
    """Does a task by telling the sink, and waits until that has heard it."""

    tasks: Any
    sink: Any

    def on_init(self) -> None:
        """Connect to both ends."""
        self.connect(self.sink, alias='sink')
        self.connect(self.tasks, handler='work')

    def work(self, number: int) -> None:
        """Pass a task on; the ones that only fill the queue end here, after a while."""
        if number >= 0:
            self.send_recv('sink', number, timeout=SINK_WAIT)
        else:
            threading.Event().wait(FILLER)


class Sink(Agent):
    """Counts how often each task arrives."""

    def on_init(self) -> None:
        """Wait for tasks."""
        self.counts: list[int] = []
        self.bind('REP', alias='in', handler='take')

    def take(self, number: int) -> bool:
        """Count one arrival."""
        missing = number + 1 - len(self.counts)
        if missing > 0:
            self.counts.extend([0] * missing)
        self.counts[number] += 1
        return True


class System:
    """Everything that is there to be struck; *folder* is where the journal is kept."""

    def __init__(self, nsaddr: Any, folder: Path) -> None:
        self.sink = run_agent('sink', nsaddr, base=Sink)
        self.dispatcher: Proxy = run_agent(
            'dispatcher',
            nsaddr,
            base=Dispatcher,
            attributes={'journal': str(folder / 'tasks.journal')},
            restart='permanent',
            max_restarts=_RESTARTS,
        )
        self.tasks = self.dispatcher.addr('tasks')
        ends = {'tasks': self.tasks, 'sink': self.sink.addr('in')}
        self.supervisor = run_supervisor(
            'supervisor',
            [{'name': name, 'base': Worker, 'attributes': ends} for name in WORKERS],
            max_restarts=_RESTARTS,
            nsaddr=nsaddr,
        )

    @property
    def places(self) -> Sequence[str]:
        """Where strangers can connect to."""
        ends = (self.tasks.sender, self.sink.addr('in'))
        return [f'{end.transport}://{end.address}' for end in ends]
