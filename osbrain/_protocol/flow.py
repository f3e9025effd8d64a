"""How messages wait at one socket: how many, which of them, and whether they are handed out in lists."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from ..errors import KindUnsupported, OptionInvalid

# Requests in flight are limited where they are made; a mark would have to block, which two agents that answer each
# other cannot afford.
_WITHOUT_MARK = ('ASYNC_REP', 'ASYNC_REQ')
# How much is under way is counted in tasks, which no mark of ZeroMQ's can see.
_WITH_LIMIT = ('ACK_PUSH', 'ACK_PULL')
_CAN_CONFLATE = ('PUSH', 'PULL', 'SUB')
_CAN_BATCH = ('PULL', 'SUB', 'SYNC_SUB')

# ZeroMQ takes its high-water marks as an int.
_MOST = 2**31 - 1


class Flow(NamedTuple):
    """What ``bind`` and ``connect`` were told about one socket's messages."""

    #: ZeroMQ's high-water mark: how many messages wait for each connection; 0 is no limit, ``None`` the default.
    hwm: int | None = None
    #: Keep only the newest message.
    conflate: bool = False
    #: Hand over lists of whatever is there.
    batch: bool = False

    @classmethod
    def checked(cls, kind: Any, hwm: Any, conflate: Any, batch: Any) -> Flow:
        """Return the flow for a socket or channel of *kind*; an error for what it cannot do."""
        for option, value in (('conflate', conflate), ('batch', batch)):
            if not isinstance(value, bool):
                raise OptionInvalid(option, value, 'True or False')
        if conflate and kind not in _CAN_CONFLATE:
            raise KindUnsupported(kind, f'conflate=True keeps the newest message of {_listed(_CAN_CONFLATE)} sockets')
        if batch and kind not in _CAN_BATCH:
            raise KindUnsupported(kind, f'batch=True hands lists to handlers of {_listed(_CAN_BATCH)} sockets')
        if hwm is None:
            return cls(None, conflate, batch)
        if kind in _WITHOUT_MARK:
            raise KindUnsupported(kind, "hwm= is for sockets and SYNC_PUB; for requests see config['REQUEST_LIMIT']")
        if kind in _WITH_LIMIT:
            raise KindUnsupported(kind, 'hwm= is for sockets and SYNC_PUB; acknowledged work has limit= and prefetch=')
        return cls(_checked_mark(hwm), conflate, batch)


PLAIN = Flow()


def _checked_mark(hwm: Any) -> int:
    try:
        # NumPy's bool is none of Python's, and no index either; before version 2.3 it only warns of that.
        mark = -1 if type(hwm).__name__ in ('bool', 'bool_') else operator.index(hwm)
    except TypeError:
        mark = -1
    if not 0 <= mark <= _MOST:
        raise OptionInvalid('hwm', hwm, 'a whole number of messages, 0 for no limit')
    return mark


def _listed(kinds: tuple[str, ...]) -> str:
    return f'{", ".join(kinds[:-1])} and {kinds[-1]}'
