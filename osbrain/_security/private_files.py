"""Files that nobody but their owner may read: read with suspicion, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

from ..errors import KeyUnusable

# More than any file of ours has.
_LARGEST = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Advice(NamedTuple):
    """What is said of a file that cannot be used: as which error, and what helps in each case."""

    error: type[KeyUnusable]
    #: There is no such file.
    missing: str
    #: Others could read it.
    exposed: str
    #: It belongs to another user: what else there is but to take it over.
    foreign: str


def read_private(path: Path, advice: Advice, secret: bool = True) -> bytes:
    """Return what *path* holds; the error of *advice* if others may know it, or (not *secret*) may have written it."""
    try:
        # Looked at through the descriptor: a name can be given to another file in between.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_NONBLOCK', 0))
    except FileNotFoundError:
        raise advice.error(str(path), 'there is no such file', advice.missing) from None
    except OSError as error:
        with contextlib.suppress(OSError):
            _check_owner(path, path.stat(), advice)
        raise advice.error(str(path), error.strerror or str(error), f'see: ls -ld {path} {path.parent}') from None
    try:
        _check(path, os.fstat(descriptor), advice, _OTHERS if secret else _OTHERS_WRITE)
        with open(descriptor, 'rb', closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _check(path: Path, found: os.stat_result, advice: Advice, forbidden: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise advice.error(str(path), 'it is no file', advice.missing)
    if found.st_size > _LARGEST:
        raise advice.error(str(path), f'it has {found.st_size} bytes, which none of ours has', advice.missing)
    _check_owner(path, found, advice)
    # On Windows a user's folder is the user's, and modes say nothing.
    if hasattr(os, 'geteuid') and found.st_mode & forbidden:
        what = 'read or write' if found.st_mode & forbidden & ~_OTHERS_WRITE else 'write'
        problem = f'other users may {what} it (mode {stat.S_IMODE(found.st_mode):04o})'
        raise advice.error(str(path), problem, f'chmod 600 {path}, and if others may have done so: {advice.exposed}')


def _check_owner(path: Path, found: os.stat_result, advice: Advice) -> None:
    if hasattr(os, 'geteuid') and found.st_uid != os.geteuid():
        raise advice.error(
            str(path),
            f'it belongs to another user (number {found.st_uid}, this process is number {os.geteuid()})',
            f'sudo chown $(id -u) {path}, or {advice.foreign}',
        )


def foreign_hand(found: os.stat_result) -> str:
    """Say who else may have written a file whose content is trusted to run code; nothing if nobody may."""
    if not hasattr(os, 'geteuid'):
        return ''
    if found.st_uid != os.geteuid():
        return f'it belongs to another user (number {found.st_uid})'
    if found.st_mode & _OTHERS_WRITE:
        return f'other users may write it (mode {stat.S_IMODE(found.st_mode):04o}): chmod 600'
    return ''


def state_of(path: Path) -> tuple[object, ...] | None:
    """Return what changes when *path* does; ``None`` if there is nothing to be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode, found.st_uid


def write_private(path: Path, content: str, replace: bool = True) -> bool:
    """Write *content* for the owner alone, at once for whoever reads it; whether it was written.

    Without *replace* a file that is there already stays. Folders on the way are made, for the owner alone. ``OSError``
    if it cannot be written.
    """
    if replace:
        # A link goes on leading to the file.
        replace_all({path.resolve(): content})
        return True
    temporary = _written_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def replace_all(contents: dict[Path, str]) -> None:
    """Write files for the owner alone, each at once and one right after the other; ``OSError`` if one cannot be."""
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            written[path] = _written_beside(path, content)
        for path, temporary in written.items():
            temporary.replace(path)
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)


def _written_beside(path: Path, content: str) -> Path:
    """Write a file of another name, for the owner alone, in the folder of *path*."""
    _make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, 'w', encoding='ascii') as file:
            # mkstemp asks for just that, but a umask can take more.
            temporary.chmod(0o600)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each for the owner alone whatever the umask says; others may do so as well."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f'{folder} is no folder') from None
    else:
        folder.chmod(0o700)
