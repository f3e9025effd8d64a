"""TLS between machines: the same cluster gets in, nobody else does, and what cannot be used is told with its file."""

import os
import shutil
import ssl
import subprocess
import time

import pytest

from osbrain._security import certificates as module
from osbrain._security.certificates import client_context, files, server_context
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, key_path, keyring, write_keyring
from osbrain.errors import CertificateUnusable, KeyUnusable

pytest.importorskip('cryptography')
authority = pytest.importorskip('osbrain._security.authority')

AS_ROOT = hasattr(os, 'geteuid') and os.geteuid() == 0
DAY = 86400


@pytest.fixture(autouse=True)
def unread(monkeypatch):
    """No certificates have been read yet."""
    monkeypatch.setattr(module._cache, '_last', None)


@pytest.fixture
def certified():
    """A machine with a key and certificates; where they are."""
    authority.write_certificates(keyring(), files(), 825, 'lab')
    return files()


class Machine:
    """Another machine, with a key file of its own."""

    def __init__(self, folder, monkeypatch, *keys):
        self.path, self.monkeypatch = folder / 'cluster.key', monkeypatch
        self.have(*keys)

    def have(self, *keys):
        write_keyring(self.path, Keyring(keys))

    def contexts(self, days=825):
        """Make certificates if *days* are given; return the contexts for listening and connecting."""
        with self.monkeypatch.context() as environment:
            environment.setenv('OSBRAIN_KEY_FILE', str(self.path))
            if days:
                authority.write_certificates(keyring(), files(), days, 'other')
            return server_context(), client_context()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    def made(name, *keys):
        return Machine(tmp_path / name, monkeypatch, *keys)

    return made


def talk(server, client):
    """Shake hands and say a word in each direction; return both ends and what is on the wire to the client."""
    upward, downward = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(downward, upward), server.wrap_bio(upward, downward, server_side=True)
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return *ends, downward


def refused():
    with pytest.raises(CertificateUnusable) as caught:
        server_context()
    with pytest.raises(CertificateUnusable, match='osbrain keys certificate'):
        client_context()
    return caught.value


def test_machines_that_share_the_key_let_each_other_in(machine, key):
    one, other = machine('one', key), machine('other', key)
    for server, client in (
        (one.contexts()[0], other.contexts()[1]),
        (other.contexts()[0], one.contexts()[1]),
    ):
        there, here, _ = talk(server, client)
        there.write(b'word')
        assert here.read() == b'word'
        assert here.version() == 'TLSv1.3'


def test_machines_of_another_cluster_are_refused_by_both_sides(machine, key):
    one, other = machine('one', key), machine('other', ClusterKey.new())
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(one.contexts()[0], other.contexts()[1])
    trusting = other.contexts()[1]
    trusting.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(one.contexts()[0], trusting)


def test_who_has_no_certificate_is_refused(certified):
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match='PEER_DID_NOT_RETURN_A_CERTIFICATE'):
        talk(server_context(), bare)


def test_older_versions_of_tls_are_refused(certified):
    old = client_context()
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        talk(server_context(), old)


def test_after_the_handshake_nothing_comes_that_nobody_has_said(certified):
    *_, wire = talk(server_context(), client_context())
    assert wire.pending == 0


def test_no_name_is_looked_at_and_every_certificate_is(certified):
    for context in (server_context(), client_context()):
        assert not context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3


def test_a_certificate_holds_where_python_checks_strictly(certified):
    """Python 3.13 does so by default."""
    strict = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=certified.authority)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    strict.check_hostname = False
    strict.load_cert_chain(certified.node, certified.node_key)
    talk(server_context(), strict)


def test_the_authority_is_the_same_wherever_it_is_made(machine, key):
    one, other = machine('one', key), machine('other', key)
    one.contexts()
    other.contexts()
    made = [(box.path.parent / 'authority.pem').read_bytes() for box in (one, other)]
    assert made[0] == made[1]
    nodes = [(box.path.parent / 'node.key').read_bytes() for box in (one, other)]
    assert nodes[0] != nodes[1]


def test_files_are_for_their_owner_alone_whatever_the_umask(umask):
    umask(0)
    authority.write_certificates(keyring(), files(), 825, 'lab')
    assert {path.stat().st_mode & 0o777 for path in files()} == {0o600}
    assert {path.name for path in files().authority.parent.iterdir()} == {
        'authority.pem',
        'cluster.key',
        'node.key',
        'node.pem',
    }


