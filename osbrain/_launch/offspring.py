"""The processes that an agent's own code has made, when the agent ends: nobody else would end those of a pool."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from typing import Any

from .._clock import Deadline

# Seconds that pools may take to end their workers.
_MERCY = 0.5

# Workers of executors that were told to end, which then do not know them any more.
_released: list[Any] = []


def release_workers() -> None:
    """Have the workers of process pools end once they have done what they are at, and wait for that.

    A process that ends in the usual way waits for its children, and the workers of a ``ProcessPoolExecutor`` that
    nobody has shut down wait for work. Told only then, they may not hear it: :mod:`multiprocessing` closes its queues
    before it waits.
    """
    for executor in _executors():
        _released.extend(_workers(executor))
        executor.shutdown(wait=True, cancel_futures=True)


def end_workers() -> None:
    """End the workers of process pools at once, for a process that waits for nobody (``os._exit``)."""
    pools = [threading.Thread(target=pool.terminate, daemon=True) for pool in _found('multiprocessing.pool', 'Pool')]
    for thread in pools:
        # A pool starts its workers again unless it is told; its locks may be held by whoever is stuck.
        thread.start()
    deadline = Deadline(_MERCY)
    for thread in pools:
        thread.join(deadline.left)
    # Executors can do that themselves from Python 3.14 on (terminate_workers).
    daemons = [child for child in multiprocessing.active_children() if child.daemon]
    for worker in [*daemons, *_released, *(one for executor in _executors() for one in _workers(executor))]:
        worker.terminate()


def _executors() -> list[Any]:
    return _found('concurrent.futures.process', 'ProcessPoolExecutor')


def _workers(executor: Any) -> list[Any]:
    return list((getattr(executor, '_processes', None) or {}).values())


def _found(module: str, name: str) -> list[Any]:
    """Return all objects of a class; who has none has not even imported its module."""
    cls = getattr(sys.modules.get(module), name, None)
    # Not isinstance, which asks the object itself: a dead weak reference raises.
    return [] if cls is None else [found for found in gc.get_objects() if issubclass(type(found), cls)]
