"""What a new process says to its starter: whole words on a pipe, and no wait without a limit where nobody listens."""

from __future__ import annotations

import os
import pickle
import select
import struct
from typing import Any

from .._clock import Deadline

# A pipe with room for anything has room for this much (pipe(7), PIPE_BUF), so that writing it does not block.
_PIECE = 4096
# How multiprocessing writes the length of what follows; longer ones have a mark in its place, and a longer number.
_LENGTH, _LONG_LENGTH = struct.Struct('!i'), struct.Struct('!iQ')
_LONGEST = 0x7FFFFFFF


def framed(word: Any) -> bytes:
    """Return *word* as ``multiprocessing.connection.Connection.send`` writes it."""
    body = pickle.dumps(word, protocol=pickle.HIGHEST_PROTOCOL)
    head = _LENGTH.pack(len(body)) if len(body) <= _LONGEST else _LONG_LENGTH.pack(-1, len(body))
    return head + body


def say(connection: Any, data: bytes, seconds: float) -> bytes:
    """Write *data*, for at most *seconds*; the rest that there was no room for."""
    if not data:
        return data
    if not hasattr(select, 'poll'):
        connection.send_bytes(data[_LENGTH.size :])
        return b''
    deadline = Deadline(seconds)
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLOUT)
    left = memoryview(data)
    while left and poll.poll(int((deadline.left or 0.0) * 1000)):
        left = left[os.write(connection.fileno(), left[:_PIECE]) :]
    return bytes(left)
