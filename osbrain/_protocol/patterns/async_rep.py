"""ASYNC_REP: requests whose replies come back over the requester's own connection, whenever they are ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...address import AgentChannel
from ..batches import Loaded, is_batch, read
from ..gathering import one_by_one
from ..handlers import message_call
from ..requests import ID_LENGTH, NOBODY, WayBack
from ..serializers import Codec, Frames, head, unprefixed
from .channel import Answering, Asking
from .endpoint import Endpoint, Handled, Host, Unreadable, Wire


class AsyncRep(Endpoint):
    """The answering end, on a ROUTER: the first frame says whose request it is."""

    __slots__ = ('_answering',)
    polled = True

    def __init__(self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any) -> None:
        super().__init__(host, address, codec, wire)
        self._answering = Answering(one_by_one(message_call(handler, host.agent), handler), self.codec)

    def handlers(self) -> list[Handled]:
        return [Handled(self._answering.call)]

    def receive(self, frames: Frames | Loaded) -> None:
        if type(frames) is Loaded:
            requester, identifier = frames.about
            self._answering.answer(identifier, frames, self._sender(requester))
            return
        if type(frames) is not list or len(frames) < 2:
            raise Unreadable(self.codec.name, 'a request without an envelope')
        request: Frames = frames[1] if len(frames) == 2 else frames[1:]
        identifier = head(request)[:ID_LENGTH]
        if len(identifier) < ID_LENGTH:
            raise Unreadable(self.codec.name, 'a request without an identifier')
        self._answering.answer(identifier, unprefixed(ID_LENGTH, request), self._sender(frames[0]))

    def _sender(self, requester: bytes) -> Callable[[Frames], None]:
        send = self.wire.send
        return lambda reply: send([requester, *reply] if type(reply) is list else [requester, reply])

    def split(self, frames: Frames) -> list[Any]:
        if type(frames) is not list or len(frames) != 2 or not is_batch(frames[1], self.codec):
            return [frames]
        requester, batch = frames
        try:
            end = min(ID_LENGTH * (1 + int(batch[:ID_LENGTH])), len(batch))
            identifiers = [batch[start : start + ID_LENGTH] for start in range(ID_LENGTH, end, ID_LENGTH)]
            items, read_already = read(self.codec, batch[end:])
            requests = list(zip(identifiers, items, strict=True))
        except Exception as error:
            raise self.unreadable(error) from error
        if not read_already:
            return [[requester, identifier + one] for identifier, one in requests]
        return [Loaded(message, (requester, identifier)) for identifier, message in requests]


class AsyncReq(Endpoint):
    """The asking end, on a DEALER."""

    __slots__ = ('_asking',)
    polled = True

    def __init__(self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any = None) -> None:
        super().__init__(host, address, codec, wire)
        self._asking = Asking(host, self.codec, 'ASYNC_REQ', handler)

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        self._asking.ask(self.wire, self.alias, message, way_back, timeout)

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        self.sent_more += self._asking.ask_many(self.wire, self.alias, messages, way_back, timeout)

    def count_pending(self) -> int:
        return self._asking.count_open()

    def handlers(self) -> list[Handled]:
        return [] if self._asking.default is None else [Handled(self._asking.default)]

    def receive(self, frames: Frames) -> None:
        self._asking.reply(frames)
