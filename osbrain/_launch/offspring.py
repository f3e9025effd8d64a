"""The processes that an agent's own code has made, when the agent ends."""

from __future__ import annotations

import gc
import sys


def release_workers() -> None:
    """Have the workers of process pools end once they have done what they are at.

    A process that ends in the usual way waits for its children, and the workers of a ``ProcessPoolExecutor`` that
    nobody has shut down wait for work.
    """
    module = sys.modules.get('concurrent.futures.process')
    if module is None:  # who has an executor has imported what it is made of
        return
    for found in gc.get_objects():
        # Not isinstance, which asks the object itself: a dead weak reference raises.
        if issubclass(type(found), module.ProcessPoolExecutor):
            found.shutdown(wait=False, cancel_futures=True)
