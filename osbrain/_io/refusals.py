"""What ZeroMQ's monitor events say about connections that were refused, in the words of people.

What libzmq 4.3.5 tells (seen with pyzmq 27; PROTOCOL, AUTH and NO_DETAIL stand for HANDSHAKE_FAILED_...):

====================================  ==================================  ==========================================
 Who meets whom                        at the bound end                    at the connecting end
====================================  ==================================  ==========================================
 client that expects another server    PROTOCOL 0x11000001, DISCONNECTED   NO_DETAIL, tries again, and so on for ever
 client that ZAP does not admit (400)  AUTH 400, DISCONNECTED              AUTH 400, does not try again
 client without CURVE, CURVE server    PROTOCOL 0x11000002, DISCONNECTED,  NO_DETAIL, tries again; PROTOCOL, and does
                                       or NO_DETAIL, DISCONNECTED          not try again, if it reads before it is cut
 CURVE client, server without CURVE    NO_DETAIL, DISCONNECTED             PROTOCOL 0x11000002, does not try again
 somebody who goes away, or dies       NO_DETAIL, DISCONNECTED             NO_DETAIL, tries again
====================================  ==================================  ==========================================

ACCEPTED and DISCONNECTED carry the descriptor, the failures a code. A context has one thread for input and output, so
that the DISCONNECTED after a failure is that of the connection that failed; only AUTH is known earlier, and to the ZAP
handler, which is told the client's host.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import NamedTuple

import zmq

ACCEPTED, DISCONNECTED = int(zmq.EVENT_ACCEPTED), int(zmq.EVENT_DISCONNECTED)
SUCCEEDED = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
PROTOCOL = int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
AUTH = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
NO_DETAIL = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)

OF_BOUND = ACCEPTED | DISCONNECTED | PROTOCOL | NO_DETAIL
OF_CONNECTED = SUCCEEDED | PROTOCOL | AUTH | NO_DETAIL

_CRYPTOGRAPHIC = int(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
_MECHANISM = int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)

_LOST = 'lost a peer before it had shown the cluster key'
_GONE = ('one that has gone since', '')


class Refusal(NamedTuple):
    """Who is said to have been refused, no more than once a minute, and what is said."""

    who: tuple[str, str]
    text: str
    level: str


def another_key(peer: str, host: str, where: str) -> Refusal:
    """Say of *peer* that it has another key than we."""
    return Refusal((where, host), f'{where} refused a peer with another cluster key: {peer}', 'WARNING')


class BoundEnd:
    """Follows the events of a bound socket that uses CURVE."""

    events = OF_BOUND

    def __init__(self) -> None:
        # By descriptor; one that is used again is another peer's.
        self._peers: dict[int, tuple[str, str]] = {}
        self._failed: str | None = None

    def take(self, event: int, value: int, endpoint: str) -> Refusal | None:
        """Take an event in; what there is to say."""
        if event == ACCEPTED:
            self._peers[value] = peer_of(value, endpoint)
        elif event == PROTOCOL:
            self._failed = _refused_words(value)
        elif event == NO_DETAIL:
            self._failed = _LOST
        elif event == DISCONNECTED:
            peer, host = self._peers.pop(value, _GONE)
            failed, self._failed = self._failed, None
            if failed is not None:
                # What is only lost must not keep quiet who is refused.
                where = f'{endpoint} {_LOST}' if failed == _LOST else endpoint
                return Refusal((where, host), f'{endpoint} {failed}: {peer}', 'WARNING')
        return None


def _refused_words(code: int) -> str:
    if code == _CRYPTOGRAPHIC:
        return 'refused a peer with another cluster key'
    if code == _MECHANISM:
        return 'refused a peer that shows no cluster key (it does not use CURVE)'
    return 'refused a peer that does not speak ZeroMQ with CURVE'


class ConnectedEnd:
    """Follows the events of a connected socket; any thread may ask what has become of the connection."""

    events = OF_CONNECTED

    def __init__(self) -> None:
        #: Why the other end cannot be talked to, as far as that is known.
        self.refusal: str | None = None
        #: Set once the connection was made, or is known never to be made.
        self.settled = threading.Event()
        self._failures = 0

    def take(self, event: int, value: int, endpoint: str) -> Refusal | None:
        """Take an event in; what there is to say."""
        if event == SUCCEEDED:
            self.refusal, self._failures = None, 0
            self.settled.set()
            return None
        self._failures += 1
        # Once is what a server looks like that ends while somebody connects.
        if event == NO_DETAIL and self._failures < 2:
            return None
        self.refusal = f'{endpoint} refused the connection: {_refusing_words(event)}'
        if event != NO_DETAIL:
            self.settled.set()
        # An agent that is connected to itself is told of both ends.
        return Refusal((f'to {endpoint}', ''), self.refusal, 'ERROR')


def _refusing_words(event: int) -> str:
    if event == AUTH:
        return 'it does not accept the cluster key of this process (connect again once it does)'
    if event == PROTOCOL:
        return 'it belongs to another cluster, or expects no CURVE (connect again once that is mended)'
    return 'it belongs to another cluster, or expects no CURVE (osbrain keys show-fingerprint, at both ends)'


def peer_of(descriptor: int, endpoint: str) -> tuple[str, str]:
    """Return who is at the other end of a connection that *endpoint* has accepted, and where that is.

    To be asked at once: the connection may be gone soon, and its descriptor be somebody else's.
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            if connection.family == getattr(socket, 'AF_UNIX', None):
                pid, user, _ = struct.unpack('3i', connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                return f'process {pid} of user {user}', f'user {user}'
            if str(connection.getsockname()[1]) != endpoint.rpartition(':')[2]:
                return _GONE
            host, port = connection.getpeername()[:2]
    except (OSError, AttributeError):
        return _GONE
    host = host.removeprefix('::ffff:')
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}', host
