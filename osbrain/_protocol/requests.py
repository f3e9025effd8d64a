"""The requests that an agent has open on its channels, and how a request and its reply are written."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from .._config import config
from ..errors import RequestsFull

# A request is its identifier and the message; a reply is the identifier, one of these, and the message or the failure.
ID_LENGTH = 16
OK = b'+'
FAILED = b'!'
STATUS_END = ID_LENGTH + 1


class WayBack(NamedTuple):
    """Who hears what becomes of a request; messages that are none have :data:`NOBODY`."""

    #: What to call with the reply.
    handler: Any = None
    #: Seconds to wait for it.
    wait: float | None = None
    #: What to call when none came in time, or the other end failed.
    on_error: Any = None


NOBODY = WayBack()


class Details:
    """What is kept of an open request beside its handler."""

    __slots__ = ('on_error', 'stop_timer')

    def __init__(self, on_error: Callable[[BaseException | None], Any] | None) -> None:
        self.on_error = on_error
        self.stop_timer: Callable[[], None] | None = None


class OpenRequests:
    """Identifier to handler, until the reply comes or the wait is over."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._details: dict[bytes, Details] = {}
        self._pending: dict[bytes, Any] = {}

    @property
    def pending(self) -> dict[bytes, Any]:
        """Identifier to handler; a program may replace it to forget what is open."""
        return self._pending

    @pending.setter
    def pending(self, value: dict[bytes, Any]) -> None:
        self._pending = value
        forgotten, self._details = self._details, {}
        for identifier, details in forgotten.items():
            if identifier in value:
                self._details[identifier] = details
            elif details.stop_timer is not None:
                details.stop_timer()

    def new_identifier(self, alias: Any) -> bytes:
        """Make the identifier of a request; :class:`~osbrain.errors.RequestsFull` at ``config['REQUEST_LIMIT']``."""
        self.check_room(alias, 1)
        return b'%016x' % next(self._numbers)

    def check_room(self, alias: Any, count: int) -> None:
        """:class:`~osbrain.errors.RequestsFull` if *count* more requests would be too many."""
        limit = config['REQUEST_LIMIT']
        if limit is not None and len(self._pending) + count > limit:
            raise RequestsFull(alias, limit)

    def open(self, identifier: bytes, handler: Any, details: Details | None) -> None:
        """Keep *handler* until :meth:`close`."""
        self._pending[identifier] = handler
        if details is not None:
            self._details[identifier] = details

    def close(self, identifier: bytes) -> tuple[Any, Details | None] | None:
        """Forget the request; its handler and details, or ``None`` if it is not open."""
        handler = self._pending.pop(identifier, None)
        details = self._details.pop(identifier, None)
        if details is not None and details.stop_timer is not None:
            details.stop_timer()
        return None if handler is None else (handler, details)
