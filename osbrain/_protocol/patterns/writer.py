"""What sends one message after the other, and therefore has at hand how they are written and where they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...address import AgentAddress, AgentChannel
from ..flow import PLAIN, Flow
from ..serializers import Codec, Frames
from .endpoint import Endpoint, Host, Wire


class Writer(Endpoint):
    """An endpoint with its serializer's ``dump`` and its wire's ``send`` at hand: nothing is looked up per message."""

    __slots__ = ('_dump', '_hand_over')

    def __init__(
        self, host: Host, address: AgentAddress | AgentChannel, codec: Codec, wire: Wire, flow: Flow = PLAIN
    ) -> None:
        super().__init__(host, address, codec, wire, flow)
        self._dump, self._hand_over = self.codec.dump, wire.send

    def write_with(self, dump: Callable[[Any], Frames]) -> None:
        super().write_with(dump)
        self._dump = dump

    def carry(self) -> None:
        super().carry()
        self._dump = self.codec.dump
