"""What the two channels share: requests that stay open until their reply comes, and the code that answers them."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from ...errors import MessageUndecodable, ReplyHandlerRequired
from ..failures import dump_failure, load_failure
from ..handlers import error_call, execute_code_after_yield, first_reply, reply_call
from ..requests import FAILED, ID_LENGTH, OK, STATUS_END, Details
from ..serializers import Codec, Frames, head, prefixed, unprefixed
from ..timerheap import checked_seconds
from .endpoint import Host, Unreadable, Wire


def _load(codec: Codec, frames: Frames) -> Any:
    try:
        return codec.load(frames)
    except MessageUndecodable as error:
        raise Unreadable(*error.args) from error


def _portable(handler: Any, agent: Any) -> Any:
    """Check *handler* and return what may leave the process (as ``_pending_requests`` does): for a method, its name."""
    reply_call(handler, agent)
    if isinstance(handler, MethodType) and handler.__self__ is agent and hasattr(agent, handler.__name__):
        return handler.__name__
    return handler


class Asking:
    """The side that sends requests of one channel."""

    __slots__ = ('codec', 'default', 'host', 'kind')

    def __init__(self, host: Host, codec: Codec, kind: str, default: Any = None) -> None:
        self.host, self.codec, self.kind = host, codec, kind
        if default is not None:
            reply_call(default, host.agent)
        self.default = default

    def open(self, alias: Any, message: Any, handler: Any, wait: float | None, on_error: Any) -> tuple[bytes, Frames]:
        """Register one more request; its identifier and frames. Nothing is registered if anything is wrong with it."""
        host = self.host
        handler = self.default if handler is None else _portable(handler, host.agent)
        if handler is None:
            raise ReplyHandlerRequired(self.kind)
        body = self.codec.dump(message)
        failed = None if on_error is None else error_call(on_error, host.agent)
        seconds = checked_seconds(wait, 'wait') if wait else 0.0
        identifier = host.requests.new_identifier(alias)
        details = Details(failed) if seconds or failed else None
        host.requests.open(identifier, handler, details)
        if details is not None and seconds:
            details.stop_timer = host.start_wait(seconds, lambda: self._give_up(identifier, wait))
        return identifier, prefixed(identifier, body)

    def ask(self, wire: Wire, request: tuple[Any, ...], timeout: float | None, prefix: bytes = b'') -> None:
        """Open *request* (the arguments of :meth:`open`) and send it; one that cannot be sent is not left open."""
        identifier, frames = self.open(*request)
        try:
            wire.send(prefixed(prefix, frames) if prefix else frames, timeout)
        except BaseException:
            self.host.requests.close(identifier)
            raise

    def _give_up(self, identifier: bytes, wait: float | None) -> None:
        closed = self.host.requests.close(identifier)
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
        closed = self.host.requests.close(main[:ID_LENGTH])
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

    def answer(self, request: Frames, send: Callable[[Frames], None]) -> None:
        """Handle one request and send its reply; a failure is a reply too, then it goes on to whoever runs this."""
        identifier = head(request)[:ID_LENGTH]
        if len(identifier) < ID_LENGTH:
            raise Unreadable(self.codec.name, 'a request without an identifier')
        try:
            reply, rest = first_reply(self.call(_load(self.codec, unprefixed(ID_LENGTH, request))))
            body = self.codec.dump(reply)
        except (Exception, SystemExit) as error:
            send(identifier + FAILED + dump_failure(self.codec, error))
            raise
        send(prefixed(identifier + OK, body))
        if rest is not None:
            execute_code_after_yield(rest)
