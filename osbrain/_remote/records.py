"""What travels once both ends have shown the key: records, each sealed with its number, opened whole or not at all."""

from __future__ import annotations

import struct
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, NoReturn

#: Bytes of a seal: a MAC that only the key's holders can make.
SEAL_SIZE = 16
_LENGTH = struct.Struct('>Q')
#: Bytes before the body: its length, with a seal of its own, so that nobody waits for what was never sent.
HEAD_SIZE = _LENGTH.size + SEAL_SIZE

_NUMBERED = struct.Struct('>QQ')


class RecordInvalid(Exception):
    """What came is not what the other end has sent, or not in its order."""


class _Direction:
    """Makes the seals of one direction of one connection, each with the next number: none is of use a second time."""

    __slots__ = ('_blank', '_number', 'most')

    def __init__(self, key: bytes, most: int) -> None:
        # Keyed BLAKE2b (RFC 7693) takes a third of the time of HMAC-SHA256 for what a call has.
        self._blank = blake2b(key=key, digest_size=SEAL_SIZE)
        self._number = 0
        #: Bytes that a body may have.
        self.most = most

    def _next_seal(self, length: int, body: bytes | bytearray | memoryview = b'') -> bytes:
        seal = self._blank.copy()
        seal.update(_NUMBERED.pack(self._number, length))
        seal.update(body)
        self._number += 1
        return seal.digest()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError('the keys of a connection do not leave its process')


class Sealer(_Direction):
    """Seals what is sent."""

    __slots__ = ()

    def seal(self, body: bytes) -> tuple[bytes, bytes]:
        """Return what goes before *body*, and what goes behind it."""
        length = len(body)
        return _LENGTH.pack(length) + self._next_seal(length), self._next_seal(length, body)


class Opener(_Direction):
    """Opens what has come, in order; after one that is invalid, nothing is to be opened any more."""

    __slots__ = ('_length',)

    def length(self, head: bytes) -> int:
        """Return how many bytes the body has whose *head* has come; :class:`RecordInvalid` for a head of nobody's."""
        (length,) = _LENGTH.unpack_from(head)
        if not compare_digest(self._next_seal(length), head[_LENGTH.size :]):
            raise RecordInvalid('a message that was changed, repeated or left out on its way')
        if length > self.most:
            raise RecordInvalid(f'a message of {length:,} bytes, {self.most:,} are the most')
        self._length: int = length
        return length

    def check(self, body: bytes | bytearray | memoryview, seal: bytes | bytearray | memoryview) -> None:
        """Have :class:`RecordInvalid` raised unless *seal* is that of *body*, which came behind the last head."""
        if len(body) != self._length or not compare_digest(self._next_seal(self._length, body), seal):
            raise RecordInvalid('a message that was changed on its way')
