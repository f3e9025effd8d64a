"""Limits for calls that have none of their own, such as looking up a host: nobody is left waiting in a shell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from .._clock import Deadline
from ..errors import WaitTimeout

_K = TypeVar('_K')
_T = TypeVar('_T')


def all_within(seconds: float, calls: Mapping[_K, Callable[[], _T]]) -> dict[_K, _T | Exception]:
    """Make all *calls* side by side; return what each returned or raised, ``WaitTimeout`` for those without an end.

    A call that takes more than *seconds* goes on in a daemon thread: it keeps nobody from ending.
    """
    deadline = Deadline(seconds)
    outcomes: dict[_K, _T | Exception] = {}

    def make(key: _K, call: Callable[[], _T]) -> None:
        try:
            outcomes[key] = call()
        except Exception as error:
            outcomes[key] = error

    threads = [threading.Thread(target=make, args=item, name='osbrain-cli', daemon=True) for item in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(deadline.left)
    return {key: outcomes.get(key, WaitTimeout('no answer', seconds)) for key in calls}


def within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what *call* returns; ``WaitTimeout`` if it does not within *seconds*."""
    outcome = all_within(seconds, {None: call})[None]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
