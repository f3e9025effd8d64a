"""A folder for keys that is in use nowhere else, and keys that nobody has."""

import os
import tempfile
from pathlib import Path

import pytest

from osbrain._security import keyring as module
from osbrain._security.key import ClusterKey


@pytest.fixture(autouse=True)
def leaves_nothing(request):
    """Look for what is left only where agents are started: it takes longer than the other tests."""
    if request.module.__name__.endswith(('test_other_users', 'test_control_plane')):
        request.getfixturevalue('leaves_nothing')


@pytest.fixture(autouse=True)
def config_folder(tmp_path, monkeypatch):
    """The user's folder of settings, empty, and a process that has read no key yet."""
    folder = tmp_path / 'config'
    folder.mkdir(mode=0o700)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(folder))
    monkeypatch.delenv('OSBRAIN_KEY_FILE', raising=False)
    monkeypatch.setattr(module._cache, '_ring', None)
    monkeypatch.setattr(module._cache, '_state', None)
    return folder


@pytest.fixture
def key():
    return ClusterKey(bytes(range(32)))


@pytest.fixture
def write(tmp_path):
    """Write a file as its owner alone may read it; return its path."""

    def write(content, mode=0o600, name='some.key'):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def open_folder():
    """A folder in which everybody can look something up by its name; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory(prefix='ob', dir='/tmp') as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def umask():
    """Set the umask for the time of a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)
