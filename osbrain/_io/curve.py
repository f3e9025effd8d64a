"""CURVE on ZeroMQ sockets (RFC 26): every key is derived from the cluster's, so that nobody has to hand any out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import zmq
from zmq.utils import z85

from .._security.key import ClusterKey

#: What the handler is asked for; libzmq 4.3 does not ask it for sockets without a domain (zmq_setsockopt(3)).
DOMAIN = b'osbrain'
#: Where libzmq asks who may come in (RFC 27); a name of its own in each context.
ZAP = 'inproc://zeromq.zap.01'

_ZAP_VERSION = b'1.0'
_ZAP_FRAMES = 7


class KeyPair(NamedTuple):
    """A curve25519 key pair, in the form in which ZeroMQ takes it (RFC 32)."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return '<KeyPair>'


# A process has one key, and a second one while keys are changed.
@lru_cache(maxsize=16)
def key_pair(key: ClusterKey, purpose: str) -> KeyPair:
    """Return the pair that *key* stands for; any 32 bytes are a curve25519 secret."""
    secret = z85.encode(key.derive(purpose))
    return KeyPair(zmq.curve_public(secret), secret)


def server_pair(key: ClusterKey) -> KeyPair:
    """Return the pair of every socket that is bound with *key*."""
    return key_pair(key, 'data plane server')


def client_pair(key: ClusterKey) -> KeyPair:
    """Return the pair of every socket that is connected with *key*."""
    return key_pair(key, 'data plane client')


def protect_bound(socket: zmq.Socket[Any], key: ClusterKey) -> None:
    """Have *socket*, which is about to be bound, talk to nobody but clients that the ZAP handler admits."""
    public, secret = server_pair(key)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    # Where no handler is bound, nobody comes in.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def protect_connected(socket: zmq.Socket[Any], key: ClusterKey) -> None:
    """Have *socket*, which is about to be connected, talk to nobody but a server of *key*."""
    public, secret = client_pair(key)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
    socket.setsockopt(zmq.CURVE_SERVERKEY, server_pair(key).public)


def admitted_clients(keys: tuple[ClusterKey, ...]) -> frozenset[bytes]:
    """Return the public keys, as ZAP has them, of the clients that have one of *keys*."""
    return frozenset(z85.decode(client_pair(key).public) for key in keys)


def zap_answer(request: list[bytes], admitted: frozenset[bytes]) -> tuple[list[bytes], bool]:
    """Return the answer to a *request* of libzmq's (RFC 27), and whether the client is let in."""
    lets_in = (
        len(request) == _ZAP_FRAMES
        and request[0] == _ZAP_VERSION
        and request[2] == DOMAIN
        and request[5] == b'CURVE'
        and request[6] in admitted
    )
    number = request[1] if len(request) > 1 else b''
    status = [b'200', b'OK'] if lets_in else [b'400', b'another cluster key']
    return [_ZAP_VERSION, number, *status, b'', b''], lets_in
