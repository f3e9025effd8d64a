"""What the two channels share: requests that stay open until their reply comes, and the code that answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any

from ...errors import MessageUndecodable, ReplyHandlerRequired
from ..batches import Loaded, is_batch, written
from ..failures import dump_failure, load_failure
from ..gathering import one_by_one
from ..handlers import error_call, execute_code_after_yield, first_reply, reply_call
from ..requests import FAILED, ID_LENGTH, OK, STATUS_END, Details, WayBack
from ..serializers import Codec, Frames, head, prefixed, unprefixed
from ..timerheap import checked_seconds
from .endpoint import Host, Unreadable, Wire


def _load(codec: Codec, frames: Frames | Loaded) -> Any:
    if isinstance(frames, Loaded):
        return frames.message
    try:
        return codec.load(frames)
    except MessageUndecodable as error:
        raise Unreadable(*error.args) from error


def _portable(handler: Any, agent: Any) -> Any:
    """Check *handler* and return what may leave the process (as ``_pending_requests`` does): for a method, its name."""
    one_by_one(reply_call(handler, agent), handler)
    if isinstance(handler, MethodType) and handler.__self__ is agent and hasattr(agent, handler.__name__):
        return handler.__name__
    return handler


class Asking:
    """The side that sends requests of one channel."""

    __slots__ = ('_open_ones', 'codec', 'default', 'host', 'kind')

    def __init__(self, host: Host, codec: Codec, kind: str, default: Any = None) -> None:
        self.host, self.codec, self.kind = host, codec, kind
        if default is not None:
            reply_call(default, host.agent)
        self.default = default
        # Those that were opened here and not closed here: a program may forget what is open.
        self._open_ones: set[bytes] = set()

    def _checked(self, way_back: WayBack) -> tuple[Any, float, Callable[[BaseException | None], Any] | None]:
        """Return who gets the reply, how long is waited for it, and who hears that none came."""
        handler, wait, on_error = way_back
        handler = self.default if handler is None else _portable(handler, self.host.agent)
        if handler is None:
            raise ReplyHandlerRequired(self.kind)
        failed = None if on_error is None else error_call(on_error, self.host.agent)
        return handler, checked_seconds(wait, 'wait') if wait else 0.0, failed

    def _open(self, identifier: bytes, handler: Any, wait: float, failed: Any) -> None:
        """Register one more request."""
        host = self.host
        self._open_ones.add(identifier)
        details = Details(failed) if wait or failed else None
        host.requests.open(identifier, handler, details)
        if details is not None and wait:
            details.stop_timer = host.start_wait(wait, lambda: self._give_up(identifier, wait))

    def ask(
        self, wire: Wire, alias: Any, message: Any, way_back: WayBack, timeout: float | None, prefix: bytes = b''
    ) -> None:
        """Send a request; one that cannot be sent is not left open."""
        back = self._checked(way_back)
        body = self.codec.dump(message)
        identifier = self.host.requests.new_identifier(alias)
        self._open(identifier, *back)
        self._send(wire, prefixed(prefix + identifier, body), [identifier], timeout)

    def ask_many(
        self, wire: Wire, alias: Any, messages: Iterable[Any], way_back: WayBack, timeout: float | None
    ) -> int:
        """As :meth:`ask` for each of many messages; each gets a reply of its own. How many are in others' frames."""
        back = self._checked(way_back)
        requests = self.host.requests
        batches = written(self.codec, messages)
        requests.check_room(alias, sum(count for count, _ in batches))
        for count, body in batches:
            identifiers = [requests.new_identifier(alias) for _ in range(count)]
            for identifier in identifiers:
                self._open(identifier, *back)
            # A batch begins with the number of its requests, written as wide as an identifier, and all of theirs.
            before = [b'%0*d' % (ID_LENGTH, count)] if is_batch(body, self.codec) else []
            self._send(wire, prefixed(b''.join(before + identifiers), body), identifiers, timeout)
        return sum(count - 1 for count, _ in batches)

    def count_open(self) -> int:
        """How many requests have no answer yet."""
        return len(self._open_ones & self.host.requests.pending.keys())

    def _close(self, identifier: bytes) -> tuple[Any, Details | None] | None:
        self._open_ones.discard(identifier)
        return self.host.requests.close(identifier)

    def _send(self, wire: Wire, frames: Frames, identifiers: list[bytes], timeout: float | None) -> None:
        try:
            wire.send(frames, timeout)
        except BaseException:
            for identifier in identifiers:
                self._close(identifier)
            raise

    def _give_up(self, identifier: bytes, wait: float) -> None:
        closed = self._close(identifier)
        if closed is None:
            return
        details = closed[1]
        if details is not None and details.on_error is not None:
            details.on_error(TimeoutError(f'no reply came within {wait} s'))
        else:
            self.host.warn(f'Did not receive request {identifier.decode()} after {wait} seconds')

    def reply(self, frames: Frames) -> None:
        """Take a reply to the handler that waits for it."""
        main = head(frames)
        closed = self._close(main[:ID_LENGTH])
        if closed is None:
            identifier = main[:ID_LENGTH].decode(errors='replace')
            self.host.warn(f'Received response for an unknown request! {identifier}')
            return
        handler, details = closed
        if main[ID_LENGTH:STATUS_END] == OK:
            reply_call(handler, self.host.agent)(_load(self.codec, unprefixed(STATUS_END, frames)))
            return
        error = load_failure(self.codec, main[STATUS_END:])
        if details is not None and details.on_error is not None:
            details.on_error(error)
        else:
            name = main[:ID_LENGTH].decode(errors='replace')
            self.host.warn(f'Request {name} failed at the other end: {type(error).__name__}: {error}')


class Answering:
    """The side that answers requests of one channel."""

    __slots__ = ('call', 'codec')

    def __init__(self, call: Callable[[Any], Any], codec: Codec) -> None:
        self.call, self.codec = call, codec

    def answer(self, identifier: bytes, message: Frames | Loaded, send: Callable[[Frames], None]) -> None:
        """Handle one request and send its reply; a failure is a reply too, then it goes on to whoever runs this."""
        try:
            reply, rest = first_reply(self.call(_load(self.codec, message)))
            body = self.codec.dump(reply)
        except (Exception, SystemExit) as error:
            send(identifier + FAILED + dump_failure(self.codec, error))
            raise
        send(prefixed(identifier + OK, body))
        if rest is not None:
            execute_code_after_yield(rest)
