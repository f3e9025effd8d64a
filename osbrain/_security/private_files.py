"""Files that nobody but their owner may read: read with suspicion, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from ..errors import KeyUnusable

# More than any file of ours has.
_LARGEST = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path, missing: str) -> bytes:
    """Return what *path* holds; :class:`~osbrain.errors.KeyUnusable` if it may be known to anybody else.

    *missing* says what to do where there is no such file.
    """
    try:
        # Looked at through the descriptor: a name can be given to another file in between.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_NONBLOCK', 0))
    except FileNotFoundError:
        raise KeyUnusable(str(path), 'there is no such file', missing) from None
    except OSError as error:
        raise KeyUnusable(str(path), error.strerror or str(error), f'see: ls -l {path}') from None
    with os.fdopen(descriptor, 'rb') as file:
        _check_private(path, os.fstat(descriptor))
        return file.read(_LARGEST)


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyUnusable(str(path), 'it is no file', 'name the file of a key')
    if not hasattr(os, 'geteuid'):  # Windows: a user's folder is the user's
        return
    if found.st_uid != os.geteuid():
        raise KeyUnusable(
            str(path),
            f'it belongs to another user (number {found.st_uid}, this process is number {os.geteuid()})',
            f'sudo chown $(id -u) {path}, or have a copy of your own and name it in OSBRAIN_KEY_FILE',
        )
    if found.st_mode & _OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        mend = f'chmod 600 {path}, and if others may have read it: osbrain keys new'
        raise KeyUnusable(str(path), f'other users may read or write it (mode {mode:04o})', mend)


def foreign_hand(found: os.stat_result) -> str:
    """Say who else may have written a file whose content is trusted to run code; nothing if nobody may."""
    if not hasattr(os, 'geteuid'):
        return ''
    if found.st_uid != os.geteuid():
        return f'it belongs to another user (number {found.st_uid})'
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f'other users may write it (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600'
    return ''


def write_private(path: Path, content: str, replace: bool = True) -> bool:
    """Write *content* for the owner alone, at once for whoever reads it; whether it was written.

    Without *replace* a file that is there already stays. Folders on the way are made, for the owner alone.
    """
    temporary = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)  # of mode 0600
        with os.fdopen(descriptor, 'w', encoding='ascii') as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if replace:
            Path(temporary).replace(path)
            temporary = None
        else:
            os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        mend = 'name another place in OSBRAIN_KEY_FILE and make the key: osbrain keys new'
        raise KeyUnusable(str(path), f'it cannot be written: {error.strerror or error}', mend) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
    return True
