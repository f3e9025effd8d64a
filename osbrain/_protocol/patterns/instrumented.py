"""Endpoints of an agent that has instruments, or traces: the same ones, of classes that tell; no others pay for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from .. import trace_context
from ..batches import Loaded
from ..gathering import Gathering
from ..requests import NOBODY, WayBack
from ..serializers import Frames, head
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


def _plain(endpoint: Endpoint) -> type[Endpoint]:
    """Return the class of an endpoint without instruments.

    Its functions are called by way of it: another thread, or an instrument that fails, may have changed the class of
    the endpoint back, and ``super()`` would not find its way then.
    """
    return _PLAIN.get(type(endpoint), type(endpoint))


class _Sender(Endpoint):
    __slots__ = ()

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        with _observer(self).sending(self, topic, lambda: 1):
            _plain(self).send(self, message, topic, way_back, timeout)

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        # Lists are written faster than what makes its items one by one.
        if type(messages) in (list, tuple):
            length = len(messages)  # type: ignore[arg-type]
            with _observer(self).sending(self, topic, lambda: length):
                _plain(self).send_many(self, messages, topic, way_back, timeout)
        else:
            counted = _Counted(messages)
            with _observer(self).sending(self, topic, lambda: counted.count):
                _plain(self).send_many(self, counted, topic, way_back, timeout)


class _Receiver(Endpoint):
    __slots__ = ()

    def receive(self, frames: Any) -> None:
        observer, plain = _observer(self), _plain(self)
        if isinstance(self, Sub) and type(frames) is not Loaded and head(frames).startswith(LIVE):
            plain.receive(self, frames)  # nobody's message
            return
        if observer.tracing:
            observer.arrived(_carrier(self, frames))
        if self.gathers:
            plain.receive(self, frames)
        else:
            with observer.handling(self, self.topic_of(frames)):
                plain.receive(self, frames)

    def at_turn_end(self, action: Callable[[], None]) -> None:
        gathering: Gathering = action.__self__  # type: ignore[attr-defined]
        _plain(self).at_turn_end(self, _observer(self).gathering(self, lambda: gathering.count, action))

    def split(self, frames: Frames) -> list[Any]:
        items = _plain(self).split(self, frames)
        if _observer(self).tracing:
            carrier = _carrier(self, frames)
            for item in items:
                if carrier and type(item) is Loaded:
                    item.context = carrier
        return items


def _carrier(endpoint: Endpoint, frames: Any) -> dict[str, str]:
    """Return where a message that has arrived comes from."""
    if type(frames) is Loaded:
        return getattr(frames, 'context', _NOWHERE)
    # The first frame of a request may say whose it is.
    routed = isinstance(endpoint, AsyncRep) and type(frames) is list and len(frames) > 1
    return trace_context.read(frames[1] if routed else head(frames))


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


class _SyncPub(_Sender, SyncPub):
    __slots__ = ()


class _SyncPubRequests(_Receiver, SyncPubRequests):
    __slots__ = ()


class _SyncSub(_Sender, _Receiver, SyncSub):
    __slots__ = ()


class _AsyncRep(_Receiver, AsyncRep):
    __slots__ = ()


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
            AckPull._handle(self, number, attempt, body)


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
