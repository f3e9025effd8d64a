"""PUSH and PULL: work dealt out to whoever is connected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...address import AgentAddress
from ...errors import MessageUndecodable
from ..batches import Loaded, is_batch, read, written
from ..flow import PLAIN, Flow
from ..gathering import Gathering, gathered
from ..handlers import message_calls
from ..requests import NOBODY, WayBack
from ..serializers import Codec, Frames
from .endpoint import Endpoint, Handled, Host, Unreadable, Wire
from .writer import Writer


class Push(Writer):
    """The sending end."""

    __slots__ = ()

    def __init__(self, host: Host, address: AgentAddress, codec: Codec, wire: Wire, flow: Flow = PLAIN) -> None:
        # ZeroMQ keeps the newest frame: a message has to be one.
        super().__init__(host, address, codec.in_band() if flow.conflate else codec, wire, flow)

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        self._hand_over(self._dump(message), timeout)

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        batches = written(self.codec, list(messages)[-1:] if self.flow.conflate else messages)
        for count, frames in batches:
            self._hand_over(frames, timeout)
            self.sent_more += count - 1


class Pull(Endpoint):
    """The receiving end: one call for each message, or one for each handler of a list."""

    __slots__ = ('call',)
    polled = True

    def __init__(
        self, host: Host, address: AgentAddress, codec: Codec, wire: Wire, handler: Any, flow: Flow = PLAIN
    ) -> None:
        super().__init__(host, address, codec, wire, flow)
        self.call = message_calls(handler, host.agent, lambda call: gathered(call, self, flow.batch))
        self.gathers = type(self.call) is Gathering

    def handlers(self) -> list[Handled]:
        return [Handled(self.call)]

    def receive(self, frames: Frames | Loaded) -> None:
        if type(frames) is bytes:
            # As load() does, without the call: every message of market data comes this way.
            try:
                message = self._loads(frames)
            except Exception as error:
                raise self.unreadable(error) from error
            self.call(message)
        elif type(frames) is Loaded:
            self.call(frames.message)
        else:
            self.call(self.load(frames))

    def split(self, frames: Frames) -> list[Any]:
        if not is_batch(frames, self.codec):
            return [frames]
        try:
            items, read_already = read(self.codec, frames)
        except Exception as error:
            raise self.unreadable(error) from error
        return [Loaded(message) for message in items] if read_already else items

    def recv(self, timeout: float | None = None) -> Any:
        # A message of a batch that was begun before comes decoded.
        frames: Any = self.wire.receive_one(timeout)
        if type(frames) is bytes and is_batch(frames, self.codec):
            try:
                frames, *others = self.split(frames)
            except Unreadable as error:
                raise MessageUndecodable(*error.args) from error
            self.wire.put_back(others)
        return frames.message if type(frames) is Loaded else self.codec.load(frames)
