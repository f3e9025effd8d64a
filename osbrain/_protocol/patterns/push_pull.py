"""PUSH and PULL: work dealt out to whoever is connected."""

from __future__ import annotations

from typing import Any

from ...address import AgentAddress
from ..handlers import message_calls
from ..serializers import Codec, Frames
from .endpoint import Endpoint, Host, Wire


class Push(Endpoint):
    """The sending end."""

    __slots__ = ()

    def send(
        self,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        self.wire.send(self.codec.dump(message), timeout)


class Pull(Endpoint):
    """The receiving end: one call for each message, or one for each handler of a list."""

    __slots__ = ('call',)
    polled = True

    def __init__(self, host: Host, address: AgentAddress, codec: Codec, wire: Wire, handler: Any) -> None:
        super().__init__(host, address, codec, wire)
        self.call = message_calls(handler, host.agent)

    def receive(self, frames: Frames) -> None:
        self.call(self.load(frames))

    def recv(self, timeout: float | None = None) -> Any:
        return self.codec.load(self.wire.receive_one(timeout))
