"""Who gets which task: what waits, what each worker has, and what becomes of it when one fails, hangs or dies.

A worker handles its tasks in the order in which it got them, so time runs for the first of its *window*, from the
moment when it became the first. When a worker dies or does not answer, one of its tasks may be to blame. Which one is
known only if there is no other, as a worker may acknowledge a little late. Otherwise nothing is held against any of
them, but each is alone in its worker's window the next time, where nothing can be mistaken.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from .work import Pending, WorkerLoad

# Tasks that wait for another worker than the one with room; looking at more at each turn would make many of them slow.
_LOOK_AT = 16


class Task:
    """One message until it is done or given up."""

    __slots__ = ('at', 'attempts', 'avoid', 'body', 'error', 'failures', 'hold', 'number', 'open', 'sent', 'suspect')

    def __init__(self, number: int, body: Any, sent: float) -> None:
        self.number, self.body, self.sent = number, body, sent
        self.open = True
        #: Who has it.
        self.at: Worker | None = None
        #: How often it was handed to a worker.
        self.attempts = 0
        #: How often it failed, and why it did the last time.
        self.failures = 0
        self.error = ''
        #: Who failed with it, and is to get it again only if there is nobody else.
        self.avoid: Worker | None = None
        #: Whether it is to be alone with its next worker; and which worker is kept free for it.
        self.suspect = False
        self.hold: Worker | None = None


class Worker:
    """One worker, by whatever *key* its owner knows it."""

    __slots__ = ('bucket', 'hold', 'key', 'prefetch', 'ready', 'since', 'window')

    def __init__(self, key: Any, prefetch: int) -> None:
        self.key, self.prefetch = key, prefetch
        #: What it has, by number, in the order in which it got it.
        self.window: dict[int, Task] = {}
        #: Since when the first of these is the first.
        self.since = 0.0
        #: Whether it may get tasks: not while it is stopped, nor when it did not answer.
        self.ready = True
        #: The one task that it is kept free for, or has.
        self.hold: Task | None = None
        #: Where it is listed, by the number of its tasks; -1: it has no room.
        self.bucket = -1


class Room:
    """The workers that can get tasks, by the number that they have, so that the least loaded is found at once."""

    __slots__ = ('buckets',)

    def __init__(self) -> None:
        self.buckets: list[dict[Worker, None]] = [{}]

    def enter(self, worker: Worker) -> None:
        """List *worker* where it belongs by now, or not at all if it can get nothing."""
        load = len(worker.window)
        bucket = load if worker.ready and worker.hold is None and load < worker.prefetch else -1
        if bucket == worker.bucket:
            return
        if worker.bucket >= 0:
            del self.buckets[worker.bucket][worker]
        if bucket >= 0:
            while len(self.buckets) <= bucket:
                self.buckets.append({})
            self.buckets[bucket][worker] = None
        worker.bucket = bucket

    def least_loaded(self, avoid: Worker | None = None) -> Worker | None:
        """Who has the fewest tasks, has room for one more, and is not to be avoided."""
        for bucket in self.buckets:
            for worker in bucket:
                if worker is not avoid:
                    return worker
        return None


def _to_avoid(task: Task, workers: dict[Any, Worker]) -> Worker | None:
    """Who is not to get *task* again, as there is somebody else."""
    avoid = task.avoid
    if avoid is None or not any(worker.ready and worker is not avoid for worker in workers.values()):
        return None
    return avoid


def _to_hold(task: Task, workers: dict[Any, Worker]) -> Worker | None:
    """Who is to be kept free for a *task* that has to be alone."""
    avoid = _to_avoid(task, workers)
    free = [one for one in workers.values() if one.ready and one.hold is None and one is not avoid]
    return min(free, key=lambda worker: len(worker.window), default=None)


class Dispatch:
    """Tasks and workers; whoever changes something calls :meth:`hand_out` next. *now* is in seconds, of any clock."""

    def __init__(self, limit: int | None = None, ack_wait: float = math.inf, max_attempts: int = 1) -> None:
        self.limit, self.ack_wait, self.max_attempts = limit, ack_wait, max_attempts
        #: What is neither done nor given up, by number.
        self.tasks: dict[int, Task] = {}
        self.workers: dict[Any, Worker] = {}
        self._new: deque[Task] = deque()
        self._again: deque[Task] = deque()
        self._suspects: list[Task] = []
        self._room = Room()
        self._given_up: list[Task] = []
        self._at_workers = 0
        self.done_count = self.failed_count = self.repeats = 0

    # -- Tasks ----------------------------------------------------------------------------------------------------

    @property
    def room(self) -> float:
        """How many more tasks there may be."""
        return math.inf if self.limit is None else self.limit - len(self.tasks)

    def add(self, number: int, body: Any, now: float) -> Task:
        """Take on one more task; numbers are unique, and grow."""
        task = self.tasks[number] = Task(number, body, now)
        self._new.append(task)
        return task

    def done(self, numbers: Iterable[int], now: float) -> list[int]:
        """Note that these are done, whoever did them; those that were not done yet."""
        closed = []
        tasks, touched = self.tasks, {}
        for number in numbers:
            task = tasks.pop(number, None)
            if task is None:
                continue
            closed.append(number)
            task.open = False
            worker = task.at
            if worker is not None:
                if worker not in touched:
                    touched[worker] = next(iter(worker.window))
                del worker.window[number]
                self._at_workers -= 1
            if task.hold is not None:
                self._unhold(task)
        for worker, first in touched.items():
            if first not in worker.window:
                worker.since = now
            self._room.enter(worker)
        self.done_count += len(closed)
        return closed

    def failed(self, key: Any, number: int, error: str, now: float) -> Task | None:
        """Note that a worker's handler failed; the task, or ``None`` if it is not this worker's any more."""
        worker = self.workers.get(key)
        task = None if worker is None else worker.window.get(number)
        if worker is None or task is None:
            return None
        self._take_back(worker, task, now)
        self._blame(task, worker, error)
        self._room.enter(worker)
        return task

    def released(self, key: Any, number: int, now: float) -> None:
        """Note that a worker was interrupted in this task, which is not to blame."""
        worker = self.workers.get(key)
        task = None if worker is None else worker.window.get(number)
        if worker is not None and task is not None:
            self._take_back(worker, task, now)
            self._again.append(task)
            self._room.enter(worker)

    def given_up(self) -> list[Task]:
        """Those that have failed for the last time since this was last asked."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def give_up(self, task: Task) -> None:
        """Try *task*, which no worker has, no more."""
        task.open = False
        del self.tasks[task.number]
        self.failed_count += 1
        self._given_up.append(task)

    def _blame(self, task: Task, worker: Worker, error: str, suspect: bool = False) -> None:
        """Try *task*, which no worker has now, once more, unless it has failed too often."""
        task.failures += 1
        task.error, task.avoid, task.suspect = error, worker, suspect
        if task.failures < self.max_attempts:
            (self._suspects if suspect else self._again).append(task)
        else:
            self.give_up(task)

    # -- Workers --------------------------------------------------------------------------------------------------

    def join(self, key: Any, prefetch: int, now: float) -> None:
        """Note a worker that has nothing, new or again: what it had before goes to others."""
        worker = self.workers.get(key)
        if worker is None:
            worker = self.workers[key] = Worker(key, prefetch)
        else:
            self._empty(worker, now, begun=True)
        worker.prefetch, worker.ready = prefetch, True
        self._room.enter(worker)

    def pause(self, key: Any, now: float) -> None:
        """Give this worker no more; what it has it has not begun."""
        worker = self.workers.get(key)
        if worker is not None:
            worker.ready = False
            self._empty(worker, now, begun=False)

    def leave(self, key: Any, now: float) -> None:
        """As :meth:`pause`, for good."""
        self.pause(key, now)
        self.workers.pop(key, None)

    def died(self, key: Any, error: str, now: float) -> list[Task]:
        """Forget a worker that has died with what it had; the tasks that are blamed for it."""
        worker = self.workers.pop(key, None)
        return [] if worker is None else self._lost(worker, error, now)

    def lost_touch(self, key: Any, now: float) -> None:
        """Forget a worker that cannot be reached; nothing is known of what it had."""
        worker = self.workers.pop(key, None)
        if worker is not None:
            worker.ready = False
            self._empty(worker, now, begun=True)

    def expire(self, now: float) -> tuple[list[Any], list[Task]]:
        """Take away from workers that have not answered in time what they have; their keys, and the tasks blamed."""
        silent = [one for one in self.workers.values() if one.window and now - one.since >= self.ack_wait]
        error = f'no answer within {self.ack_wait:g} s'
        blamed = [task for worker in silent for task in self._lost(worker, error, now)]
        return [worker.key for worker in silent], blamed

    def next_due(self) -> float | None:
        """When :meth:`expire` may find somebody; ``None`` if nobody has anything, or may take as long as it takes."""
        if not self._at_workers or math.isinf(self.ack_wait):
            return None
        return self.ack_wait + min(worker.since for worker in self.workers.values() if worker.window)

    def _lost(self, worker: Worker, error: str, now: float) -> list[Task]:
        """Nothing more is expected of *worker*: what it has goes back, and is blamed if it is a single task."""
        worker.ready = False
        lost = list(worker.window.values())
        alone = lost if len(lost) == 1 else []
        for task in lost:
            task.suspect = True
        self._empty(worker, now, begun=True)
        for task in alone:
            self._suspects.remove(task)
            self._blame(task, worker, error, suspect=True)
        return alone

    def _empty(self, worker: Worker, now: float, begun: bool) -> None:
        """Take back all that *worker* has, in its order; whether it may have begun some of it."""
        back = list(worker.window.values())
        for task in back:
            self._take_back(worker, task, now)
            if not begun:
                task.attempts -= 1
        # What was sent first goes first again.
        back.sort(key=lambda task: task.number)
        self._suspects += [task for task in back if task.suspect]
        self._again.extendleft(task for task in reversed(back) if not task.suspect)
        if worker.hold is not None:
            self._unhold(worker.hold)
        self._room.enter(worker)

    def _take_back(self, worker: Worker, task: Task, now: float) -> None:
        if next(iter(worker.window)) == task.number:
            worker.since = now
        del worker.window[task.number]
        self._at_workers -= 1
        task.at = None
        if task.hold is not None:
            self._unhold(task)

    def _unhold(self, task: Task) -> None:
        worker, task.hold = task.hold, None
        if worker is not None:
            worker.hold = None
            self._room.enter(worker)

    # -- Handing out ----------------------------------------------------------------------------------------------

    def hand_out(self, now: float) -> dict[Worker, list[Task]]:
        """Give what waits to whoever has room, the least loaded first; who is to be sent what, in which order."""
        out: dict[Worker, list[Task]] = {}
        if self._suspects:
            self._hand_out_suspects(out, now)
        if self._again:
            self._hand_out_again(out, now)
        waiting = self._new
        while waiting:
            if not waiting[0].open:
                waiting.popleft()
                continue
            worker = self._room.least_loaded()
            if worker is None:
                break
            self._give(waiting.popleft(), worker, out, now)
        return out

    def _give(self, task: Task, worker: Worker, out: dict[Worker, list[Task]], now: float) -> None:
        if not worker.window:
            worker.since = now
        worker.window[task.number] = task
        task.at = worker
        task.attempts += 1
        self._at_workers += 1
        if task.attempts > 1:
            self.repeats += 1
        self._room.enter(worker)
        if worker in out:
            out[worker].append(task)
        else:
            out[worker] = [task]

    def _hand_out_again(self, out: dict[Worker, list[Task]], now: float) -> None:
        """Hand out what has been handed out before, to another worker than the one that failed with it if possible."""
        kept = []
        while self._again:
            task = self._again.popleft()
            if not task.open:
                continue
            avoid = _to_avoid(task, self.workers)
            worker = self._room.least_loaded(avoid)
            if worker is not None:
                self._give(task, worker, out, now)
                continue
            kept.append(task)
            if avoid is None or len(kept) == _LOOK_AT:
                break
        self._again.extendleft(reversed(kept))

    def _hand_out_suspects(self, out: dict[Worker, list[Task]], now: float) -> None:
        """Keep a worker free for each task that has to be alone; hand it out when that worker has nothing else."""
        left = []
        looking = True
        for task in self._suspects:
            if not task.open:
                continue
            worker = task.hold or (_to_hold(task, self.workers) if looking else None)
            if worker is None:
                looking = False  # so many workers for so many suspects: the others have to wait
                left.append(task)
                continue
            task.hold, worker.hold = worker, task
            self._room.enter(worker)
            if worker.window:
                left.append(task)
            else:
                self._give(task, worker, out, now)
        self._suspects = left

    # -- What there is --------------------------------------------------------------------------------------------

    def pending(self, now: float, about: Callable[[Any], tuple[str, int]]) -> Pending:
        """Return what there is; *about* gives a worker's name and process by its key."""
        first = next(iter(self.tasks.values()), None)
        return Pending(
            waiting=len(self.tasks) - self._at_workers,
            at_workers=self._at_workers,
            workers=tuple(
                WorkerLoad(*about(one.key), len(one.window), one.prefetch, one.ready) for one in self.workers.values()
            ),
            done=self.done_count,
            failed=self.failed_count,
            repeats=self.repeats,
            oldest=0.0 if first is None else max(0.0, now - first.sent),
        )
