"""ACK_PULL, the worker's end of acknowledged work: a message is done when its handler has returned."""

from __future__ import annotations

import os
import struct
from typing import Any

from ..._clock import monotonic
from ..._failures import text_of
from ..._ids import unique_identifier
from ..._pids import space, started
from ...address import AgentChannel
from ...errors import WaitTimeout
from .. import ack_frames
from ..handlers import delivery_call
from ..serializers import Codec, Frames, head, unprefixed
from ..work import Delivery
from .endpoint import Endpoint, Handled, Host, Wire

# How long what is done may wait to be acknowledged together with what comes next, while trivial handlers run. Whatever
# is done and not acknowledged when a worker dies is done once more.
_TOGETHER = 0.0005


class AckPull(Endpoint):
    """The worker, on a DEALER: it says hello, is welcome, and gets tasks until it says that it wants no more."""

    __slots__ = (
        '_ack_wait', '_call', '_done', '_first_done', '_hellos', '_id', '_origin', '_prefetch', '_wants', '_welcome',
    )  # fmt: skip
    polled = True

    def __init__(
        self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, handler: Any, prefetch: int
    ) -> None:
        super().__init__(host, address, codec, wire)
        self._call, self._wants = delivery_call(handler, host.agent)
        self._prefetch = prefetch
        self._id = unique_identifier().decode()
        self._hellos = 0
        #: Whether what arrives is meant for us: it is not before the dispatcher has answered our last greeting.
        self._welcome = False
        self._origin = b''
        self._ack_wait = 0.0
        self._done: list[int] = []
        self._first_done = 0.0

    def handlers(self) -> list[Handled]:
        return [Handled(self._call)]

    # -- From the dispatcher --------------------------------------------------------------------------------------

    def split(self, frames: Frames) -> list[Any]:
        if type(frames) is not bytes or frames[:1] != ack_frames.TASKS:
            return [frames]
        try:
            return ack_frames.read_tasks(frames)
        except (ValueError, struct.error) as error:
            raise self.unreadable(error) from error

    def receive(self, frames: Any) -> None:
        if type(frames) is tuple:
            self._handle(*frames)
            return
        main = head(frames)
        kind = main[:1]
        try:
            if kind == ack_frames.TASK:
                number, attempt = ack_frames.read_task(main)
                body = unprefixed(ack_frames.TASK_LENGTH, frames)
            elif kind == ack_frames.WELCOME:
                self.received -= 1  # no more than the other words is it a message
                self._welcomed(*ack_frames.read_welcome(main))
                return
            elif kind in (ack_frames.WHO, ack_frames.RECALL):
                self.received -= 1
                if kind == ack_frames.WHO or self._welcome:
                    self._greet()
                return
            else:
                raise ValueError('this is no task')  # noqa: TRY301  (one place says so)
        except (ValueError, struct.error) as error:
            raise self.unreadable(error) from error
        self._handle(number, attempt, body)

    def _greet(self) -> None:
        """Say hello: whatever we have is not ours any more, and what is done has to be said before."""
        self._flush()
        self._hellos += 1
        self._welcome = False
        pid = os.getpid()
        facts = (self._id, self._hellos, str(self.host.agent.name), pid, started(pid), space(), self._prefetch)
        self._say(ack_frames.hello(ack_frames.Greeting(*facts)))

    def _welcomed(self, origin: bytes, hello: int, ack_wait: float) -> None:
        if hello == self._hellos:
            if origin != self._origin:
                self._done.clear()  # another dispatcher has come to this address
            self._origin, self._ack_wait, self._welcome = origin, ack_wait, True

    def _say(self, frame: bytes) -> bool:
        """Send *frame* if anybody is there; nobody is waited for."""
        if self.wire.closed:
            return False
        try:
            self.wire.send(frame, 0)
        except WaitTimeout:
            return False
        return True

    # -- Work -----------------------------------------------------------------------------------------------------

    def _handle(self, number: int, attempt: int, body: Frames) -> None:
        if not self._welcome:
            return  # it has been given to others
        begun = monotonic()
        try:
            message = self.load(body)
            if self._wants:
                self._call(message, Delivery(f'{self._origin.hex()}-{number:x}', attempt))
            else:
                self._call(message)
        except (Exception, SystemExit) as error:
            self._flush()
            self._say(ack_frames.failed(self._origin, number, f'{type(error).__name__}: {text_of(error)}'))
            raise
        except BaseException:
            self._flush()
            self._say(ack_frames.released(self._origin, number))
            raise
        self._acknowledge(number, begun, monotonic())

    def _acknowledge(self, number: int, begun: float, now: float) -> None:
        done = self._done
        if not done:
            self._first_done = begun
            self.host.at_turn_end(self._flush)
        done.append(number)
        if now - self._first_done > _TOGETHER or 2 * len(done) >= self._prefetch:
            self._flush()
            if now - begun > self._ack_wait:
                self._greet()  # too late: others have got what we still have

    def _flush(self) -> None:
        """Acknowledge what is done; what cannot be said now, because nobody is there, is said later."""
        if self._done and self._say(ack_frames.done(self._origin, self._done)):
            self._done = []

    def count_sent(self) -> int:
        return 0  # what is sent are acknowledgements

    # -- The agent stops, runs again, ends ------------------------------------------------------------------------

    def resumed(self) -> None:
        if self._hellos:
            self._greet()

    def paused(self) -> None:
        self._part(ack_frames.PAUSE)

    def closing(self) -> None:
        self._part(ack_frames.QUIT)

    def _part(self, word: bytes) -> None:
        """Hand back what has not been begun."""
        self._flush()
        self._welcome = False
        self._say(word)
