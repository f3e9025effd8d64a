"""Puts the large buffers of a message back into its pickle, without reading it: no code of the message's runs."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import Any

from .serializers import MORE_FRAMES, Frames

# What pickle writes in place of these two opcodes where no buffer travels beside (PEP 574; save_picklebuffer).
_NEXT_BUFFER, _READONLY = 'NEXT_BUFFER', b'\x98'
_BYTEARRAY8, _BINBYTES8 = b'\x96', b'\x8e'

# An opcode that says how much comes before the next one like it. It may be left out, and would be wrong.
_FRAME, _FRAME_LENGTH = 'FRAME', 9


def in_band(frames: Frames) -> bytes:
    """Return a message in one piece; ``ValueError`` if these frames are none."""
    if isinstance(frames, bytes):
        return frames
    main, *buffers = frames
    if not main.endswith(MORE_FRAMES):
        raise ValueError('it consists of several frames')
    return b''.join(_pieces(main[: -len(MORE_FRAMES)], iter(buffers)))


def _pieces(pickled: bytes, buffers: Iterator[Any]) -> Iterator[Any]:
    start = 0
    for opcode, _, position in pickletools.genops(pickled):
        if opcode.name == _FRAME:
            yield pickled[start:position]
            start = (position or 0) + _FRAME_LENGTH
        elif opcode.name == _NEXT_BUFFER:
            yield pickled[start:position]
            start = (position or 0) + 1
            readonly = pickled[start : start + 1] == _READONLY
            start += readonly
            buffer = next(buffers, None)
            if buffer is None:
                raise ValueError('a buffer of it is missing')
            yield (_BINBYTES8 if readonly else _BYTEARRAY8) + len(buffer).to_bytes(8, 'little')
            yield buffer
    yield pickled[start:]
