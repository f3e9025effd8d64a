"""ACK_PUSH, the dispatcher's end of acknowledged work: tasks are kept until a worker has said that they are done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._clock import Deadline, monotonic
from ..._config import config
from ...errors import LimitReached, WaitTimeout
from ..batches import each_written
from ..requests import NOBODY, WayBack
from ..serializers import Frames
from ..work import Pending, TaskFailure
from .ack_dispatcher import Dispatcher


class AckPush(Dispatcher):
    """What an agent does with its dispatcher: hand in messages, look after them, close it."""

    __slots__ = ()

    # -- Sending --------------------------------------------------------------------------------------------------

    def send(self, message: Any, topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None) -> None:
        self._take_on([_frozen(self.codec.dump(message))], timeout)
        self.sent_more += 1

    def send_many(
        self, messages: Iterable[Any], topic: Any = None, way_back: WayBack = NOBODY, timeout: float | None = None
    ) -> None:
        bodies = [_frozen(frames) for frames in each_written(self.codec, messages)]
        self._take_on(bodies, timeout)
        self.sent_more += len(bodies)

    def _take_on(self, bodies: list[Frames], timeout: float | None) -> None:
        """Take *bodies* on as tasks, in order, as room permits."""
        deadline: Deadline | None = None
        taken = 0
        while True:
            with self._changed:
                room = min(self._dispatch.room, len(bodies) - taken)
                if room > 0:
                    self._add(bodies[taken : taken + int(room)] if taken or room < len(bodies) else bodies)
                    taken += int(room)
            if taken == len(bodies):
                return
            if deadline is None:
                deadline = Deadline(config['SEND_TIMEOUT'] if timeout is None else timeout)
            self._wait_for_room(deadline, taken, len(bodies))

    def _add(self, bodies: list[Frames]) -> None:
        now = monotonic()
        first = next(self._numbers)
        self._ledger.add(first, bodies)
        self._dispatch.add(first, bodies[0], now)
        for body in bodies[1:]:
            self._dispatch.add(next(self._numbers), body, now)
        self._move(now)

    def _wait_for_room(self, deadline: Deadline, taken: int, of: int) -> None:
        """Come back when there may be room; :class:`~osbrain.errors.LimitReached` when the time is up."""
        if self.host.outside.reads_here():
            self._read_arrived()
            if self._dispatch.room <= 0 and not deadline.expired:
                self.host.outside.wait_input(self.wire, self._patience(deadline))
                self._read_arrived()
                self._look_for_late()
        else:
            with self._changed:
                self._changed.wait_for(lambda: self._dispatch.room > 0 or self._closed, deadline.left)
        if self._closed or self.wire.closed:
            raise WaitTimeout('the socket was closed while an agent waited to send')
        if self._dispatch.room <= 0 and deadline.expired:
            raise LimitReached(self.alias, self._dispatch.limit or 0, taken, of, deadline.seconds)

    def _patience(self, deadline: Deadline) -> float | None:
        """Return how long to wait for an acknowledgement before somebody may be late, or the time is up."""
        due = self._dispatch.next_due()
        return deadline.left if due is None else deadline.left_or(max(0.0, due - monotonic()))

    # -- What there is --------------------------------------------------------------------------------------------

    def failed(self) -> list[tuple[Any, TaskFailure]]:
        """Return the messages that were given up and that no ``on_failed`` took, the latest last."""
        return self._given_up.kept()

    def pending(self) -> Pending:
        """Return what there is to do, who has it, and what has been done."""
        with self._changed:
            return self._dispatch.pending(monotonic(), self._about)

    def count_sent(self) -> int:
        return self.sent_more  # a task is one message, however often it is handed out

    def count_pending(self) -> int:
        return len(self._dispatch.tasks)

    # -- The end --------------------------------------------------------------------------------------------------

    def closing(self) -> None:
        with self._changed:
            self._closed = True
            left = len(self._dispatch.tasks)
            for key in list(self._peers):
                self._forget(key)
            if left and not self._ledger.lasts:
                self.host.warn(f'{left} messages of {self.alias!r} were not done when it was closed')
            self._ledger.close()
            self._changed.notify_all()


def _frozen(frames: Frames) -> Frames:
    """Return *frames* as they can be kept: buffers that somebody may still change are copied."""
    if type(frames) is not list:
        return frames
    return [frames[0], *(bytes(one) if type(one) is memoryview and not one.readonly else one for one in frames[1:])]
