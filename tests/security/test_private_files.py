"""A file is used if nobody else can know it, or have written it; it is written for its owner alone."""

import os
import stat
from pathlib import Path

import pytest

from osbrain._security.private_files import Advice, read_private, write_private
from osbrain.errors import KeyUnusable

ADVICE = Advice(KeyUnusable, missing='make it', exposed='make another', foreign='copy it')
AS_ROOT = hasattr(os, 'geteuid') and os.geteuid() == 0
NOBODY = 65534


def refused(path, secret=True):
    with pytest.raises(KeyUnusable) as caught:
        read_private(path, ADVICE, secret)
    assert str(path) in str(caught.value)
    return caught.value


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_private_is_read(write):
    assert read_private(write(b'content'), ADVICE) == b'content'


@pytest.mark.parametrize('bits', [0o640, 0o604, 0o620, 0o602, 0o610, 0o666, 0o777, 0o644])
def test_what_others_may_read_or_write_is_refused(write, bits):
    path = write(b'content', bits)
    error = refused(path)
    assert f'mode {bits:04o}' in error.problem
    assert f'chmod 600 {path}' in error.mend and 'make another' in error.mend


@pytest.mark.parametrize('bits', [0o400, 0o600, 0o700])
def test_what_its_owner_alone_may_read_will_do(write, bits):
    assert read_private(write(b'content', bits), ADVICE) == b'content'


def test_what_is_no_secret_may_be_read_by_others_and_not_written(write):
    assert read_private(write(b'content', 0o644), ADVICE, secret=False) == b'content'
    assert 'write it' in refused(write(b'content', 0o664), secret=False).problem


def test_what_is_missing_is_told_with_the_way_to_make_it(tmp_path):
    error = refused(tmp_path / 'none')
    assert error.problem == 'there is no such file'
    assert error.mend == 'make it'


@pytest.mark.parametrize('kind', ['folder', 'fifo', 'device', 'folder in the way', 'circle'])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / 'odd'
    if kind == 'folder':
        path.mkdir(mode=0o700)
    elif kind == 'fifo':
        os.mkfifo(path, 0o600)
    elif kind == 'device':
        path = Path('/dev/null')
    elif kind == 'circle':
        path.symlink_to(path)
    else:
        path.write_bytes(b'a file')
        path /= 'below'
    assert refused(path).problem


def test_a_file_of_a_gigabyte_is_not_read(tmp_path, write):
    path = write(b'')
    os.truncate(path, 1 << 30)
    assert str(1 << 30) in refused(path).problem


def test_a_link_is_as_good_as_what_it_leads_to(tmp_path, write):
    good, bad = tmp_path / 'good', tmp_path / 'bad'
    good.symlink_to(write(b'content'))
    assert read_private(good, ADVICE) == b'content'
    bad.symlink_to(write(b'content', 0o644, 'open'))
    assert 'mode 0644' in refused(bad).problem


@pytest.mark.skipif(not AS_ROOT, reason='only root can give a file away')
@pytest.mark.parametrize('secret', [True, False])
def test_what_belongs_to_somebody_else_is_refused_even_if_it_can_be_read(write, secret):
    path = write(b'content')
    os.chown(path, NOBODY, NOBODY)
    error = refused(path, secret)
    assert f'number {NOBODY}' in error.problem
    assert f'sudo chown $(id -u) {path}, or copy it' == error.mend


@pytest.mark.skipif(not AS_ROOT, reason='only root can be somebody else')
def test_who_cannot_read_it_is_told_whose_it_is(open_folder):
    path = open_folder / 'file'
    write_private(path, 'content')
    os.seteuid(NOBODY)
    try:
        error = refused(path)
    finally:
        os.seteuid(0)
    assert 'it belongs to another user (number 0' in error.problem


@pytest.mark.parametrize('bits', [0o000, 0o022, 0o077, 0o277, 0o777])
def test_whatever_the_umask_the_owner_and_nobody_else_can_use_what_is_written(tmp_path, umask, bits):
    path = tmp_path / 'one' / 'two' / 'file'
    umask(bits)
    assert write_private(path, 'content')
    umask(0o022)
    assert mode(path) == 0o600
    assert {mode(path.parent), mode(path.parent.parent)} == {0o700}
    assert read_private(path, ADVICE) == b'content'


def test_folders_that_are_there_stay_as_they_are(tmp_path):
    folder = tmp_path / 'there'
    folder.mkdir(mode=0o755)
    assert write_private(folder / 'file', 'content')
    assert mode(folder) == 0o755


def test_what_is_there_is_replaced_only_if_that_is_asked_for(tmp_path):
    path = tmp_path / 'file'
    assert write_private(path, 'first', replace=False)
    assert not write_private(path, 'second', replace=False)
    assert path.read_text() == 'first'
    assert write_private(path, 'third')
    assert path.read_text() == 'third'


def test_a_link_still_leads_to_what_is_written(tmp_path, write):
    path, link = write(b'before'), tmp_path / 'link'
    link.symlink_to(path)
    assert not write_private(link, 'not this', replace=False)
    assert write_private(link, 'after')
    assert link.is_symlink()
    assert path.read_text() == 'after'


@pytest.mark.parametrize('replace', [True, False])
def test_nothing_is_left_beside_what_is_written(tmp_path, replace):
    write_private(tmp_path / 'file', 'content', replace)
    write_private(tmp_path / 'file', 'content', replace)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ['file']


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    (tmp_path / 'file').write_text('as before')
    with pytest.raises(OSError, match='No space'):
        write_private(tmp_path / 'file', 'content')
    assert (tmp_path / 'file').read_text() == 'as before'
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ['file']


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / 'file').write_text('content')
    with pytest.raises(NotADirectoryError):
        write_private(tmp_path / 'file' / 'below' / 'key', 'content')
