"""The contexts of TLS, which connections to other machines use."""

from __future__ import annotations

import ssl

from ..errors import CertificateUnusable


def server_context() -> ssl.SSLContext:
    """Return what a server begins TLS with; :class:`~osbrain.errors.CertificateUnusable` if it has no certificate."""
    raise CertificateUnusable('node.crt', 'there is no such file', 'osbrain keys new')


def client_context() -> ssl.SSLContext:
    """Return what a client begins TLS with; :class:`~osbrain.errors.CertificateUnusable` if it has no certificate."""
    raise CertificateUnusable('node.crt', 'there is no such file', 'osbrain keys new')
