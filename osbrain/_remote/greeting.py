"""What both ends do on a socket before they have a channel: each step under the one deadline of the whole."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from .._clock import Deadline
from .._security import certificates
from .._security.policy import is_loopback
from .handshake import MAGIC_SIZE, HandshakeFailed, OtherKey

# OpenSSL's verdicts on a certificate of an authority that is not trusted (openssl-verification-options(1)), and what
# comes from an end that does not trust ours.
_OTHER_AUTHORITY = frozenset({18, 19, 20, 21})
_NOT_OURS_THERE = 'TLSV1_ALERT_UNKNOWN_CA'


def _limit(sock: socket.socket, deadline: Deadline) -> None:
    left = deadline.left
    if left is not None and left <= 0:
        raise TimeoutError('timed out')
    sock.settimeout(left)


def receive(
    sock: socket.socket, size: int, deadline: Deadline, check_magic: Callable[[bytes], None] | None = None
) -> bytes:
    """Return exactly *size* bytes; ``ConnectionResetError`` if there are no more, ``TimeoutError`` in the end.

    *check_magic* is told of the first bytes as soon as they are there, and raises if nobody is to wait for more.
    """
    came = b''
    while len(came) < size:
        _limit(sock, deadline)
        chunk = sock.recv(size - len(came))
        if not chunk:
            raise ConnectionResetError('the other end has closed the connection')
        begun = len(came) >= MAGIC_SIZE
        came += chunk
        if check_magic is not None and not begun and len(came) >= MAGIC_SIZE:
            check_magic(came[:MAGIC_SIZE])
    return came


def send(sock: socket.socket, data: bytes, deadline: Deadline) -> None:
    """Send *data*, or raise ``OSError``."""
    _limit(sock, deadline)
    sock.sendall(data)


def needs_tls(host: str) -> bool:
    """Whether what is bound to *host*, or connected by it, may be reached from elsewhere."""
    return not is_loopback(host)


def wrapped(sock: socket.socket, server: bool) -> ssl.SSLSocket:
    """Return *sock* with TLS that is yet to begin; :class:`~osbrain.errors.CertificateUnusable` if it cannot."""
    context = certificates.server_context() if server else certificates.client_context()
    # Who has gone already is left here: Python would forget to close what it was about to wrap.
    sock.getpeername()
    return context.wrap_socket(sock, server_side=server, do_handshake_on_connect=False)


def begin_tls(sock: ssl.SSLSocket, deadline: Deadline) -> None:
    """Have both ends show their certificates; :class:`HandshakeFailed` if one does not accept the other's."""
    _limit(sock, deadline)
    try:
        sock.do_handshake()
    except ssl.SSLError as error:
        raise tls_failure(error) from None


def tls_failure(error: ssl.SSLError) -> HandshakeFailed:
    """Return what *error*, of whichever end, says about the other end."""
    verify_code = getattr(error, 'verify_code', 0)
    if verify_code in _OTHER_AUTHORITY or error.reason == _NOT_OURS_THERE:
        return OtherKey('its certificate is of another cluster')
    if verify_code:
        return HandshakeFailed(f'its certificate is not accepted here: {getattr(error, "verify_message", error)}')
    if 'ALERT' in (error.reason or ''):
        # With TLS 1.3, whether a certificate was accepted is known with the first answer.
        return HandshakeFailed(f'it does not accept the certificate of this side ({error.reason})')
    return HandshakeFailed(f'it does not begin TLS as this cluster does ({error.reason or error})')
