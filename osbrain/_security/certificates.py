"""TLS between the machines of a cluster: who is let in has a certificate of the authority that its key makes."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CertificateUnusable
from .key import ClusterKey
from .keyring import Keyring, key_path, keyring
from .private_files import Advice, read_private, state_of

#: The command that makes all of it, from the key alone: no certificate has to be copied anywhere.
COMMAND = 'osbrain keys certificate'

_RUN = f'run: {COMMAND}'
_ADVICE = Advice(CertificateUnusable, missing=_RUN, exposed=COMMAND, foreign=f'remove it and {_RUN}')
_BLOCK = re.compile(rb'-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----')
# X509_V_FLAG_NO_CHECK_TIME: dates are looked at here, in words that people understand.
_ANY_TIME = ssl.VerifyFlags(0x200000)
# A handshake is over after two turns of each side.
_TURNS = 4


class Files(NamedTuple):
    """Where the certificates of this machine are: beside the key file."""

    #: The authorities of all accepted keys. No secret, but nobody else may write it.
    authority: Path
    node: Path
    node_key: Path


class Certificates(NamedTuple):
    """Certificates that hold together, ready to be used."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    #: Fingerprint of the key whose authority made the certificate of this machine.
    issuer: str
    #: Fingerprints of the keys whose authorities are trusted.
    trusted: tuple[str, ...]
    #: When the certificate begins and ends to be valid, in seconds since the epoch.
    begins: float
    ends: float


def files() -> Files:
    """Where the certificates are, whether or not they are there."""
    folder = key_path().parent
    return Files(folder / 'authority.pem', folder / 'node.pem', folder / 'node.key')


def authority_name(key: ClusterKey) -> str:
    """Return the name of the authority that belongs to *key*."""
    return f'osbrain {key.fingerprint}'


def read_certificates(ring: Keyring, where: Files) -> Certificates:
    """Return what is in the files; whether it is valid today is left to :func:`check_dates`.

    :class:`~osbrain.errors.CertificateUnusable` says which of them is of no use, and why.
    """
    if not _BLOCK.search(read_private(where.node, _ADVICE, secret=False)):
        raise CertificateUnusable(str(where.node), 'there is no certificate in it', _RUN)
    read_private(where.node_key, _ADVICE)
    trusted = _authorities(ring, where.authority)
    known = ''.join(trusted.values())
    # Whether a certificate is of an authority that is trusted, and fits its key, shows in a handshake with ourselves.
    seen = _shake_hands(
        _context(ssl.PROTOCOL_TLS_SERVER, known, where, _ANY_TIME),
        _context(ssl.PROTOCOL_TLS_CLIENT, known, where, _ANY_TIME),
        where,
    )
    return Certificates(
        _context(ssl.PROTOCOL_TLS_SERVER, known, where),
        _context(ssl.PROTOCOL_TLS_CLIENT, known, where),
        issuer=_common_name(seen['issuer']).removeprefix('osbrain '),
        trusted=tuple(trusted),
        begins=ssl.cert_time_to_seconds(seen['notBefore']),
        ends=ssl.cert_time_to_seconds(seen['notAfter']),
    )


def check_dates(found: Certificates, where: Files) -> None:
    """Raise :class:`~osbrain.errors.CertificateUnusable` if the certificate is not valid now."""
    now = time.time()
    if now > found.ends:
        raise CertificateUnusable(str(where.node), f'it has expired on {_day(found.ends)}', _RUN)
    if now < found.begins:
        problem = f'it is not valid before {_day(found.begins)} (here it is {_day(now)})'
        raise CertificateUnusable(str(where.node), problem, f'set the clock of this machine, or run: {COMMAND}')


