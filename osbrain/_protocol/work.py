"""What people see of acknowledged work: which delivery this is, what has failed, and how much there is to do."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

from ..errors import KindUnsupported, OptionInvalid

#: Seconds that a worker may take for one message.
ACK_WAIT = 60.0
#: How often a message may fail. Workers that are killed take along what they have begun, through no fault of its own.
MAX_ATTEMPTS = 5
#: Messages that one worker holds, so that it is busy while acknowledgements are under way. With a trivial handler, one
#: worker does 4,000 messages/s with 1, 12,000 with 4, 20,000 with 8, 70,000 with 16 and 100,000 with 32 (median of
#: three, two busy cores): up to 16 more pays, and not more than 16 wait behind a slow one.
PREFETCH = 16

_MOST = 2**31 - 1


class Delivery(NamedTuple):
    """One delivery of a message, for handlers that declare one parameter more."""

    #: Names the message: the same in every delivery, and no other message ever has it.
    id: str
    #: How often it has been handed to a worker, this time included. From 2 on it may have been handled before.
    attempt: int


class TaskFailure(NamedTuple):
    """Why a message was given up."""

    #: The ``id`` of its :class:`Delivery`.
    id: str
    #: How often it failed.
    attempts: int
    #: What went wrong the last time.
    error: str


class WorkerLoad(NamedTuple):
    """What one worker has in hand."""

    #: The worker's agent.
    name: str
    #: Its process, on its own machine.
    pid: int
    #: Messages that it has not acknowledged yet.
    open: int
    #: How many of them it may have.
    prefetch: int
    #: Whether it gets messages: not while it is stopped, or has not answered within ``ack_wait``.
    ready: bool


class Pending(NamedTuple):
    """What a dispatcher has to do, and has done."""

    #: Messages that no worker has.
    waiting: int
    #: Messages that workers have, and have not acknowledged.
    at_workers: int
    #: Each worker.
    workers: tuple[WorkerLoad, ...]
    #: Messages that were acknowledged.
    done: int
    #: Messages that were given up.
    failed: int
    #: Deliveries of messages that had been delivered before.
    repeats: int
    #: Seconds since the oldest of the messages that are not done was sent; 0 if there is none.
    oldest: float


class Terms(NamedTuple):
    """What ``bind`` was told about acknowledged work, and ``connect``; ``None`` is the default."""

    limit: int | None = None
    ack_wait: float | None = None
    max_attempts: int | None = None
    on_failed: Any = None
    journal: Any = None
    prefetch: int | None = None

    def checked(self, kind: Any, of_dispatcher: bool) -> Terms:
        """Return the terms for a socket or channel of *kind*, defaults filled in; an error for what it cannot do."""
        ours = kind in ('ACK_PUSH', 'ACK_PULL')
        for option, value in self._asdict().items():
            if value is None or (ours and of_dispatcher is not (option == 'prefetch')):
                continue
            where = "connect, at the worker's" if option == 'prefetch' else "bind, at the dispatcher's"
            raise KindUnsupported(kind, f'{option}= is for acknowledged work (ACK_PUSH), at {where} end')
        if not ours:
            return self
        return self._replace(
            limit=None if self.limit is None else _checked_count('limit', self.limit),
            ack_wait=_checked_wait(ACK_WAIT if self.ack_wait is None else self.ack_wait),
            max_attempts=_checked_count('max_attempts', self.max_attempts, MAX_ATTEMPTS),
            prefetch=_checked_count('prefetch', self.prefetch, PREFETCH),
        )


NO_TERMS = Terms()


def _checked_count(option: str, value: Any, default: int = 0) -> int:
    """*value*, or the *default* for ``None``, as a whole number of at least 1."""
    if value is None:
        return default
    try:
        # NumPy's bool is none of Python's, and no index either; before version 2.3 it only warns of that.
        count = 0 if type(value).__name__ in ('bool', 'bool_') else operator.index(value)
    except TypeError:
        count = 0
    if not 1 <= count <= _MOST:
        raise OptionInvalid(option, value, 'a whole number of messages, 1 or more')
    return count


def _checked_wait(value: Any) -> float:
    try:
        seconds = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not seconds > 0:
        raise OptionInvalid('ack_wait', value, 'a number of seconds above 0 (math.inf: as long as it takes)')
    return seconds
