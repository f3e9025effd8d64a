"""REQ and REP: a question, then its answer; an error in the handler is an answer too."""

from __future__ import annotations

from typing import Any

from ...address import AgentAddress
from ..failures import dump_failure, load_failure
from ..flow import PLAIN, Flow
from ..gathering import one_by_one
from ..handlers import execute_code_after_yield, first_reply, message_call
from ..requests import NOBODY, WayBack
from ..serializers import ERROR_REPLY, Codec, Frames
from .endpoint import Endpoint, Handled, Host, Wire


class Req(Endpoint):
    """The asking end: send and recv take turns."""

    __slots__ = ('awaiting',)

    def __init__(self, host: Host, address: AgentAddress, codec: Codec, wire: Wire, flow: Flow = PLAIN) -> None:
        super().__init__(host, address, codec, wire, flow)
        self.awaiting = False

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        if self.awaiting:
            self.wire.out_of_turn()
        self.wire.send(self.codec.dump(message), timeout)
        self.awaiting = True

    def recv(self, timeout: float | None = None) -> Any:
        if not self.awaiting:
            self.wire.out_of_turn()
        try:
            frames = self.wire.receive_one(timeout)
        except TimeoutError:
            # The replier may be dead: the next request must not depend on this one's answer.
            self.wire.relax()
            self.awaiting = False
            raise
        self.awaiting = False
        if type(frames) is not bytes:
            return self.codec.load(frames)
        if frames.endswith(ERROR_REPLY):
            raise load_failure(self.codec, frames[: -len(ERROR_REPLY)])
        try:
            return self._loads(frames)
        except Exception as error:
            raise self.codec.undecodable(error) from error

    def count_received(self) -> int:
        return self.wire.received.messages

    def count_pending(self) -> int:
        return int(self.awaiting)


class Rep(Endpoint):
    """The answering end: exactly one reply for each request, whatever happens in the handler."""

    __slots__ = ('call',)
    polled = True

    def __init__(
        self, host: Host, address: AgentAddress, codec: Codec, wire: Wire, handler: Any, flow: Flow = PLAIN
    ) -> None:
        super().__init__(host, address, codec, wire, flow)
        self.call = one_by_one(message_call(handler, host.agent), handler)

    def handlers(self) -> list[Handled]:
        return [Handled(self.call)]

    def receive(self, frames: Frames) -> None:
        try:
            reply, rest = first_reply(self.call(self.load(frames)))
            answer = self.codec.dump(reply)
        except (Exception, SystemExit) as error:
            self.wire.send(dump_failure(self.codec, error) + ERROR_REPLY)
            raise
        self.wire.send(answer)
        if rest is not None:
            execute_code_after_yield(rest)
