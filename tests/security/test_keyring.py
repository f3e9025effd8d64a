"""The key file: made once, read with suspicion, read again when it has changed."""

import os
import pickle
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest

from osbrain._security import keyring as module
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, key_path, keyring, read_keyring, write_keyring
from osbrain.errors import KeyUnusable

AS_ROOT = hasattr(os, 'geteuid') and os.geteuid() == 0
MANY = 20
LIMIT = 60  # seconds; what is awaited takes one


def refused():
    with pytest.raises(KeyUnusable) as caught:
        keyring()
    return caught.value


# -- Where it is


def test_the_usual_place_is_among_the_settings(config_folder):
    assert key_path() == config_folder / 'osbrain' / 'cluster.key'


@pytest.mark.parametrize('value', ['', 'relative/folder', '.'])
def test_a_relative_folder_of_settings_is_ignored(monkeypatch, tmp_path, value):
    monkeypatch.setenv('XDG_CONFIG_HOME', value)
    monkeypatch.setenv('HOME', str(tmp_path))
    assert key_path() == tmp_path / '.config' / 'osbrain' / 'cluster.key'


def test_another_file_may_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'mine'))
    assert key_path() == tmp_path / 'mine'
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', '~/mine')
    assert key_path() == tmp_path / 'mine'
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('OSBRAIN_KEY_FILE', 'mine')
    assert key_path() == tmp_path / 'mine'


def test_without_a_home_the_system_is_asked_where_it_is(monkeypatch):
    monkeypatch.delenv('XDG_CONFIG_HOME')
    monkeypatch.delenv('HOME')
    assert key_path() == Path('~').expanduser() / '.config' / 'osbrain' / 'cluster.key'


def homeless():
    raise RuntimeError('Could not determine home directory.')


def test_who_has_no_home_is_told_to_name_a_file(monkeypatch):
    monkeypatch.delenv('XDG_CONFIG_HOME')
    monkeypatch.setattr(Path, 'home', homeless)
    assert 'OSBRAIN_KEY_FILE' in refused().mend


def test_the_home_of_nobody_known_is_an_error(monkeypatch):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', '~no-such-user/key')
    error = refused()
    assert error.path == '~no-such-user/key'
    assert 'OSBRAIN_KEY_FILE' in error.mend


def test_a_home_that_is_somewhere_else_each_time_is_an_error(monkeypatch):
    monkeypatch.delenv('XDG_CONFIG_HOME')
    monkeypatch.setenv('HOME', 'here')
    assert 'HOME is no absolute path' in refused().problem


# -- Made on first use


def test_the_first_use_makes_a_key_for_the_owner_alone(config_folder, umask):
    umask(0o000)
    ring = keyring()
    path = config_folder / 'osbrain' / 'cluster.key'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [path.name for path in path.parent.iterdir()] == ['cluster.key']
    assert read_keyring(path) == ring == keyring()


def test_a_file_that_is_named_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'mine'))
    error = refused()
    assert error.path == str(tmp_path / 'mine')
    assert error.problem == 'there is no such file'
    assert 'osbrain keys copy-instructions' in error.mend and 'osbrain keys new' in error.mend
    assert not (tmp_path / 'mine').exists()


@pytest.mark.skipif(not AS_ROOT, reason='root alone can take on the identity of somebody who may not write')
def test_a_home_that_cannot_be_written_is_told(config_folder):
    os.seteuid(65534)
    try:
        error = refused()
    finally:
        os.seteuid(0)
    assert 'it cannot be written: Permission denied' in error.problem
    assert 'OSBRAIN_KEY_FILE' in error.mend


