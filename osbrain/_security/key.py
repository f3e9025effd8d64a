"""A cluster's key: what everything secret is derived from, and what never shows itself."""

from __future__ import annotations

import secrets
from typing import Any, NoReturn

from .derivation import hkdf

#: Bytes of a new key, and the least that any has.
KEY_SIZE = 32
#: Bytes by which others tell one key from another.
IDENTIFIER_SIZE = 8


def fingerprint_of(identifier: bytes) -> str:
    """Return the identifier of a key as people compare it."""
    text = identifier.hex()
    return '-'.join(text[start : start + 4] for start in range(0, len(text), 4))


class ClusterKey:
    """The secret that the processes of one system share; who has it may call, read and feed every agent.

    *secret* has at least 32 bytes. It is neither shown nor pickled: each process reads the key from its file.
    """

    __slots__ = ('_secret', 'identifier')

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_SIZE:
            raise ValueError(f'a key has at least {KEY_SIZE} bytes')
        self._secret = bytes(secret)
        #: By which others recognize the key. It says nothing about it, so it may travel and be shown.
        self.identifier = self.derive('identifier', length=IDENTIFIER_SIZE)

    @classmethod
    def new(cls) -> ClusterKey:
        """Make one from the system's random source."""
        return cls(secrets.token_bytes(KEY_SIZE))

    def derive(self, purpose: str, salt: bytes = b'', length: int = KEY_SIZE) -> bytes:
        """Derive *length* secret bytes for *purpose*; the same each time."""
        return hkdf(self._secret, b'osbrain ' + purpose.encode(), salt, length)

    @property
    def fingerprint(self) -> str:
        """The identifier as people compare it: ``3f0a-91c2-77de-0b45``."""
        return fingerprint_of(self.identifier)

    def written(self) -> str:
        """Return the secret as its file has it."""
        return self._secret.hex()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterKey) and secrets.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.identifier)

    def __repr__(self) -> str:
        return f'<ClusterKey {self.fingerprint}>'

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError('a cluster key does not leave its process: others read it from their own key file')

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(None)
