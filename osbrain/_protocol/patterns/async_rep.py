"""ASYNC_REP: requests whose replies come back over the requester's own connection, whenever they are ready."""

from __future__ import annotations

from typing import Any

from ...address import AgentChannel
from ..handlers import message_call
from ..serializers import Codec, Frames
from .channel import Answering, Asking
from .endpoint import Endpoint, Host, Unreadable, Wire


class AsyncRep(Endpoint):
    """The answering end, on a ROUTER: the first frame says whose request it is."""

    __slots__ = ('_answering',)
    polled = True

    def __init__(self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any) -> None:
        super().__init__(host, address, codec, wire)
        self._answering = Answering(message_call(handler, host.agent), codec)

    def receive(self, frames: Frames) -> None:
        if type(frames) is not list or len(frames) < 2:
            raise Unreadable(self.codec.name, 'a request without an envelope')
        requester = frames[0]
        request: Frames = frames[1] if len(frames) == 2 else frames[1:]

        def send(reply: Frames) -> None:
            self.wire.send([requester, *reply] if type(reply) is list else [requester, reply])

        self._answering.answer(request, send)


class AsyncReq(Endpoint):
    """The asking end, on a DEALER."""

    __slots__ = ('_asking',)
    polled = True

    def __init__(self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any = None) -> None:
        super().__init__(host, address, codec, wire)
        self._asking = Asking(host, codec, 'ASYNC_REQ', handler)

    def send(
        self,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        self._asking.ask(self.wire, (self.alias, message, handler, wait, on_error), timeout)

    def receive(self, frames: Frames) -> None:
        self._asking.reply(frames)
