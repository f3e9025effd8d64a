"""The key of the cluster from a shell: nothing prints it, nothing loses it by accident, each step says the next."""

import json
import os
import stat
import subprocess
import sys
import time

import pytest

from osbrain._security import certificates as certificates_module
from osbrain._security import keyring as keyring_module
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, key_path, read_keyring, write_keyring
from osbrain.cli.exits import Exit

STEPS = (
    ['show-fingerprint'],
    ['show-fingerprint', '--json'],
    ['rotate', '--prepare'],
    ['rotate'],
    ['rotate', '--finish'],
    ['copy-instructions'],
    ['copy-instructions', 'lab4'],
    ['new'],
    ['new', '--force'],
)
HAS_A_KEY = [
    ['show-fingerprint'],
    ['rotate'],
    ['rotate', '--prepare'],
    ['rotate', '--finish'],
    ['rotate', '--use', 'any'],
    ['certificate'],
    ['copy-instructions'],
]


@pytest.fixture(autouse=True)
def config_folder(tmp_path, monkeypatch):
    """The folder of settings of somebody who has no key yet, and a process that has read none."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
    monkeypatch.delenv('OSBRAIN_KEY_FILE', raising=False)
    monkeypatch.setattr(keyring_module._cache, '_ring', None)
    monkeypatch.setattr(keyring_module._cache, '_state', None)
    monkeypatch.setattr(certificates_module._cache, '_last', None)
    return tmp_path


@pytest.fixture
def keys(osbrain):
    return lambda *argv: osbrain('keys', *argv)


@pytest.fixture
def ring():
    """Have a key; return what the file has."""
    write_keyring(key_path(), Keyring((ClusterKey.new(),)))
    return lambda: read_keyring(key_path())


def fingerprints(ring):
    return [key.fingerprint for key in ring.keys]


def test_without_a_verb_the_help_is_shown_and_it_is_a_mistake(keys):
    result = keys()
    assert result.code == Exit.USAGE
    assert 'Usage: osbrain keys' in result.err
    assert result.out == ''


def test_nothing_that_is_printed_has_the_key_in_it(keys, ring):
    seen = ''
    secrets = set()
    for step in STEPS:
        secrets |= {key.written() for key in ring().keys}
        seen += ''.join(map(str, keys(*step)))
        secrets |= {key.written() for key in ring().keys}
    assert len(secrets) == 4
    for secret in secrets:
        for start in range(0, len(secret) - 16, 4):
            assert secret[start : start + 16] not in seen


# -- show-fingerprint


def test_the_fingerprints_are_shown_with_the_file_and_what_each_is_for(keys, ring):
    keys('rotate')
    result = keys('show-fingerprint')
    assert result.code == Exit.OK
    assert result.err == ''
    first, header, _, new, old, last = result.out.splitlines()
    assert first == f'Key file: {key_path()}'
    assert header.split() == ['fingerprint', 'key', 'authority']
    assert new.split() == [fingerprints(ring())[0], 'in', 'use', 'none']
    assert old.split() == [fingerprints(ring())[1], 'accepted', 'none']
    assert last.startswith('Certificate: none') and 'osbrain keys certificate' in last


def test_programs_get_the_same_as_json(keys, ring):
    result = keys('show-fingerprint', '--json')
    facts = json.loads(result.out)
    assert facts['path'] == str(key_path())
    assert facts['keys'] == fingerprints(ring())
    assert facts['certificate']['until'] is None
    assert 'osbrain keys certificate' in facts['certificate']['problem']


def test_looking_makes_no_key(keys):
    result = keys('show-fingerprint')
    assert result.code == Exit.KEY_UNUSABLE
    assert not key_path().exists()


# -- new


def test_a_new_key_is_for_its_owner_alone(keys):
    result = keys('new')
    assert result.code == Exit.OK
    assert result.out == f'New key {read_keyring(key_path()).current.fingerprint} in {key_path()}.\n'
    assert result.err == ''
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600


def test_a_key_that_is_there_stays(keys, ring):
    before = ring()
    result = keys('new')
    assert result.code == Exit.KEY_EXISTS
    assert result.out == ''
    assert str(key_path()) in result.err and 'osbrain keys rotate' in result.err and '--force' in result.err
    assert result.err.count('\n') == 1
    assert ring() == before


def test_with_force_it_is_replaced_and_what_follows_is_said(keys, ring):
    before = ring()
    result = keys('new', '--force')
    assert result.code == Exit.OK
    assert ring().current not in before.keys
    assert 'end what still runs with it' in result.err
    assert 'osbrain keys copy-instructions' in result.err


def test_a_key_that_others_have_seen_can_be_replaced(keys, ring):
    key_path().chmod(0o644)
    assert keys('new', '--force').code == Exit.OK
    assert ring()


# -- rotate


def test_rotating_puts_a_new_key_first_and_accepts_the_old_one(keys, ring):
    (old,) = ring().keys
    result = keys('rotate')
    assert result.code == Exit.OK
    new, kept = ring().keys
    assert kept == old and new != old
    assert result.out == f'In use: {new.fingerprint}. Accepted as well: {old.fingerprint}.\n'
    assert 'osbrain keys rotate --finish' in result.err
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600


def test_finishing_drops_the_old_keys(keys, ring):
    keys('rotate')
    new = ring().current
    result = keys('rotate', '--finish')
    assert ring().keys == (new,)
    assert result.out == f'In use: {new.fingerprint}. Accepted as well: no other.\n'
    assert keys('rotate', '--finish').code == Exit.OK
    assert ring().keys == (new,)


def test_on_several_machines_a_key_is_accepted_before_it_is_used(keys, ring):
    (old,) = ring().keys
    result = keys('rotate', '--prepare')
    assert ring().current == old
    new = ring().keys[1]
    assert f'osbrain keys rotate --use {new.fingerprint}' in result.err
    assert keys('rotate', '--use', new.fingerprint.upper()).code == Exit.OK
    assert ring().keys == (new, old)
    keys('rotate', '--finish')
    assert ring().keys == (new,)


def test_a_key_that_is_not_accepted_cannot_be_used(keys, ring):
    before = ring()
    result = keys('rotate', '--use', '0000-0000-0000-0000')
    assert result.code == Exit.USAGE
    assert fingerprints(before)[0] in result.err
    assert ring() == before


def test_who_has_certificates_is_told_that_they_belong_to_the_keys(keys, ring):
    assert 'osbrain keys certificate' not in keys('rotate').err
    (key_path().parent / 'node.pem').touch()
    assert 'osbrain keys certificate' in keys('rotate').err


# -- certificate


def test_a_certificate_is_made_and_shown(keys, ring):
    pytest.importorskip('cryptography')
    result = keys('certificate', '--days', '10')
    assert result.code == Exit.OK
    until = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 10 * 86400))
    folder = key_path().parent
    assert result.out == f'Certificate of {fingerprints(ring())[0]}, valid until {until}: {folder / "node.pem"}\n'
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        ('authority.pem', 'cluster.key', 'node.key', 'node.pem'), 0o600
    )
    shown = keys('show-fingerprint').out.splitlines()
    assert shown[3].split() == [fingerprints(ring())[0], 'in', 'use', 'trusted']
    assert shown[-1].endswith(f'valid until {until}.')
    facts = json.loads(keys('show-fingerprint', '--json').out)['certificate']
    assert facts == {
        'path': str(folder / 'node.pem'),
        'issuer': fingerprints(ring())[0],
        'authorities': fingerprints(ring()),
        'until': until,
        'problem': None,
    }


def test_a_certificate_that_cannot_be_used_is_shown_with_the_reason(keys, ring):
    (key_path().parent / 'node.key').touch()
    result = keys('show-fingerprint')
    assert result.code == Exit.OK
    assert 'node.pem cannot be used: there is no such file; run: osbrain keys certificate' in result.out


def test_rotation_keeps_the_certificate_until_it_is_finished(keys, ring):
    pytest.importorskip('cryptography')
    keys('certificate')
    old = ring().current.fingerprint
    keys('rotate')
    assert f', of {old}, valid until' in keys('show-fingerprint').out
    keys('rotate', '--finish')
    assert 'is not in it' in keys('show-fingerprint').out
    keys('certificate')
    assert f', of {ring().current.fingerprint}, valid until' in keys('show-fingerprint').out


def test_what_makes_certificates_need_not_be_installed_until_then(keys, ring, monkeypatch):
    monkeypatch.setitem(sys.modules, 'osbrain._security.authority', None)
    result = keys('certificate')
    assert result.code == Exit.CERTIFICATE_UNUSABLE
    assert "pip install 'osbrain[tls]'" in result.err
    assert result.err.count('\n') == 1


def test_the_other_verbs_do_not_import_what_makes_certificates():
    code = 'import sys, osbrain.cli; sys.exit("cryptography" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False, timeout=60).returncode == 0


# -- copy-instructions


def lines(result):
    assert result.code == Exit.OK
    assert result.err == ''
    return [line for line in result.out.splitlines() if not line.startswith('#')]


def test_the_commands_that_take_the_key_elsewhere_are_said(keys, ring):
    usual = '.config/osbrain/cluster.key'
    assert lines(keys('copy-instructions', 'ann@lab4')) == [
        "ssh ann@lab4 'umask 077 && mkdir -p .config/osbrain'",
        f'scp {key_path()} ann@lab4:.config/osbrain/cluster.key.new',
        f"ssh ann@lab4 'chmod 600 {usual}.new && mv {usual}.new {usual}'",
        "osbrain keys certificate         # needs pip install 'osbrain[tls]'",
        f'osbrain keys show-fingerprint    # has to show {fingerprints(ring())[0]}',
    ]


def test_a_key_in_another_place_is_copied_to_the_same_place(keys, tmp_path, monkeypatch):
    path = tmp_path / "it's mine" / 'key'
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    keys('new')
    text = '\n'.join(lines(keys('copy-instructions', 'lab4')))
    assert 'export OSBRAIN_KEY_FILE=' in text


def test_the_commands_do_what_they_say(keys, ring, tmp_path, monkeypatch):
    """With a home of its own for the other machine, and copying within this one."""
    there, tools = tmp_path / 'there', tmp_path / 'tools'
    there.mkdir()
    tools.mkdir()
    (tools / 'ssh').write_text(f'#!/bin/sh\ncd {there} && exec sh -c "$2"\n')
    (tools / 'scp').write_text(f'#!/bin/sh\nexec cp "$1" "{there}/${{2#*:}}"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    for _ in range(2):
        script = '\n'.join(lines(keys('copy-instructions'))[:3])
        environment = {**os.environ, 'PATH': f'{tools}:{os.environ["PATH"]}'}
        subprocess.run(['sh', '-euc', script], env=environment, check=True, timeout=60)
        assert read_keyring(there / '.config' / 'osbrain' / 'cluster.key') == ring()
        assert (there / '.config' / 'osbrain').stat().st_mode & 0o777 == 0o700
        keys('rotate')


# -- Bad input: each is one line that names the file and the command


def exposed():
    key_path().chmod(0o644)
    return f'mode 0644); chmod 600 {key_path()}'


def given_away():
    if os.geteuid():
        pytest.skip('only root can give a file away')
    os.chown(key_path(), 65534, 65534)
    return 'number 65534'


def shortened():
    key_path().write_text('short\n')
    return 'too short for a key: 5 bytes, 32 are the least'


def removed():
    key_path().unlink()
    return 'osbrain keys copy-instructions'


@pytest.mark.parametrize('spoil', [exposed, given_away, shortened, removed])
@pytest.mark.parametrize('argv', HAS_A_KEY, ids=' '.join)
def test_a_key_that_cannot_be_used_is_one_line(keys, ring, argv, spoil):
    text = spoil()
    result = keys(*argv)
    assert result.code == Exit.KEY_UNUSABLE
    assert result.out == ''
    assert result.err.startswith(f'osbrain: the key file {key_path()} cannot be used: ')
    assert text in result.err
    assert result.err.count('\n') == 1


@pytest.mark.parametrize('argv', [['new'], ['new', '--force']], ids=' '.join)
def test_a_place_that_cannot_be_written_is_one_line(keys, config_folder, argv):
    (config_folder / 'osbrain').write_text('a file is in the way')
    result = keys(*argv)
    assert result.code == Exit.KEY_UNUSABLE
    assert result.out == ''
    assert 'OSBRAIN_KEY_FILE' in result.err
    assert result.err.count('\n') == 1
