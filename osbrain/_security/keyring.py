"""The keys that this process holds: one to use, older ones that are still accepted; read from the key file."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import NamedTuple

from ..errors import KeyUnusable
from .key import KEY_SIZE, ClusterKey
from .private_files import read_private, write_private

#: Where the key file is, if not in its usual place.
VARIABLE = 'OSBRAIN_KEY_FILE'

_HEADER = (
    '# The key of an osbrain cluster. Whoever has it can run code in every agent: show it to nobody.\n'
    '# The first line is the key in use; others, below it, are still accepted (osbrain keys --help).\n'
)
_WRITTEN = re.compile(rb'[0-9a-fA-F]{64}')
_COPY = 'copy it from a machine of the cluster (osbrain keys copy-instructions, there, tells how)'


class Keyring(NamedTuple):
    """The keys of one cluster, the one in use first."""

    keys: tuple[ClusterKey, ...]

    @property
    def current(self) -> ClusterKey:
        """The key in use."""
        return self.keys[0]

    def find(self, identifier: bytes) -> ClusterKey | None:
        """Return the key of this identifier if it is accepted."""
        return next((key for key in self.keys if key.identifier == identifier), None)


def key_path() -> Path:
    """Where the key is: ``OSBRAIN_KEY_FILE``, or ``osbrain/cluster.key`` in ``$XDG_CONFIG_HOME`` (``~/.config``)."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    base = Path(os.environ.get('XDG_CONFIG_HOME', ''))
    if base.is_absolute():  # others are to be ignored (XDG Base Directory Specification)
        return base / 'osbrain' / 'cluster.key'
    try:
        return Path.home() / '.config' / 'osbrain' / 'cluster.key'
    except RuntimeError as error:
        raise KeyUnusable('~', str(error), f'name a file of yours in {VARIABLE}') from None


def read_keyring(path: Path) -> Keyring:
    """Return the keys in *path*; :class:`~osbrain.errors.KeyUnusable` if there are none, or others may know them."""
    content = read_private(path, f'{_COPY}, or make one: osbrain keys new')
    lines = [line.strip() for line in content.splitlines()]
    lines = [line for line in lines if line and not line.startswith(b'#')]
    if lines and all(_WRITTEN.fullmatch(line) for line in lines):
        return Keyring(tuple(dict.fromkeys(ClusterKey(bytes.fromhex(line.decode())) for line in lines)))
    # What another program made of random bytes is a key too.
    secret = content.strip(b'\r\n') if content.isascii() else content
    if len(secret) < KEY_SIZE:
        problem = f'too short for a key: {len(secret)} bytes, {KEY_SIZE} are the least'
        raise KeyUnusable(str(path), problem, f'{_COPY}, or make one: osbrain keys new')
    return Keyring((ClusterKey(secret),))


def write_keyring(path: Path, ring: Keyring, replace: bool = True) -> bool:
    """Write the keys to *path*, for the owner alone; whether it was done (a file stays unless *replace*)."""
    return write_private(path, _HEADER + ''.join(f'{key.written()}\n' for key in ring.keys), replace)


class _Cache:
    """What was read last, and the state of the file then: read again when that has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[object, ...] | None = None
        self._ring: Keyring | None = None

    def ring(self) -> Keyring:
        path = key_path()
        state = self._state_of(path)
        # Without the lock: whoever was forked while another thread held it could never take it.
        if self._ring is not None and state is not None and state == self._state:
            return self._ring
        if self._ring is not None and state is None and self._state and self._state[0] == path:
            return self._ring  # Its file has gone; who is here already goes on with what they know.
        with self._lock:
            if state is None and not os.environ.get(VARIABLE):
                write_keyring(path, Keyring((ClusterKey.new(),)), replace=False)
            state = self._state_of(path)
            self._ring, self._state = read_keyring(path), state
            return self._ring

    def forked(self) -> None:
        """Give a forked child a lock that nobody holds."""
        self._lock = threading.Lock()

    @staticmethod
    def _state_of(path: Path) -> tuple[object, ...] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return path, found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode, found.st_uid


_cache = _Cache()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_cache.forked)


def keyring() -> Keyring:
    """Return this process's keys, as their file has them now; made on first use in the usual place.

    :class:`~osbrain.errors.KeyUnusable` if the file cannot be used.
    """
    return _cache.ring()
