"""The keys that this process holds: one to use, older ones that are still accepted; read from the key file."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import NamedTuple

from ..errors import KeyUnusable
from .key import KEY_SIZE, ClusterKey
from .private_files import Advice, read_private, state_of, write_private

#: Where the key file is, if not in its usual place.
VARIABLE = 'OSBRAIN_KEY_FILE'

_HEADER = (
    '# The key of an osbrain cluster. Whoever has it can run code in every agent: show it to nobody.\n'
    '# The first line is the key in use; others, below it, are still accepted (osbrain keys --help).\n'
)
_WRITTEN = re.compile(rb'[0-9a-fA-F]{64}')
_COPY = 'copy it from a machine of the cluster (osbrain keys copy-instructions, there, tells how)'
_MISSING = f'{_COPY}, or make one: osbrain keys new'
_ADVICE = Advice(
    KeyUnusable,
    missing=_MISSING,
    exposed='osbrain keys new --force',
    foreign=f'have a copy of your own and name it in {VARIABLE}',
)


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
    try:
        if given:
            return Path(given).expanduser().absolute()
        base = Path(os.environ.get('XDG_CONFIG_HOME', ''))
        # Others are to be ignored (XDG Base Directory Specification).
        if not base.is_absolute():
            base = Path.home() / '.config'
    except RuntimeError as error:
        raise KeyUnusable(given or '~', str(error), f'name a file of yours in {VARIABLE}') from None
    if not base.is_absolute():
        raise KeyUnusable(str(base), 'HOME is no absolute path', f'mend HOME, or name a file of yours in {VARIABLE}')
    return base / 'osbrain' / 'cluster.key'


def read_keyring(path: Path) -> Keyring:
    """Return the keys in *path*; :class:`~osbrain.errors.KeyUnusable` if there are none, or others may know them."""
    found = _keys_in(read_private(path, _ADVICE))
    if isinstance(found, str):
        raise KeyUnusable(str(path), found, _MISSING)
    return Keyring(found)


def _keys_in(content: bytes) -> tuple[ClusterKey, ...] | str:
    """Return the keys, or what is wrong.

    It is not raised here: whoever shows the variables of a failed call shows no secret.
    """
    lines = [(number, line.strip()) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
    written = [(number, line) for number, line in lines if not line.startswith(b'#')]
    wrong = [number for number, line in written if not _WRITTEN.fullmatch(line)]
    if written and not wrong:
        return tuple(dict.fromkeys(ClusterKey(bytes.fromhex(line.decode())) for _, line in written))
    # What another program made of random bytes is a key too; but half of a file of ours must never be one: everybody
    # knows what it begins with.
    if len(written) < len(lines) and _is_text(content):
        return f'line {wrong[0]} is no key (64 hexadecimal digits)' if wrong else 'there is no key in it'
    secret = content.strip(b'\r\n') if content.isascii() else content
    if len(secret) < KEY_SIZE:
        return f'too short for a key: {len(secret)} bytes, {KEY_SIZE} are the least'
    return (ClusterKey(secret),)


def _is_text(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


def write_keyring(path: Path, ring: Keyring, replace: bool = True) -> bool:
    """Write the keys to *path*, for the owner alone; whether it was done (a file stays unless *replace*).

    :class:`~osbrain.errors.KeyUnusable` if it cannot be written.
    """
    try:
        return write_private(path, _HEADER + ''.join(f'{key.written()}\n' for key in ring.keys), replace)
    except OSError as error:
        problem = f'it cannot be written: {error.strerror or error}'
    # Not raised above, where the error would bring along what was to be written.
    raise KeyUnusable(str(path), problem, f'name another place in {VARIABLE} and make the key: osbrain keys new')


class _Cache:
    """What was read last, and the state of the file then: read again when that has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[object, ...] | None = None
        self._ring: Keyring | None = None

    def ring(self) -> Keyring:
        path = key_path()
        state = state_of(path)
        # Without the lock: whoever was forked while another thread held it could never take it.
        if self._ring is not None and state is not None and state == self._state:
            return self._ring
        if self._ring is not None and state is None and self._state and self._state[0] == path:
            return self._ring  # Its file has gone; who is here already goes on with what they know.
        with self._lock:
            if state is None and not os.environ.get(VARIABLE):
                write_keyring(path, Keyring((ClusterKey.new(),)), replace=False)
            state = state_of(path)
            self._ring, self._state = read_keyring(path), state
            return self._ring

    def forked(self) -> None:
        """Give a forked child a lock that nobody holds."""
        self._lock = threading.Lock()


_cache = _Cache()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_cache.forked)


def keyring() -> Keyring:
    """Return this process's keys, as their file has them now; made on first use in the usual place.

    :class:`~osbrain.errors.KeyUnusable` if the file cannot be used.
    """
    return _cache.ring()