@pytest.mark.parametrize('host', ['', 'a' * 300, 'gerät', 'lab\n'])
def test_any_name_of_a_machine_will_do(host):
    authority.write_certificates(keyring(), files(), 825, host)
    assert server_context()


def test_a_full_disk_is_told_and_changes_nothing(certified, monkeypatch):
    def full(descriptor):
        raise OSError(28, 'No space left on device')

    before = [path.read_bytes() for path in files()]
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(CertificateUnusable, match='it cannot be written: No space left on device') as caught:
        authority.write_certificates(keyring(), files(), 825, 'lab')
    assert caught.value.__context__ is None
    assert [path.read_bytes() for path in files()] == before
    assert len(list(certified.node.parent.iterdir())) == 4


# -- What cannot be used


@pytest.mark.parametrize('name', module.Files._fields)
def test_a_missing_file_is_named_with_the_command_that_makes_it(certified, name):
    path = getattr(certified, name)
    path.unlink()
    error = refused()
    assert error.path == str(path)
    assert error.problem == 'there is no such file'
    assert str(error).endswith('; run: osbrain keys certificate')


def test_where_there_is_nothing_it_is_the_certificate_that_is_missing():
    assert keyring()
    assert refused().path == str(files().node)


def test_without_a_key_it_is_the_key_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'none'))
    with pytest.raises(KeyUnusable, match='osbrain keys copy-instructions'):
        server_context()


def test_an_expired_certificate_is_told_with_its_day(certified, monkeypatch):
    server_context()
    now = time.time() + 826 * DAY
    monkeypatch.setattr(time, 'time', lambda: now)
    error = refused()
    assert error.path == str(certified.node)
    assert error.problem.startswith('it has expired on 20')


def test_a_certificate_of_tomorrow_is_told_with_the_clock(certified, monkeypatch):
    now = time.time() - 2 * DAY
    monkeypatch.setattr(time, 'time', lambda: now)
    error = refused()
    assert error.path == str(certified.node)
    assert error.problem.startswith('it is not valid before 20') and 'here it is' in error.problem
    assert 'clock' in error.mend


def test_an_expired_certificate_is_refused_by_the_other_side_too(machine, key, monkeypatch):
    good = machine('good', key).contexts()
    late = machine('late', key)
    with monkeypatch.context() as changed:
        # What the clock of the process says decides whether it uses it, the clock of TLS whether the other side does.
        changed.setattr(authority, '_LATE', authority.dt.timedelta(days=10))
        changed.setattr(module, 'check_dates', lambda *_: None)
        bad = late.contexts(days=-1)
    with pytest.raises(ssl.SSLCertVerificationError, match='expired'):
        talk(good[0], bad[1])
    with pytest.raises(ssl.SSLCertVerificationError, match='expired'):
        talk(bad[0], good[1])


def test_an_authority_of_another_key_is_told_with_both(certified):
    before = keyring().current
    write_keyring(key_path(), Keyring((ClusterKey.new(),)))
    error = refused()
    assert error.path == str(certified.authority)
    assert keyring().current.fingerprint in error.problem
    assert before.fingerprint in error.problem


def test_a_certificate_of_another_authority_is_told(certified, machine, key):
    other = machine('other', key)
    other.contexts()
    for name in ('node.pem', 'node.key'):
        shutil.copy(other.path.parent / name, certified.node.parent / name)
    error = refused()
    assert error.path == str(certified.node)
    assert str(certified.authority) in error.problem


