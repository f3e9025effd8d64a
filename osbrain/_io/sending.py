"""The way out of a socket: every message of market data comes here, so whatever it needs is at hand, not looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zmq

from .._protocol.serializers import Frames, size_of
from .._stats import Traffic

# pyzmq's constants are enums; on the hot path plain integers are quicker by a factor.
_NOBLOCK = int(zmq.NOBLOCK)
_MORE = int(zmq.SNDMORE) | _NOBLOCK

#: A frame smaller than this is cheaper to copy than to keep as a view of ZeroMQ's memory.
COPY_BELOW = 4096


def sender(
    wire: Any, send_frame: Callable[..., Any]
) -> tuple[Callable[[Frames, float | None], None], Callable[[], Traffic]]:
    """Return what sends on *wire*, a ``SocketWire``, and what tells how much it has sent at the first attempt."""
    lock = wire.lock
    claim, give, waiting = lock.claim, lock.give, lock.waiting
    send_parts, again = wire.send_parts, zmq.ZMQError
    # Variables of this function: an attribute would cost three times as much to count in.
    messages = size = 0

    def send(frames: Frames, timeout: float | None = None) -> None:
        nonlocal messages, size
        try:
            claim()
        except IndexError:
            lock.wait()
        try:
            if type(frames) is bytes:
                send_frame(frames, _NOBLOCK)
                size += len(frames)
            else:
                send_parts(frames)
                size += sum(map(len, frames))
            messages += 1
            sent = True
        except again as error:
            wire.not_now(error)
            sent = False
        finally:
            give(None)
            if waiting:
                lock.pass_on()
        if not sent:
            wire.send_later(frames, timeout)
        attended = wire.attended
        if attended is not None:
            attended(frames)

    return send, lambda: Traffic(messages, size)


def parts_sender(send_frame: Callable[..., Any]) -> Callable[[Frames], None]:
    """Return what sends a message of one frame or of several, without waiting."""

    def send_parts(frames: Frames) -> None:
        *parts, last = frames if type(frames) is list else [frames]
        for frame in parts:
            send_frame(frame, _MORE, _copied(frame))
        send_frame(last, _NOBLOCK, _copied(last))

    return send_parts


def _copied(frame: Any) -> bool:
    """Whether ZeroMQ has to copy *frame*: not if nobody can change it any more."""
    if type(frame) is memoryview:
        return not frame.readonly
    return len(frame) < COPY_BELOW


def with_more(before: Traffic, messages: list[Frames]) -> Traffic:
    """Return *before* with these *messages* counted too."""
    # Of those taken in one go only the last may be in parts, but for sockets where all are.
    size = sum(map(len if type(messages[-1]) is bytes else size_of, messages))
    return Traffic(before.messages + len(messages), before.bytes + size)
