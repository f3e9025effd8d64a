"""A dispatcher's journal: what was written is there again, and no other file is touched."""

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys

import pytest

from osbrain._io.journal import Journal
from osbrain.errors import JournalFailed, JournalInvalid, OptionInvalid


@pytest.fixture
def open_journal(tmp_path):
    made = []

    def one(path=tmp_path / 'work', agent='d0', alias='tasks'):
        made.append(Journal(path, agent, alias))
        return made[-1]

    yield one
    for journal in made:
        journal.close()


def bodies(journal):
    return {kept.number - journal.first_number: kept.body for kept in journal.kept()}


def test_tasks_are_there_again_in_the_order_in_which_they_were_sent(open_journal):
    journal = open_journal()
    first = journal.first_number + 1
    journal.add(first, [b'a', b'b'])
    journal.add(first + 2, [[b'head', b'', b'buffer']])
    journal.close()
    again = open_journal()
    assert [kept.number for kept in again.kept()] == [first, first + 1, first + 2]
    assert [kept.body for kept in again.kept()] == [b'a', b'b', [b'head', b'', b'buffer']]
    assert again.origin == journal.origin
    assert len(again.origin) == 8


def test_numbers_are_never_given_out_again(open_journal):
    journal = open_journal()
    first = journal.first_number + 1
    journal.add(first, [b'a'])
    journal.done([first])
    journal.close()
    assert open_journal().first_number > first


def test_what_is_done_goes_with_the_next_commit(open_journal):
    journal = open_journal()
    first = journal.first_number + 1
    journal.add(first, [b'a', b'b', b'c'])
    journal.done([first])
    assert len(journal.kept()) == 3
    journal.flush()
    assert [kept.body for kept in journal.kept()] == [b'b', b'c']
    journal.done([first + 1])
    journal.add(first + 3, [b'd'])
    assert [kept.body for kept in journal.kept()] == [b'c', b'd']


def test_it_is_remembered_how_often_a_task_was_tried(open_journal):
    journal = open_journal()
    first = journal.first_number + 1
    journal.add(first, [b'a', b'b'])
    journal.note(first, 5, 2, 'ValueError: x', given_up=True)
    journal.close()
    one, other = open_journal().kept()
    assert one[2:6] == (5, 2, True, 'ValueError: x')
    assert other[2:6] == (0, 0, False, '')


def test_a_file_that_is_empty_becomes_a_journal(open_journal, tmp_path):
    (tmp_path / 'work').touch()
    assert open_journal().kept() == []


OWNER = '''
import os, signal, sys
from osbrain._io.journal import Journal
journal = Journal(sys.argv[1], 'd0', 'tasks')
journal.add(journal.first_number + 1, [b'a', b'b'])
journal.done([journal.first_number + 1])
print('ready', flush=True)
signal.pause()
'''


@pytest.fixture
def owner(tmp_path):
    """A process that has the journal open, and has written to it."""
    process = subprocess.Popen([sys.executable, '-c', OWNER, tmp_path / 'work'], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'ready\n'
    yield process
    process.kill()
    process.communicate()


def test_a_journal_in_use_is_refused_until_its_owner_has_died(open_journal, owner):
    with pytest.raises(JournalInvalid, match='in use by another dispatcher'):
        open_journal()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert [kept.body for kept in open_journal().kept()] == [b'a', b'b']


def test_a_journal_in_use_in_this_process_is_refused(open_journal):
    open_journal()
    with pytest.raises(JournalInvalid, match='in use'):
        open_journal()


def other_database(path):
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE owner (name TEXT)')
    database.close()


def foreign(path):
    Journal(path, 'somebody else', 'tasks').close()


def cut_short(path):
    journal = Journal(path, 'd0', 'tasks')
    journal.add(1, [bytes(20_000)] * 10)
    journal.close()
    with path.open('r+b') as file:
        file.seek(5000)
        file.write(b'\xff' * 30_000)


def no_database(path):
    path.write_bytes(b'symbol,price\nACME,100\n')


def nothing_but_a_head(path):
    path.write_bytes(b'SQLite format 3\x00' + b'nonsense' * 100)


@pytest.mark.parametrize(
    'make, why',
    [
        (other_database, 'no journal of osbrain'),
        (foreign, "belongs to 'tasks' of agent 'somebody else'"),
        (cut_short, 'corrupt'),
        (no_database, 'no SQLite file'),
        (nothing_but_a_head, 'corrupt'),
    ],
)
def test_a_file_that_is_no_journal_of_this_dispatcher_is_refused_and_left_as_it_was(open_journal, tmp_path, make, why):
    path = tmp_path / 'work'
    make(path)
    before = path.read_bytes()
    with pytest.raises(JournalInvalid, match=why):
        open_journal()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_else_may_read_a_journal(open_journal, tmp_path):
    before = os.umask(0)
    try:
        with contextlib.closing(open_journal()) as journal:
            journal.add(journal.first_number, [b'a'])
            assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_a_journal_that_others_may_have_written_is_refused(open_journal, tmp_path):
    open_journal().close()
    (tmp_path / 'work').chmod(0o602)
    with pytest.raises(JournalInvalid, match=r'other users may write it \(mode 0602\)'):
        open_journal()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root gives files away')
def test_a_journal_of_somebody_else_is_refused(open_journal, tmp_path):
    open_journal().close()
    os.chown(tmp_path / 'work', 65534, -1)
    with pytest.raises(JournalInvalid, match='belongs to another user'):
        open_journal()


def test_a_journal_belongs_to_one_alias(open_journal):
    open_journal().close()
    with pytest.raises(JournalInvalid, match="not to 'other' of agent 'd0'"):
        open_journal(alias='other')


def test_a_place_where_nothing_can_be_written_is_refused(open_journal, tmp_path):
    with pytest.raises(JournalInvalid, match='folder does not exist'):
        open_journal(tmp_path / 'missing' / 'work')
    with pytest.raises(JournalInvalid, match='directory'):
        open_journal(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_file_that_cannot_be_written_is_refused(open_journal, tmp_path):
    open_journal().close()
    (tmp_path / 'work').chmod(0o400)
    with pytest.raises(JournalInvalid, match='cannot be written'):
        open_journal()


@pytest.mark.parametrize('path', [3, b'bytes', '', ['list']], ids=repr)
def test_a_path_is_a_text(open_journal, path):
    with pytest.raises(OptionInvalid, match='journal'):
        open_journal(path)


def test_tasks_that_cannot_be_written_are_refused_and_what_is_done_is_not_forgotten(open_journal):
    journal = open_journal()
    first = journal.first_number + 1
    journal.add(first, [b'a'])
    journal.done([first])
    with pytest.raises(JournalFailed, match='could not be written'):
        journal.add(first, [b'the same number'])
    assert [kept.body for kept in journal.kept()] == [b'a']
    journal.flush()
    assert journal.kept() == []