def test_an_authority_that_only_has_the_name_of_ours_is_of_no_use(certified, monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(authority, 'authority_name', lambda key: module.authority_name(keyring().current))
        forged = authority._authority(ClusterKey.new())
    certified.authority.write_text(authority._pem(forged))
    assert refused().path == str(certified.node)


def test_a_key_of_another_certificate_is_told(certified, machine, key):
    other = machine('other', key)
    other.contexts()
    shutil.copy(other.path.parent / 'node.key', certified.node_key)
    error = refused()
    assert error.path == str(certified.node_key)
    assert f'does not belong to the certificate {certified.node}' in error.problem


@pytest.mark.parametrize('name', module.Files._fields)
@pytest.mark.parametrize('content', [b'', b'rubbish', b'\xff' * 99, b'-----BEGIN CERTIFICATE-----\nAAAA\n-----END '])
def test_rubbish_is_told_with_its_file(certified, name, content):
    path = getattr(certified, name)
    path.write_bytes(content)
    assert refused().path == str(path)


def test_half_a_certificate_is_told(certified):
    text = certified.authority.read_text()
    certified.authority.write_text(text[:200] + text[-30:])
    assert refused().problem == 'a certificate in it cannot be read'


@pytest.mark.skipif(shutil.which('openssl') is None, reason='the command openssl makes the file')
def test_nobody_is_asked_for_the_password_of_a_key(certified):
    command = ['openssl', 'pkey', '-in', certified.node_key, '-aes256', '-passout', 'pass:word', '-out']
    subprocess.run([*command, f'{certified.node_key}.new'], check=True, timeout=60)
    certified.node_key.with_name('node.key.new').replace(certified.node_key)
    certified.node_key.chmod(0o600)
    assert 'cannot be read' in refused().problem


def test_a_secret_that_others_may_read_is_refused(certified):
    certified.node_key.chmod(0o640)
    error = refused()
    assert error.path == str(certified.node_key)
    assert 'mode 0640' in error.problem


@pytest.mark.parametrize('name', ['authority', 'node'])
def test_what_is_no_secret_may_be_read_by_others_but_not_written(certified, name):
    path = getattr(certified, name)
    path.chmod(0o644)
    assert server_context()
    path.chmod(0o646)
    assert refused().path == str(path)


@pytest.mark.skipif(not AS_ROOT, reason='only root can give a file away')
@pytest.mark.parametrize('name', module.Files._fields)
def test_what_belongs_to_somebody_else_is_refused(certified, name):
    path = getattr(certified, name)
    os.chown(path, 65534, 65534)
    error = refused()
    assert error.path == str(path)
    assert 'number 65534' in error.problem


# -- Rotation


def test_two_authorities_are_trusted_while_the_key_is_rotated(machine):
    old, new = ClusterKey.new(), ClusterKey.new()
    one, other = machine('one', old), machine('other', old)
    one.contexts()
    other.contexts()
    for key_of_one, key_of_other in (
        ((old, new), (old,)),
        ((old, new), (old, new)),
        ((new, old), (old, new)),
        ((new, old), (new, old)),
        ((new,), (new, old)),
        ((new,), (new,)),
    ):
        one.have(*key_of_one)
        other.have(*key_of_other)
        contexts, others = one.contexts(), other.contexts()
        talk(contexts[0], others[1])
        talk(others[0], contexts[1])


def test_an_authority_whose_key_is_dropped_is_not_trusted_although_its_file_still_has_it(machine):
    old, new = ClusterKey.new(), ClusterKey.new()
    late, one = machine('late', old), machine('one', new, old)
    one.contexts()
    one.have(new)
    with pytest.raises(ssl.SSLCertVerificationError):
        talk(one.contexts(days=None)[0], late.contexts()[1])


# -- Once


def test_files_that_have_not_changed_are_not_read_again(certified, monkeypatch):
    server, client = server_context(), client_context()
    monkeypatch.setattr(module, 'read_certificates', None)
    assert server_context() is server
    assert client_context() is client


def test_files_that_have_changed_are_read_again(certified):
    server = server_context()
    authority.write_certificates(keyring(), certified, 825, 'lab')
    assert server_context() is not server


def test_who_looks_while_files_are_replaced_looks_again(certified, monkeypatch, machine, key):
    """The key of a new certificate is there a moment later than the certificate."""
    good = certified.node_key.read_bytes()
    other = machine('other', key)
    other.contexts()
    shutil.copy(other.path.parent / 'node.key', certified.node_key)
    read = module.read_certificates
    looked = []

    def replaced_meanwhile(ring, where):
        looked.append(where)
        try:
            return read(ring, where)
        finally:
            if len(looked) == 1:
                where.node_key.write_bytes(good)

    monkeypatch.setattr(module, 'read_certificates', replaced_meanwhile)
    assert server_context()
    assert len(looked) == 2
