"""Stands in for the core, as the loop's owner, while an agent has instruments: they hear of timers and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .._clock import monotonic
from .calls import MethodFailed
from .loop import Loop, Owner
from .mailbox import Job


class Core(Owner, Protocol):
    """For whom it stands in."""

    loop: Loop


class StandIn:
    """Does what *core* does; *tell* calls a method of each instrument, by its name."""

    def __init__(self, core: Core, tell: Callable[..., None]) -> None:
        self._core = core
        self._tell = tell

    def guarded(self, action: Callable[..., Any], *args: Any) -> None:
        """As the core does; tell of timers that somebody knows."""
        timer = self._core.loop.timer
        if timer is None or timer.hidden or action is not timer.action:
            self._core.guarded(action, *args)
            return
        failure: list[BaseException] = []

        def noting() -> None:
            try:
                action(*args)
            except BaseException as error:
                failure.append(error)
                raise

        self._tell('before_timer', timer.alias)
        begun = monotonic()
        self._core.guarded(noting)
        self._tell('after_timer', timer.alias, monotonic() - begun, failure[0] if failure else None)

    def run_job(self, job: Job) -> None:
        """As the core does; tell of methods that somebody outside has called."""
        if not job.method:
            self._core.run_job(job)
            return
        self._tell('before_call', job.method)
        begun = monotonic()
        try:
            self._core.run_job(job)
        finally:
            failure = job.error.error if isinstance(job.error, MethodFailed) else job.error
            self._tell('after_call', job.method, monotonic() - begun, failure)

    def raised(self, error: BaseException, by: Any) -> None:
        """As the core does."""
        self._core.raised(error, by)

    def idle(self) -> None:
        """As the core does."""
        self._core.idle()

    def poll_seconds(self) -> float:
        """As the core does."""
        return self._core.poll_seconds()
