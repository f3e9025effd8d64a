"""SYNC_PUB: publications, and requests whose replies travel in the same stream, so that both stay in order."""

from __future__ import annotations

from typing import Any

from ..._ids import unique_identifier
from ...address import AgentChannel
from ..batches import Loaded
from ..flow import PLAIN, Flow
from ..gathering import one_by_one
from ..handlers import message_call
from ..requests import ID_LENGTH, NOBODY, WayBack
from ..serializers import Codec, Frames, head, prefixed, unprefixed
from .channel import Answering, Asking
from .endpoint import Endpoint, Handled, Host, Unreadable, Wire
from .pub_sub import Pub, Sub

_REQUESTER = len(unique_identifier())


class SyncPubRequests(Endpoint):
    """The publisher's second socket (PULL): a request begins with the topic under which its sender hears replies."""

    __slots__ = ('_answering', '_publisher')
    polled = True

    def __init__(
        self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any, publisher: Wire
    ) -> None:
        super().__init__(host, address, codec, wire)
        self._answering = Answering(one_by_one(message_call(handler, host.agent), handler), self.codec)
        self._publisher = publisher

    def handlers(self) -> list[Handled]:
        return [Handled(self._answering.call)]

    def receive(self, frames: Frames) -> None:
        requester = head(frames)[:_REQUESTER]
        if len(requester) < _REQUESTER:
            raise Unreadable(self.codec.name, 'a request without a sender')

        request = unprefixed(_REQUESTER, frames)
        identifier = head(request)[:ID_LENGTH]
        if len(identifier) < ID_LENGTH:
            raise Unreadable(self.codec.name, 'a request without an identifier')

        def send(reply: Frames) -> None:
            self._publisher.send(prefixed(requester, reply))

        self._answering.answer(identifier, unprefixed(ID_LENGTH, request), send)


class SyncPub(Pub):
    """The publishing end of the channel; closes its request socket with it."""

    __slots__ = ('requests',)

    def __init__(
        self,
        host: Host,
        address: AgentChannel,
        codec: Codec,
        wires: tuple[Wire, Wire],
        handler: Any,
        flow: Flow = PLAIN,
    ) -> None:
        publisher, receiver = wires
        super().__init__(host, address, codec, publisher, flow, prefix=address.uuid)
        self.requests = SyncPubRequests(host, address, codec, receiver, handler, publisher)

    @property
    def parts(self) -> tuple[Endpoint, ...]:
        return self, self.requests

    @property
    def wires(self) -> tuple[Wire, ...]:
        return self.wire, self.requests.wire

    def handlers(self) -> list[Handled]:
        return self.requests.handlers()


class SyncSub(Sub):
    """The subscribing end of the channel, which may also ask."""

    __slots__ = ('_asking', '_requester', '_requests')

    def __init__(
        self,
        host: Host,
        address: AgentChannel,
        codec: Codec,
        wires: tuple[Wire, Wire],
        handler: Any,
        flow: Flow = PLAIN,
    ) -> None:
        subscriber, self._requests = wires
        super().__init__(host, address, codec, subscriber, handler, flow, prefix=address.twin_uuid or b'')
        self._asking = Asking(host, self.codec, 'SYNC_PUB')
        self._requester = unique_identifier()
        subscriber.subscribe(self._requester)

    @property
    def wires(self) -> tuple[Wire, ...]:
        return self.wire, self._requests

    def count_sent(self) -> int:
        return self._requests.sent.messages

    def count_pending(self) -> int:
        return self._asking.count_open()

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        self._asking.ask(self._requests, self.alias, message, way_back, timeout, self._requester)

    def receive(self, frames: Frames | Loaded) -> None:
        if type(frames) is not Loaded and head(frames).startswith(self._requester):  # type: ignore[arg-type]
            self._asking.reply(unprefixed(_REQUESTER, frames))  # type: ignore[arg-type]
        else:
            super().receive(frames)

    def topic_of(self, frames: Any) -> bytes | None:
        reply = type(frames) is not Loaded and head(frames).startswith(self._requester)
        return None if reply else super().topic_of(frames)
