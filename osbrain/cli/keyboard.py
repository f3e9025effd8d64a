"""The keys of a terminal as they are pressed, without waiting for Return."""

from __future__ import annotations

import os
import sys
import termios
import threading
import tty
from typing import Any, TypeVar

from .._clock import Deadline
from .._io.poller import wait_readable

_K = TypeVar('_K', bound='Keyboard')

# What terminals send for keys that are no letters (ECMA-48, and xterm's application mode).
_SEQUENCES = {
    b'\x1b[A': 'up', b'\x1b[B': 'down', b'\x1b[C': 'right', b'\x1b[D': 'left',
    b'\x1bOA': 'up', b'\x1bOB': 'down', b'\x1bOC': 'right', b'\x1bOD': 'left',
    b'\x1b[5~': 'page up', b'\x1b[6~': 'page down', b'\x1b[H': 'home', b'\x1b[1~': 'home',
}  # fmt: skip


def keys_in(data: bytes) -> list[str]:
    """Return the keys that a terminal means by *data*: letters, ``'up'``, ``'page down'``, … and nothing unknown."""
    found = []
    while data:
        sequence = next((one for one in _SEQUENCES if data.startswith(one)), None)
        if sequence is not None:
            found.append(_SEQUENCES[sequence])
            data = data[len(sequence) :]
            continue
        if data[:1] == b'\x1b':  # a sequence that means nothing here ends with a letter or ~, or is the key alone
            end = next((at for at, byte in enumerate(data[2:], 2) if 0x40 <= byte <= 0x7E), len(data) - 1)
            data = data[end + 1 :]
            continue
        if data[:1].isascii() and data[:1].decode().isprintable():
            found.append(data[:1].decode())
        data = data[1:]
    return found


class Keyboard:
    """What is typed while a block runs; nothing where standard input is no terminal."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._before: list[Any] = []

    def __enter__(self: _K) -> _K:
        if sys.stdin is not None and sys.stdin.isatty():
            self._fd = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._fd is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
            self._fd = None

    def wait(self, deadline: Deadline) -> list[str]:
        """Return the keys that are pressed until *deadline*; comes back with the first."""
        if self._fd is None:
            threading.Event().wait(deadline.left)
            return []
        if not wait_readable([self._fd], deadline.left):
            return []
        data = os.read(self._fd, 1024)
        if not data:  # the terminal is gone
            self._fd = None
        return keys_in(data)
