"""The private authority of a cluster: its key follows from the cluster's, so each machine makes its own certificate."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import CertificateUnusable
from .certificates import Files, authority_name
from .key import ClusterKey
from .keyring import Keyring
from .private_files import replace_all

# The certificate of an authority is the same wherever and whenever it is made: nothing in it is of the moment. It ends
# with its key, not on a day; the last moment is how RFC 5280 (4.1.2.5) writes that.
_FIRST = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
_LAST = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.timezone.utc)
# Clocks of other machines may be late by so much.
_LATE = dt.timedelta(days=1)
# RFC 5280, upper bound of a common name.
_LONGEST_NAME = 64
# A serial number has at most 20 bytes and is positive.
_SERIAL_SIZE = 16


def write_certificates(ring: Keyring, where: Files, days: int, host: str) -> None:
    """Make the certificate of this machine, valid for *days*, and those of all accepted authorities.

    *host* is for people: whom a certificate was made for decides nothing.
    :class:`~osbrain.errors.CertificateUnusable` if a file cannot be written.
    """
    node_key = Ed25519PrivateKey.generate()
    node = _node(ring.current, node_key, days, host)
    try:
        replace_all(
            {
                where.authority: ''.join(_pem(_authority(key)) for key in ring.keys),
                where.node: _pem(node),
                where.node_key: node_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            }
        )
        return
    except OSError as error:
        problem = f'it cannot be written: {error.strerror or error}'
    # Not raised above, where the error would bring along what was to be written.
    raise CertificateUnusable(str(where.node), problem, f'see: ls -ld {where.node.parent}')


def _authority_key(key: ClusterKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.derive('authority'))


def _authority(key: ClusterKey) -> x509.Certificate:
    secret = _authority_key(key)
    public = secret.public_key()
    serial = int.from_bytes(key.derive('authority serial number', length=_SERIAL_SIZE), 'big') + 1
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(authority_name(key)))
        .issuer_name(_name(authority_name(key)))
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(_FIRST)
        .not_valid_after(_LAST)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(secret, None)


def _node(key: ClusterKey, node_key: Ed25519PrivateKey, days: int, host: str) -> x509.Certificate:
    secret = _authority_key(key)
    now = dt.datetime.now(dt.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(host[:_LONGEST_NAME] or 'node'))
        .issuer_name(_name(authority_name(key)))
        .public_key(node_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LATE)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        # Each process is both.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(node_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(secret.public_key()), critical=False)
    )
    return builder.sign(secret, None)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
