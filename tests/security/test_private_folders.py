"""A folder of sockets is closed to others, or refused; /tmp is never touched."""

import os
import socket
from pathlib import Path

import pytest

from osbrain._security.private_folders import close_to_others, refuse_shared
from osbrain.errors import AddressInvalid, OptionInvalid

STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root may give files away')


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process, and files go into the test's own folder."""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / 'ipc'
    made.mkdir()
    made.chmod(0o755)
    return made


def mode(path):
    return path.stat().st_mode & 0o7777


def put_socket(folder, name='s'):
    before = Path.cwd()
    os.chdir(folder)  # a socket's path may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(name)
    finally:
        os.chdir(before)


def test_a_folder_that_is_closed_stays_as_it_is(folder):
    folder.chmod(0o700)
    (folder / 'a file').touch()
    close_to_others(folder, may_tighten=False)
    assert mode(folder) == 0o700


def test_our_own_folder_is_closed_whatever_is_in_it(folder):
    (folder / 'a file').touch()
    close_to_others(folder, may_tighten=True)
    assert mode(folder) == 0o700


def test_a_folder_with_nothing_but_sockets_is_closed(folder):
    put_socket(folder)
    (folder / 'state').mkdir()
    close_to_others(folder, may_tighten=False)
    assert mode(folder) == 0o700


@pytest.mark.parametrize('spoil', [lambda folder: (folder / 'x').touch(), lambda folder: folder.chmod(0o1777)])
def test_a_folder_that_is_used_for_other_things_is_refused_as_it_is(folder, spoil):
    spoil(folder)
    before = mode(folder)
    with pytest.raises(OptionInvalid, match=r'IPC_DIR.*mkdir -m 700') as refused:
        close_to_others(folder, may_tighten=False)
    assert str(folder) in str(refused.value) and f'mode {before:04o}' in str(refused.value)
    assert mode(folder) == before


def test_the_folder_of_all_is_refused_and_stays_as_it_is():
    before = mode(Path('/tmp'))
    with pytest.raises(ValueError, match='/tmp'):
        close_to_others(Path('/tmp'), may_tighten=False)
    assert mode(Path('/tmp')) == before


@as_root
@pytest.mark.parametrize('may_tighten', [True, False])
def test_somebody_elses_folder_is_refused(folder, may_tighten):
    folder.chmod(0o700)
    os.chown(folder, STRANGER, STRANGER)
    with pytest.raises(OptionInvalid, match=r'another user \(number 65534'):
        close_to_others(folder, may_tighten)


@as_root
def test_somebody_elses_link_is_refused_and_ones_own_is_followed(folder, tmp_path):
    link = tmp_path / 'link'
    link.symlink_to(folder)
    close_to_others(link, may_tighten=True)
    assert mode(folder) == 0o700
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    with pytest.raises(OptionInvalid, match='a link that belongs to another user'):
        close_to_others(link, may_tighten=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / 'x').touch()
    with pytest.raises(OptionInvalid, match='cannot be opened'):
        close_to_others(tmp_path / 'x', may_tighten=True)


def test_a_socket_that_others_may_have_put_there_is_refused(folder):
    refuse_shared(folder / 's')
    refuse_shared(folder / 'missing' / 's')
    folder.chmod(0o1777)
    with pytest.raises(AddressInvalid, match='Another user may have put this socket there'):
        refuse_shared(folder / 's')
