"""The side that connects: it shows the cluster's key, and lets nobody answer who does not show it too."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import Pyro4
import Pyro4.errors
import Pyro4.socketutil

from .._clock import Deadline
from .._config import message_limit
from .._security.key import ClusterKey
from .._security.keyring import key_path, keyring
from .channel import Channel
from .errors import AnotherCluster
from .greeting import begin_tls, needs_tls, receive, send, tls_failure, wrapped
from .handshake import ANSWER_SIZE, ClientHandshake, HandshakeFailed, OtherKey, Session


def connect(uri: Any, who: str, timeout: float | None) -> Channel:
    """Return a channel to the object at *uri*, within *timeout* seconds; *who* that is, for errors.

    :class:`AnotherCluster` if its server has none of our keys, a ``CommunicationError`` of Pyro4's if nobody answers.
    """
    deadline = Deadline(timeout or None)  # to Pyro4, 0 is for ever
    refused: set[ClusterKey] = set()
    while True:
        # Read again if the file has changed: the key may be new, here or there. While it is being changed, those who
        # have not heard of the new one are still shown the old one.
        ring = keyring()
        key = next((key for key in ring.keys if key not in refused), None)
        if key is None:
            raise AnotherCluster(who, ring.current.fingerprint, str(key_path()))
        try:
            return _with_key(uri, key, timeout, deadline)
        except OtherKey:
            refused.add(key)


def _with_key(uri: Any, key: ClusterKey, timeout: float | None, deadline: Deadline) -> Channel:
    location = uri.host, uri.port
    try:
        try:
            return _connected(uri, key, timeout, deadline)
        except (ConnectionResetError, BrokenPipeError):
            # A server that is flooded with connections makes room by closing the oldest that has not shown the key.
            return _connected(uri, key, timeout, deadline)
    except OSError as error:
        raise Pyro4.errors.CommunicationError(f'cannot connect to {location}: {error}') from error
    except OtherKey:
        raise
    except HandshakeFailed as failed:
        raise Pyro4.errors.CommunicationError(f'connection to {location} rejected: {failed}') from None


def _connected(uri: Any, key: ClusterKey, timeout: float | None, deadline: Deadline) -> Channel:
    sock: socket.socket = Pyro4.socketutil.createSocket(
        connect=(uri.host, uri.port),
        reuseaddr=Pyro4.config.SOCK_REUSE,
        timeout=timeout,
        nodelay=True,  # what is said last in a handshake, and the first call, would wait for the other end's sign
    )
    try:
        peer = sock.getpeername()[0]
        if needs_tls(peer):
            secret = wrapped(sock, server=False)
            sock = secret
            begin_tls(secret, deadline)
        session, proof = _introduced(sock, key, deadline)
        sock.settimeout(timeout or None)
    except BaseException:
        sock.close()
        raise
    return Channel(sock, session, peer, 'the call', uri.object, proof)


def _introduced(sock: socket.socket, key: ClusterKey, deadline: Deadline) -> tuple[Session, bytes]:
    handshake = ClientHandshake(key, message_limit())
    try:
        send(sock, handshake.hello, deadline)
        answer = receive(sock, ANSWER_SIZE, deadline, handshake.check_magic)
    except ssl.SSLError as error:
        raise tls_failure(error) from None
    return handshake.conclude(answer)
