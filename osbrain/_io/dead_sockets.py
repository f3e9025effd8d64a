"""Socket files that processes left behind when they were killed."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import time
from pathlib import Path

# Between bind and listen a socket refuses connections as one does that nobody has; so young ones are left alone where
# the system does not list its sockets.
_YOUNG = 5.0


def remove_dead_sockets(folder: Path) -> int:
    """Remove the sockets in *folder* that are ours and that nobody listens on; how many there were."""
    dead = dead_sockets(folder)
    for path in dead:
        with contextlib.suppress(OSError):
            path.unlink()
    return len(dead)


def dead_sockets(folder: Path) -> list[Path]:
    """Return the sockets in *folder* that are ours and that nobody listens on."""
    try:
        entries = [entry for entry in os.scandir(folder) if _is_old_socket(entry)]
    except OSError:
        return []
    if not entries:
        return []
    living = _listed()
    return sorted(Path(entry.path) for entry in entries if entry.path not in living and _refuses(entry.path))


def _is_old_socket(entry: os.DirEntry[str]) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    ours = not hasattr(os, 'geteuid') or found.st_uid == os.geteuid()
    return stat.S_ISSOCK(found.st_mode) and ours and time.time() - found.st_mtime > _YOUNG


def _listed() -> set[str]:
    """Paths of the sockets that the system knows of, bound or connected."""
    try:
        rows = (line.split(maxsplit=7) for line in Path('/proc/net/unix').read_text().splitlines()[1:])
        return {row[7] for row in rows if len(row) > 7}
    except OSError:
        return set()


def _refuses(path: str) -> bool:
    # Asked too, because a system lists the sockets of its own container only.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED
