"""How two ends show each other that they have the cluster's key, as bytes in and bytes out; no socket, no clock.

The client speaks first, and what both say has a fixed size until both have proved themselves::

    client  magic, identifier of its key, nonce, most bytes that it takes in a message
    server  magic, nonce, most bytes, proof                         (or a word of refusal)
    client  proof

A proof is an HMAC of everything said so far; as each end has said a nonce of its own, what was recorded once proves
nothing the next time. The keys of the records that follow come from the cluster's key and both nonces.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from typing import Any, NamedTuple, NoReturn

from .._security.key import ClusterKey
from .._security.keyring import Keyring
from .records import Opener, Sealer

#: What every end says first; its last byte is the version of all that follows.
MAGIC = b'osbrain\x01'
MAGIC_SIZE = len(MAGIC)
_NAME = MAGIC[:-1]

# What a server says instead of its answer; each is as long as the magic.
STRANGER = b'stranger'
FULL = b'is full.'
VERSION = b'version?'

_NONCE_SIZE = 32
_KEY_SIZE = 32
_HELLO = struct.Struct(f'>{MAGIC_SIZE}s8s{_NONCE_SIZE}sQ')
_ANSWER = struct.Struct(f'>{MAGIC_SIZE}s{_NONCE_SIZE}sQ')
HELLO_SIZE = _HELLO.size
PROOF_SIZE = 32
ANSWER_SIZE = _ANSWER.size + PROOF_SIZE


class HandshakeFailed(Exception):
    """The other end has not shown that it belongs to the cluster."""

    #: What the server is to answer, if anything.
    answer = b''


class OtherVersion(HandshakeFailed):
    """The other end is osbrain, of a version that says these things differently."""

    answer = VERSION


class OtherKey(HandshakeFailed):
    """The other end names a key that is not one of ours, or says that ours is not one of its."""

    answer = STRANGER


class Full(HandshakeFailed):
    """The server serves as many connections as it may."""

    answer = FULL


class Session(NamedTuple):
    """What both ends have agreed upon: how to seal what is sent, and how to open what comes."""

    sealer: Sealer
    opener: Opener


class _Handshake:
    """What both sides do alike."""

    _key: ClusterKey

    def _proof(self, side: str, *said: bytes) -> bytes:
        return hmac.digest(self._key.derive(f'control plane {side}'), b''.join(said), 'sha256')

    def _derived(self, nonces: bytes) -> tuple[bytes, bytes]:
        """Keys of the records from the client to the server, and back."""
        both = self._key.derive('control plane records', nonces, 2 * _KEY_SIZE)
        return both[:_KEY_SIZE], both[_KEY_SIZE:]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError('a handshake does not leave its process')


class ClientHandshake(_Handshake):
    """The side that connects, with *key*; it takes messages of *most* bytes."""

    def __init__(self, key: ClusterKey, most: int) -> None:
        self._key, self._most = key, most
        self._nonce = secrets.token_bytes(_NONCE_SIZE)
        #: What is to be said first.
        self.hello = _HELLO.pack(MAGIC, key.identifier, self._nonce, most)

    @staticmethod
    def check_magic(said: bytes) -> None:
        """Raise :class:`HandshakeFailed`, or what exactly failed, unless *said* begins an answer."""
        if said == STRANGER:
            raise OtherKey('it belongs to another cluster')
        if said == FULL:
            raise Full('no free workers: it serves as many connections as it may (MAX_CONNECTIONS)')
        if said == VERSION or (said != MAGIC and said.startswith(_NAME)):
            raise OtherVersion('its version of osbrain connects differently')
        if said.startswith(b'PYRO'):
            raise HandshakeFailed('it is a bare Pyro4 server, or osBrain 0.6, which has no key')
        if said != MAGIC:
            raise HandshakeFailed('it does not answer as osbrain does')

    def conclude(self, answer: bytes) -> tuple[Session, bytes]:
        """Return the session, and the proof that goes before its first record.

        :class:`HandshakeFailed` for a wrong *answer*.
        """
        if len(answer) != ANSWER_SIZE:
            raise HandshakeFailed('it does not answer as osbrain does')
        self.check_magic(answer[:MAGIC_SIZE])
        said, proof = answer[: _ANSWER.size], answer[_ANSWER.size :]
        if not hmac.compare_digest(self._proof('server', self.hello, said), proof):
            raise HandshakeFailed('it has not shown that it has the cluster key')
        _, nonce, most = _ANSWER.unpack(said)
        there, back = self._derived(self._nonce + nonce)
        return Session(Sealer(there, most), Opener(back, self._most)), self._proof('client', self.hello, answer)


class ServerHandshake(_Handshake):
    """The side that is connected to by whoever has said *hello*; it takes messages of *most* bytes.

    :class:`HandshakeFailed`, or what exactly failed, for a *hello* that is not of the cluster's.
    """

    def __init__(self, hello: bytes, ring: Keyring, most: int) -> None:
        if len(hello) != HELLO_SIZE:
            raise HandshakeFailed('it does not speak as osbrain does')
        self.check_magic(hello[:MAGIC_SIZE])
        _, identifier, self._nonce, self._most_there = _HELLO.unpack(hello)
        key = ring.find(identifier)
        if key is None:
            raise OtherKey('it has another cluster key')
        self._key, self._most, self._hello = key, most, hello
        self._own_nonce = secrets.token_bytes(_NONCE_SIZE)
        said = _ANSWER.pack(MAGIC, self._own_nonce, most)
        #: What is to be said.
        self.answer = said + self._proof('server', hello, said)

    @staticmethod
    def check_magic(said: bytes) -> None:
        """Raise :class:`HandshakeFailed`, or what exactly failed, unless *said* begins a hello."""
        if said == MAGIC:
            return
        if said.startswith(_NAME):
            raise OtherVersion('its version of osbrain connects differently')
        raise HandshakeFailed('it does not speak as osbrain does')

    def conclude(self, proof: bytes) -> Session:
        """Return the session; :class:`HandshakeFailed` for a wrong *proof*."""
        if not hmac.compare_digest(self._proof('client', self._hello, self.answer), proof):
            raise HandshakeFailed('it has not shown that it has the cluster key')
        there, back = self._derived(self._nonce + self._own_nonce)
        return Session(Sealer(back, self._most_there), Opener(there, self._most))


def rehearse() -> None:
    """Shake hands with oneself: what the libraries set up for that is shared by the processes that are forked then."""
    key = ClusterKey.new()
    client = ClientHandshake(key, 0)
    server = ServerHandshake(client.hello, Keyring((key,)), 0)
    (sealer, _), proof = client.conclude(server.answer)
    _, opener = server.conclude(proof)
    opener.check(sealer.head(b''), b'')
