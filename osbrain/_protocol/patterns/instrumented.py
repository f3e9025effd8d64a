"""Endpoints of an agent that has instruments, or traces: the same ones, of classes that tell; no others pay for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from .. import trace_context
from ..batches import Loaded
from ..gathering import Gathering
from ..requests import NOBODY, WayBack
from ..serializers import TOPIC_SEPARATOR, Frames, head
from ..topics import LIVE
from .ack_pull import AckPull
from .ack_push import AckPush
from .async_rep import AsyncRep, AsyncReq
from .endpoint import Endpoint
from .pub_sub import Pub, Sub
from .push_pull import Pull, Push
from .req_rep import Rep, Req
from .sync_pub import SyncPub, SyncPubRequests, SyncSub

_NOWHERE: dict[str, str] = {}


class Observer(Protocol):
    """Who is told."""

    @property
    def tracing(self) -> bool:
        """Whether anybody wants to know where messages come from."""

    def sending(self, endpoint: Endpoint, topic: Any, count: Callable[[], int]) -> AbstractContextManager[None]:
        """Go round the sending of *count* messages."""

    def arrived(self, carrier: dict[str, str]) -> None:
        """Note where the message comes from that is received now."""

    def handling(self, endpoint: Endpoint, topic: bytes | None) -> AbstractContextManager[None]:
        """Go round the handling of the message that has arrived."""

    def gathering(
        self, endpoint: Endpoint, count: Callable[[], int], hand_over: Callable[[], None]
    ) -> Callable[[], None]:
        """Return *hand_over*, which handles *count* messages, among them the one that has arrived, so that it tells."""


def _observer(endpoint: Endpoint) -> Observer:
    return cast('Observer', endpoint.host.hooks)  # type: ignore[attr-defined]


class _Counted:
    """Something to take messages from, that knows how many were taken."""

    def __init__(self, messages: Iterable[Any]) -> None:
        self._messages = messages
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for message in self._messages:
            self.count += 1
            yield message


class _Sender(Endpoint):
    __slots__ = ()

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        with _observer(self).sending(self, topic, lambda: 1):
            super().send(message, topic, way_back, timeout)

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        # Lists are written faster than what makes its items one by one.
        if type(messages) in (list, tuple):
            length = len(messages)  # type: ignore[arg-type]
            with _observer(self).sending(self, topic, lambda: length):
                super().send_many(messages, topic, way_back, timeout)
        else:
            counted = _Counted(messages)
            with _observer(self).sending(self, topic, lambda: counted.count):
                super().send_many(counted, topic, way_back, timeout)


class _Receiver(Endpoint):
    __slots__ = ()

    def receive(self, frames: Any) -> None:
        observer = _observer(self)
        if observer.tracing:
            observer.arrived(self._carrier(frames))
        if self.gathers:
            super().receive(frames)
        else:
            with observer.handling(self, self._about(frames)):
                super().receive(frames)

    def at_turn_end(self, action: Callable[[], None]) -> None:
        gathering: Gathering = action.__self__  # type: ignore[attr-defined]
        super().at_turn_end(_observer(self).gathering(self, lambda: gathering.count, action))

    def split(self, frames: Frames) -> list[Any]:
        items = super().split(frames)
        if _observer(self).tracing:
            carrier = self._carrier(frames)
            for item in items:
                if carrier and type(item) is Loaded:
                    item.context = carrier
        return items

    def _carrier(self, frames: Any) -> dict[str, str]:
        """Return where a message comes from."""
        if type(frames) is Loaded:
            return getattr(frames, 'context', _NOWHERE)
        return trace_context.read(self._main(frames))

    def _main(self, frames: Frames) -> bytes:
        """Return the frame in which a message ends that has no buffers beside it."""
        return head(frames)

    def _about(self, frames: Any) -> bytes | None:
        """Return the topic of a message, if it is known to have one."""
        return None


class _Push(_Sender, Push):
    __slots__ = ()


class _Pull(_Receiver, Pull):
    __slots__ = ()


class _Req(_Sender, Req):
    __slots__ = ()


class _Rep(_Receiver, Rep):
    __slots__ = ()


class _Pub(_Sender, Pub):
    __slots__ = ()


class _Sub(_Receiver, Sub):
    __slots__ = ()

    def receive(self, frames: Any) -> None:
        if type(frames) is not Loaded and head(frames).startswith(LIVE):
            Sub.receive(self, frames)  # nobody's message
        else:
            super().receive(frames)

    def _about(self, frames: Any) -> bytes | None:
        if type(frames) is Loaded:
            return cast('bytes', frames.about)
        main = head(frames)
        end = main.find(TOPIC_SEPARATOR, self._start) if self._separated else -1
        return main[self._start : end] if end >= 0 else None


class _SyncPub(_Sender, SyncPub):
    __slots__ = ()


class _SyncPubRequests(_Receiver, SyncPubRequests):
    __slots__ = ()


class _SyncSub(_Sender, _Sub, SyncSub):
    __slots__ = ()

    def _about(self, frames: Any) -> bytes | None:
        if type(frames) is not Loaded and head(frames).startswith(self._requester):
            return None
        return super()._about(frames)


class _AsyncRep(_Receiver, AsyncRep):
    __slots__ = ()

    def _main(self, frames: Frames) -> bytes:
        # The first frame says whose request it is.
        return cast('bytes', frames[1]) if type(frames) is list and len(frames) > 1 else b''


class _AsyncReq(_Sender, _Receiver, AsyncReq):
    __slots__ = ()


class _AckPush(_Sender, AckPush):
    __slots__ = ()


class _AckPull(AckPull):
    __slots__ = ()

    def _handle(self, number: int, attempt: int, body: Frames) -> None:
        if not self._welcome:
            return  # it has been given to others
        observer = _observer(self)
        if observer.tracing:
            observer.arrived(trace_context.read(head(body)))
        with observer.handling(self, None):
            super()._handle(number, attempt, body)


_CLASSES: dict[type[Endpoint], type[Endpoint]] = {
    Push: _Push,
    Pull: _Pull,
    Req: _Req,
    Rep: _Rep,
    Pub: _Pub,
    Sub: _Sub,
    SyncPub: _SyncPub,
    SyncPubRequests: _SyncPubRequests,
    SyncSub: _SyncSub,
    AsyncRep: _AsyncRep,
    AsyncReq: _AsyncReq,
    AckPush: _AckPush,
    AckPull: _AckPull,
}
_PLAIN = {instrumented: plain for plain, instrumented in _CLASSES.items()}


def instrument(endpoint: Endpoint) -> None:
    """Have *endpoint* tell its agent's observer what it does."""
    for part in endpoint.parts:
        part.__class__ = _CLASSES.get(type(part), type(part))


def leave_alone(endpoint: Endpoint) -> None:
    """Undo :func:`instrument`."""
    for part in endpoint.parts:
        part.__class__ = _PLAIN.get(type(part), type(part))


def trace(endpoint: Endpoint, context: Callable[[], bytes]) -> None:
    """Write behind each message that *endpoint* sends what *context* returns then, where its serializer permits it."""
    for part in endpoint.parts:
        if part.codec.contexts:
            part.write_with(trace_context.with_context(part.codec.dump, context))