def test_a_full_disk_is_told_and_leaves_nothing(config_folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    error = refused()
    assert error.problem == 'it cannot be written: No space left on device'
    assert not any((config_folder / 'osbrain').iterdir())


def test_threads_that_start_at_the_same_time_have_one_key(monkeypatch):
    found = []
    barrier = threading.Barrier(MANY)

    def use():
        # A cache of its own, so that no lock makes the threads take turns.
        cache = module._Cache()
        barrier.wait(LIMIT)
        found.append(cache.ring().current)

    threads = [threading.Thread(target=use) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(found) == MANY
    assert len(set(found)) == 1


def test_threads_of_one_process_have_one_key():
    found = []
    threads = [threading.Thread(target=lambda: found.append(keyring())) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(found) == MANY and len({ring.current for ring in found}) == 1


USE = (
    'import sys; from osbrain._security.keyring import keyring; print(0, flush=True); sys.stdin.readline(); '
    'print(keyring().current.fingerprint)'
)


def test_processes_that_start_at_the_same_time_have_one_key(config_folder):
    running = [
        subprocess.Popen([sys.executable, '-c', USE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(MANY)
    ]
    for process in running:
        assert process.stdout.readline() == '0\n'
    for process in running:
        process.stdin.write('go\n')
        process.stdin.flush()
    found = {process.communicate(timeout=LIMIT)[0] for process in running}
    assert found == {f'{keyring().current.fingerprint}\n'}
    assert [path.name for path in (config_folder / 'osbrain').iterdir()] == ['cluster.key']


# -- What it may hold


def test_the_first_key_is_in_use_and_all_are_accepted(tmp_path, key):
    old = ClusterKey.new()
    write_keyring(tmp_path / 'file', Keyring((key, old)))
    ring = read_keyring(tmp_path / 'file')
    assert ring.keys == (key, old)
    assert ring.current == key
    assert ring.find(old.identifier) == old
    assert ring.find(ClusterKey.new().identifier) is None
    assert ring.find(b'') is None


def test_the_file_tells_people_what_it_is(tmp_path, key):
    write_keyring(tmp_path / 'file', Keyring((key,)))
    assert 'show it to nobody' in (tmp_path / 'file').read_text()


KEYS = {
    'a key without a word': b'%b',
    'lines that end as on Windows': b'# mine\r\n%b\r\n',
    'letters in capitals': b'%b',
    'blank lines and spaces': b'\n\n  %b  \n\n',
    'words of any language': '# schlüssel\n%b'.encode(),
    'the same key twice': b'%b\n%b\n',
}


@pytest.mark.parametrize('case', KEYS)
def test_a_key_is_read_however_it_is_set(write, key, case):
    line = key.written().encode()
    content = KEYS[case].replace(b'%b', line.upper() if 'capitals' in case else line)
    assert read_keyring(write(content)).keys == (key,)


OTHERS = {
    '32 bytes': bytes(range(200, 232)),
    'bytes that look like lines': b'#\n\r' + bytes(range(200, 232)),
    '48 bytes in base64': b'q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83v\n',
    '64 bytes in hexadecimal': b'ab' * 64,
}


@pytest.mark.parametrize('case', OTHERS)
def test_a_secret_that_another_program_made_is_a_key(write, case):
    ring = read_keyring(write(OTHERS[case]))
    assert ring.keys == (ClusterKey(OTHERS[case].strip(b'\n')),)


BAD = {
    'empty': (b'', 'too short for a key: 0 bytes, 32 are the least'),
    'blank': (b'\n\n\n', 'too short for a key: 0 bytes'),
    'too short': (b'secret\n', 'too short for a key: 6 bytes'),
    '31 bytes': (bytes(range(200, 231)), 'too short for a key: 31 bytes'),
    # What everybody knows must never be taken for a secret.
    'the words above a key alone': (module._HEADER.encode(), 'there is no key in it'),
    'half of those words': (module._HEADER.encode()[:50], 'there is no key in it'),
    'half of a key': (module._HEADER.encode() + b'ab' * 20, 'line 3 is no key'),
    'a letter too many': (module._HEADER.encode() + b'ab' * 32 + b'\n' + b'ab' * 32 + b'a', 'line 4 is no key'),
    'a wrong letter': ('# clé\n'.encode() + b'xy' * 32, 'line 2 is no key'),
}


@pytest.mark.parametrize('case', BAD)
def test_what_is_no_key_is_told(write, monkeypatch, case):
    content, problem = BAD[case]
    path = write(content)
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    error = refused()
    assert error.path == str(path)
    assert error.problem.startswith(problem)
    assert 'osbrain keys copy-instructions' in error.mend and 'osbrain keys new' in error.mend


@pytest.mark.parametrize('case', [case for case in BAD if 'key' in case or 'letter' in case])
def test_an_error_shows_none_of_the_keys_in_the_file(write, key, case):
    with pytest.raises(KeyUnusable) as caught:
        read_keyring(write(BAD[case][0] + b'\n' + key.written().encode() + b'\nrubbish'))
    assert key.written() not in ''.join(variables(caught.value))
    assert key.written() not in str(vars(caught.value))


def variables(error):
    """What a traceback shows of the variables of our own functions."""
    for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack:
        if '_security' in frame.filename:
            yield from frame.locals.values()


def test_an_error_while_writing_shows_no_key(tmp_path, key, monkeypatch):
    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(KeyUnusable) as caught:
        write_keyring(tmp_path / 'file', Keyring((key,)))
    assert caught.value.__context__ is None
    assert str(tmp_path) in ''.join(variables(caught.value))
    assert key.written() not in ''.join(variables(caught.value))


def test_a_ring_is_neither_shown_nor_pickled(key):
    ring = Keyring((key,))
    assert key.written() not in repr(ring)
    with pytest.raises(TypeError):
        pickle.dumps(ring)


# -- Read again


def named(monkeypatch, path, *keys):
    write_keyring(path, Keyring(keys))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))


def test_a_file_that_has_not_changed_is_not_read_again(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'mine', key)
    ring = keyring()
    monkeypatch.setattr(module, 'read_keyring', None)
    assert keyring() is ring


def test_a_file_that_has_changed_is_read_again(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'mine', key)
    assert keyring().keys == (key,)
    new = ClusterKey.new()
    write_keyring(tmp_path / 'mine', Keyring((new, key)))
    assert keyring().keys == (new, key)
    write_keyring(tmp_path / 'mine', Keyring((new,)))
    assert keyring().keys == (new,)


def test_another_file_is_read_as_soon_as_it_is_named(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'one', key)
    assert keyring().current == key
    other = ClusterKey.new()
    named(monkeypatch, tmp_path / 'two', other)
    assert keyring().current == other


def test_who_has_read_the_key_goes_on_when_its_file_goes_away(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'mine', key)
    ring = keyring()
    (tmp_path / 'mine').unlink()
    assert keyring() is ring
    assert not (tmp_path / 'mine').exists()
    new = ClusterKey.new()
    write_keyring(tmp_path / 'mine', Keyring((new,)))
    assert keyring().keys == (new,)


def test_in_the_usual_place_a_key_that_went_away_is_not_made_anew_by_who_has_read_it(config_folder):
    ring = keyring()
    key_path().unlink()
    assert keyring() is ring
    assert not key_path().exists()


def test_who_has_read_the_key_is_told_when_others_may_read_it_too(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'mine', key)
    keyring()
    (tmp_path / 'mine').chmod(0o644)
    assert 'mode 0644' in refused().problem
    (tmp_path / 'mine').chmod(0o600)
    assert keyring().current == key


def test_a_forked_child_can_read_the_key_whatever_its_parent_was_doing(monkeypatch, tmp_path, key):
    named(monkeypatch, tmp_path / 'mine', key)
    with module._cache._lock:
        child = os.fork()
        if not child:
            os._exit(0 if keyring().current == key else 1)
    assert os.waitpid(child, 0)[1] == 0
