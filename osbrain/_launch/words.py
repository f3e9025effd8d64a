"""Words from a new process to its starter, on a pipe: whole ones, and no wait without a limit at either end."""

from __future__ import annotations

import os
import pickle
import select
import struct
from typing import Any

from .._clock import Deadline
from .._io.poller import wait_readable

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


class Ear:
    """Takes words out of a pipe, and waits for none that is there in part: who says it may have been stopped."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._begun = bytearray()

    def next_word(self) -> Any:
        """Return the next word, ``None`` if it is not there yet; ``EOFError`` when there will be no more."""
        if not hasattr(select, 'poll'):
            return self._connection.recv() if self._connection.poll(0) else None
        fd = self._connection.fileno()
        while missing := self._missing():
            if not wait_readable([fd], 0.0):
                return None
            # Never more than this word: whether there is another one, the pipe has to tell.
            piece = os.read(fd, missing)
            if not piece:
                raise EOFError
            self._begun += piece
        word = pickle.loads(memoryview(self._begun)[self._head() :])
        self._begun = bytearray()
        return word

    def _head(self) -> int:
        is_long = self._begun[: _LENGTH.size] == _LENGTH.pack(-1)
        return _LONG_LENGTH.size if is_long else _LENGTH.size

    def _missing(self) -> int:
        """How many bytes of the word, or of the number that tells its length, are not there yet."""
        head = self._head()
        if len(self._begun) < head:
            return head - len(self._begun)
        length = (_LONG_LENGTH if head == _LONG_LENGTH.size else _LENGTH).unpack_from(self._begun)[-1]
        return head + int(length) - len(self._begun)
