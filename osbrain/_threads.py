"""Actions in threads of their own: after a delay, or again and again (kept for programs that use them directly)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ._clock import monotonic


class StopEvent(threading.Event):
    """The event that ends a repeated or delayed action."""

    def stop(self) -> None:
        """Start the action no more; one under way finishes."""
        self.set()


def repeat(interval: float, action: Callable[..., Any], *args: Any) -> StopEvent:
    """Run ``action(*args)`` in a thread at once and then every *interval* seconds.

    A start that is missed because the action takes longer is dropped, never made up for in a burst: the next start is
    at once and the plan goes on from there.
    """
    event = StopEvent()

    def loop() -> None:
        planned = monotonic()
        while not event.is_set():
            action(*args)
            planned = max(planned + interval, monotonic())
            if event.wait(max(0.0, planned - monotonic())):
                return

    threading.Thread(target=loop, name='osbrain-repeat', daemon=False).start()
    return event


def after(delay: float, action: Callable[..., Any], *args: Any) -> StopEvent:
    """Run ``action(*args)`` in a thread once, *delay* seconds from now, unless stopped before."""
    event = StopEvent()

    def wait_and_run() -> None:
        if not event.wait(max(0.0, delay)):
            action(*args)

    threading.Thread(target=wait_and_run, name='osbrain-after', daemon=False).start()
    return event
