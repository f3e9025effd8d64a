"""One secret, many keys: HKDF with SHA-256 (RFC 5869), so that a key made for one purpose says nothing of another."""

from __future__ import annotations

import hmac

_HASH = 'sha256'
_SIZE = 32
_MOST = 255 * _SIZE


def hkdf(secret: bytes, purpose: bytes, salt: bytes = b'', length: int = _SIZE) -> bytes:
    """Derive *length* bytes (at most 8,160) for *purpose* from *secret*; ``ValueError`` for more."""
    if length > _MOST:
        raise ValueError(f'{length} bytes cannot be derived, {_MOST} are the most')
    pseudorandom = hmac.digest(salt or bytes(_SIZE), secret, _HASH)
    made = block = b''
    number = 0
    while len(made) < length:
        number += 1
        block = hmac.digest(pseudorandom, block + purpose + bytes([number]), _HASH)
        made += block
    return made[:length]
