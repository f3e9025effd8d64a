"""Folders that other users can neither look into nor change: a socket's file is as safe as the folder that it is in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import AddressInvalid, OptionInvalid

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_CLOSED = 0o700

#: The one folder that osbrain makes beside the sockets (osbrain._memory).
_OURS = 'state'
_SETTING = "osbrain.config['IPC_DIR']"


def close_to_others(folder: Path, may_tighten: bool) -> None:
    """See that *folder*, which is there, is closed to other users.

    One that is not is closed if *may_tighten*, or if nobody can miss anything: it is ours, and there is nothing in it
    but sockets. :class:`~osbrain.errors.OptionInvalid` if it stays open, or is not ours.
    """
    if not hasattr(os, 'geteuid'):  # Windows, where ZeroMQ's sockets have no files
        return
    descriptor = _opened(folder)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise _refused(folder, f'which belongs to another user (number {found.st_uid})')
        if not found.st_mode & _OTHERS:
            return
        mode = f'{stat.S_IMODE(found.st_mode):04o}'
        if not may_tighten and (found.st_mode & stat.S_ISVTX or not _holds_only_sockets(descriptor)):
            raise _refused(folder, f'which other users can look into (mode {mode}) and which is used for other things')
        os.fchmod(descriptor, _CLOSED)
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    """Open *folder*, so that what is looked at is what is changed; a link that somebody else has laid is refused."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        link = folder.lstat()
        if not stat.S_ISLNK(link.st_mode):
            flags |= os.O_NOFOLLOW
        elif link.st_uid != os.geteuid():
            raise _refused(folder, f'a link that belongs to another user (number {link.st_uid})')
        return os.open(folder, flags)
    except OSError as error:
        raise _refused(folder, f'which cannot be opened ({error.strerror})') from None


def _holds_only_sockets(descriptor: int) -> bool:
    for name in os.listdir(descriptor):
        mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
        if not stat.S_ISSOCK(mode) and not (name == _OURS and stat.S_ISDIR(mode)):
            return False
    return True


def _refused(folder: Path, what: str) -> OptionInvalid:
    expected = 'a folder of your own that is closed to others (mkdir -m 700 ~/.osbrain_ipc makes one)'
    return OptionInvalid(_SETTING, f'{folder}, {what}', expected)


def refuse_shared(path: Path) -> None:
    """Refuse a socket file that another user could have put there.

    :class:`~osbrain.errors.AddressInvalid`; where there is no such folder yet, nobody can say.
    """
    if not hasattr(os, 'geteuid'):
        return
    try:
        found = path.parent.stat()
    except OSError:
        return
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & _OTHERS_WRITE:
        raise AddressInvalid(
            str(path),
            'Another user may have put this socket there, and could run code here: use a folder that is closed to '
            "others (mkdir -m 700), a serializer that runs no code, or security='curve' at both ends",
        )
