"""Which trace a message belongs to, written behind it, where whoever does not ask reads over it.

A frame with a context looks like this::

    message  headers  length of the headers 2  TRACED  [MORE_FRAMES or BATCH]

What reads pickles stops at their end; for MessagePack, which does not, see ``msgpack_form``. The headers are those of
the propagators that the process uses, by default W3C's ``traceparent`` (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .serializers import BATCH, MORE_FRAMES, TRACED, Frames

#: Where a message comes from: names of headers to their values.
Carrier = Mapping[str, str]

# All marks are as long.
_MARK = len(TRACED)
_LENGTH = 2
_LONGEST = (1 << 8 * _LENGTH) - 1
_OUTER = (MORE_FRAMES, BATCH)


def written(carrier: Carrier) -> bytes:
    """Return what stands behind a message that comes from *carrier*; nothing if that says nothing."""
    lines = [f'{name}:{value}' for name, value in carrier.items()]
    headers = '\n'.join(line for line in lines if '\n' not in line).encode()
    if not headers or len(headers) > _LONGEST:
        return b''
    return headers + len(headers).to_bytes(_LENGTH, 'big') + TRACED


def read(frame: bytes) -> dict[str, str]:
    """Return what :func:`written` has put behind the message in *frame*; nothing if there is none that can be read."""
    end = len(frame) - _MARK if frame.endswith(_OUTER) else len(frame)
    if not frame.endswith(TRACED, 0, end):
        return {}
    end -= _MARK + _LENGTH
    length = int.from_bytes(frame[end : end + _LENGTH], 'big')
    try:
        lines = frame[max(0, end - length) : max(0, end)].decode().split('\n')
    except UnicodeDecodeError:
        return {}
    return {name: value for name, _, value in (line.partition(':') for line in lines) if value}


def without_context(message: bytes) -> bytes:
    """Return *message*, which no other mark stands behind, without what :func:`written` has put there."""
    if not message.endswith(TRACED):
        return message
    end = len(message) - _MARK - _LENGTH
    end -= int.from_bytes(message[end : end + _LENGTH], 'big')
    return message[:end] if end > 0 else message


def with_context(dump: Callable[[Any], Frames], context: Callable[[], bytes]) -> Callable[[Any], Frames]:
    """Return *dump* that writes behind each message what *context* returns at that moment."""

    def dump_with_context(message: Any) -> Frames:
        frames = dump(message)
        behind = context()
        if not behind:
            return frames
        if type(frames) is list:
            # The large buffers of this message follow in frames of their own.
            return [frames[0][:-_MARK] + behind + MORE_FRAMES, *frames[1:]]
        return frames + behind  # type: ignore[operator]

    return dump_with_context
