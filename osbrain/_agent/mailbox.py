"""Calls that other threads hand to the loop's thread: a queue, a bell in the poll set, and an answer to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .._clock import Deadline
from .._io.poller import Bell
from ..errors import NotRunning, WaitTimeout


class Job:
    """One call and its outcome."""

    __slots__ = ('_done', 'action', 'error', 'method', 'result', 'urgent', 'waiting')

    def __init__(self, action: Callable[[], Any], urgent: bool, waiting: tuple[str, ...], method: str = '') -> None:
        self.action = action
        #: The agent's method that is called; empty if it is anything else.
        self.method = method
        self.urgent = urgent
        #: Who waits for this job, directly or not: identities of agents (see osbrain._agent.waiting).
        self.waiting = waiting
        self.result: Any = None
        self.error: BaseException | None = None
        # A bare lock is a tenth of the price of a Future, and all that is needed.
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        """Let whoever waits go on."""
        self.result, self.error = result, error
        self._done.release()

    def wait(self, timeout: float | None = None) -> Any:
        """Return the result or raise the error; :class:`~osbrain.errors.WaitTimeout` after *timeout* seconds."""
        left = Deadline(timeout).left
        if not self._done.acquire(timeout=-1 if left is None else left):
            raise WaitTimeout('the agent did not get round to the call', timeout)
        if self.error is not None:
            raise self.error
        return self.result


class Mailbox:
    """The jobs of one agent; open while its loop runs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._bell: Bell | None = None
        self._open = False
        self._reason: str | None = None

    @property
    def bell(self) -> Bell:
        """What ends the loop's wait; made on first use, so that an agent that never runs costs no descriptor."""
        if self._bell is None:
            self._bell = Bell()
        return self._bell

    def ring(self) -> None:
        """Make the loop look round."""
        if self._bell is not None:
            self._bell.ring()

    def open(self) -> None:
        """Take jobs from now on."""
        self.bell.silence()
        with self._lock:
            self._open, self._reason = True, None

    def close(self, reason: str | None) -> None:
        """Take no more jobs; those that wait fail with *reason*."""
        with self._lock:
            self._open, self._reason = False, reason
            jobs, self._jobs = self._jobs, deque()
        for job in jobs:
            job.finish(error=NotRunning(self._name, reason))

    def submit(
        self, action: Callable[[], Any], urgent: bool = False, waiting: tuple[str, ...] = (), method: str = ''
    ) -> Job:
        """Queue *action*; :class:`~osbrain.errors.NotRunning` if no loop is there to run it."""
        job = Job(action, urgent, waiting, method)
        with self._lock:
            if not self._open:
                raise NotRunning(self._name, self._reason)
            self._jobs.append(job)
        self.ring()
        return job

    def withdraw(self, job: Job) -> None:
        """Take *job* out if nobody has begun it."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)

    def waiting(self) -> tuple[str, ...]:
        """Everybody who waits for a job in the queue."""
        with self._lock:
            return tuple(who for job in self._jobs for who in job.waiting)

    def __len__(self) -> int:
        return len(self._jobs)

    def next_job(self, urgent: bool = False) -> Job | None:
        """Take one job out; with *urgent*, one that cannot wait for a handler to end."""
        if not self._jobs:
            return None
        with self._lock:
            for job in self._jobs:
                if job.urgent or not urgent:
                    self._jobs.remove(job)
                    return job
        return None