def _authorities(ring: Keyring, path: Path) -> dict[str, str]:
    """Map fingerprints of the ring's keys to their authorities in *path*; other authorities are not trusted."""
    found = {}
    for block in _BLOCK.findall(read_private(path, _ADVICE, secret=False)):
        text = block.decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=text)
        except ssl.SSLError:
            raise CertificateUnusable(str(path), 'a certificate in it cannot be read', _RUN) from None
        for one in context.get_ca_certs():
            found[_common_name(one['subject'])] = f'{text}\n'
    ours = {key.fingerprint: found[name] for key in ring.keys if (name := authority_name(key)) in found}
    if not ours:
        others = f' (but {", ".join(found)})' if found else ''
        problem = f'{authority_name(ring.current)}, the authority of the key in use, is not in it{others}'
        raise CertificateUnusable(str(path), problem, _RUN)
    return ours


def _common_name(name: Any) -> str:
    """Return the common name in a *name* as the ssl module writes it."""
    return next((value for part in name for kind, value in part if kind == 'commonName'), '')


def _context(protocol: int, trusted: str, where: Files, flags: ssl.VerifyFlags | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Belonging to the cluster is what is proved. A certificate names no address: machines have several, and new ones.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    if flags is not None:
        context.verify_flags |= flags
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        # A ticket is news on an idle connection, where any news is taken for its end.
        context.num_tickets = 0
    context.load_verify_locations(cadata=trusted)
    try:
        # With a password, so that nobody is asked for one at a terminal.
        context.load_cert_chain(where.node, where.node_key, password='')
    except ssl.SSLError as error:
        if 'MISMATCH' in (error.reason or ''):
            problem = f'it does not belong to the certificate {where.node}'
        else:
            problem = f'it cannot be read with the certificate {where.node}: {error.reason or error}'
        raise CertificateUnusable(str(where.node_key), problem, _RUN) from None
    return context


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, where: Files) -> dict[str, Any]:
    """Have this machine talk to itself, in memory; return its certificate as the other side sees it."""
    upward, downward = ssl.MemoryBIO(), ssl.MemoryBIO()
    serving = server.wrap_bio(upward, downward, server_side=True)
    sides: Iterable[ssl.SSLObject] = (client.wrap_bio(downward, upward), serving) * _TURNS
    try:
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLCertVerificationError as error:
        problem = f'it is of another authority than those in {where.authority} ({error.verify_message})'
        raise CertificateUnusable(str(where.node), problem, _RUN) from None
    except ssl.SSLError as error:
        raise CertificateUnusable(str(where.node), f'TLS cannot be spoken with it: {error.reason}', _RUN) from None
    return serving.getpeercert() or {}


def _day(moment: float) -> str:
    return time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(moment))


class _Cache:
    """What was read last, and the state of the files then: read again when that has changed.

    Without a lock: whoever reads at the same time reads the same.
    """

    def __init__(self) -> None:
        self._last: tuple[object, Certificates] | None = None

    def certificates(self) -> Certificates:
        while True:
            ring, where = keyring(), files()
            state = (ring, where, *map(state_of, where))
            last = self._last
            if last is None or last[0] != state:
                try:
                    last = state, read_certificates(ring, where)
                except CertificateUnusable:
                    # Files are replaced one after the other: whoever looked in between looks again.
                    if state[2:] != tuple(map(state_of, where)):
                        continue
                    raise
                self._last = last
            check_dates(last[1], where)
            return last[1]


_cache = _Cache()


def certificates() -> Certificates:
    """Return the certificates of this machine, as their files have them now.

    :class:`~osbrain.errors.CertificateUnusable` if there are none, or they cannot be used;
    :class:`~osbrain.errors.KeyUnusable` if the key cannot.
    """
    return _cache.certificates()


def server_context() -> ssl.SSLContext:
    """Return what whoever listens needs for TLS with other machines of the same cluster; errors as above."""
    return certificates().server


def client_context() -> ssl.SSLContext:
    """Return what whoever connects needs for TLS with other machines of the same cluster; errors as above."""
    return certificates().client
