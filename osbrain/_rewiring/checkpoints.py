"""Keeps an agent's state in a file, so that whatever takes its place goes on from there."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._agent.core import Core
from .._failures import text_of
from .._memory import remove_state as remove
from .._memory import unfinished
from .._remote.packing import pack, unpack
from .._security.private_files import foreign_hand
from .._traceback import format_exception

# A file begins with this and the check sum of the rest, so that half of a file, or another one, is not taken for one.
_MARK = b'osbrain state 1\n'
_SUM = 4


class Checkpoints:
    """The state of one agent, in the file *path*; *period* in seconds, ``None`` for clean stops only.

    *lasting* says that somebody has chosen the file, so that it outlives the agent.
    """

    def __init__(self, core: Core, path: Path, period: float | None, lasting: bool) -> None:
        self._core = core
        self._path = path
        self._period = period
        self._lasting = lasting
        self._forsaken = False
        self._stop: Callable[[], None] | None = None

    def load(self) -> None:
        """Hand what was saved last to the agent's ``load_state``; what cannot be loaded is kept aside."""
        load_state = getattr(self._core.agent, 'load_state', None)
        if load_state is None or not self._path.exists():
            return
        try:
            load_state(unpack(read(self._path)))
        except Exception as error:
            aside = self._path.with_name(f'{self._path.name}.unreadable')
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            self._failed(f'loaded, and it begins without; the file is kept as {aside}', error)

    def begin(self) -> None:
        """Save now and then from now on; called in the loop's thread whenever it begins to run."""
        if self._stop is not None:
            self._stop()
        if self._period is not None:
            self._stop = self._core.start_wait(self._period, self._save_again)

    def _save_again(self) -> None:
        self.save()
        self._stop = None
        self.begin()

    def save(self) -> None:
        """Save the state between two messages; a failure leaves the file as it was, and the agent goes on."""
        save_state = getattr(self._core.agent, 'save_state', None)
        if save_state is None or self._forsaken:
            return
        try:
            write(self._path, pack(save_state(), 'the state'), not self._lasting)
        except Exception as error:
            self._failed('saved; what was saved before is left as it was', error)
        self._remove_if_forsaken()

    def forsake(self) -> None:
        """Nobody is left who would start this agent again: save nothing more, unless somebody has chosen the file."""
        if not self._lasting:
            self._forsaken = True
            self._remove_if_forsaken()

    def _remove_if_forsaken(self) -> None:
        # Asked twice, because another thread may have been saving.
        if self._forsaken:
            remove(self._path)

    def _failed(self, what: str, error: Exception) -> None:
        core = self._core
        core.counters['errors'] += 1
        text = f'The state of agent {core.name!r} could not be {what}. ({text_of(error)})'
        core.log('ERROR', f'{text}\n{format_exception()}')


def write(path: Path, data: bytes, own_folder: bool) -> None:
    """Put *data* in place of *path*, wholly or not at all; in a folder of our own, which may have to be made."""
    new = unfinished(path)
    try:
        with os.fdopen(_opened(new, own_folder), 'wb') as file:
            file.write(_MARK + zlib.crc32(data).to_bytes(_SUM, 'big'))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _opened(path: Path, own_folder: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    if own_folder:
        path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(3 if own_folder else 0):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Another agent may remove the folder meanwhile, because it was empty.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags, 0o600)
    return os.open(path, flags, 0o600)


def read(path: Path) -> bytes:
    """Return what was written to *path*; ``ValueError`` if it is not whole, or may be somebody else's work."""
    with path.open('rb') as file:
        why = foreign_hand(os.fstat(file.fileno()))
        if why:
            raise ValueError(f'{path} is not trusted, because {why}')
        content = file.read()
    head = len(_MARK) + _SUM
    mark, checked, data = content[: len(_MARK)], content[len(_MARK) : head], content[head:]
    if mark != _MARK or checked != zlib.crc32(data).to_bytes(_SUM, 'big'):
        raise ValueError(f'{path} is no state that was saved, or a part of it is missing')
    return data


def checkpoints_of(core: Core, process: Any) -> Checkpoints | None:
    """Return what keeps the state of the agent, if whoever started its *process* has a use for it."""
    period: float | None = process.checkpoint
    if process.state_path is not None:
        return Checkpoints(core, Path(process.state_path), period, lasting=True)
    if process.memory is not None:
        return Checkpoints(core, process.memory.state_file, period, lasting=False)
    return None
