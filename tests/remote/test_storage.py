"""The address book in a file: what is kept, what comes back, and which files are refused."""

import os
import socket
import sqlite3
from contextlib import closing

import pytest
from Pyro4.constants import NAMESERVER_NAME
from Pyro4.naming_storage import SqlStorage

from osbrain._pids import started
from osbrain._remote.directory import Directory
from osbrain._remote.status import AgentStatus
from osbrain._remote.storage import Storage, checked_storage
from osbrain.errors import OptionInvalid

URI = 'PYRO:a@127.0.0.1:1000'


def record(name='a0', uri=URI, **fields):
    fields = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname(), **fields}
    return AgentStatus(name, uri, **fields)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'names.sqlite'


def directory_at(path):
    made = Directory()
    made.restore(Storage(str(path)))
    return made


def test_names_addresses_and_states_come_back(path):
    first = directory_at(path)
    first.register(NAMESERVER_NAME, 'PYRO:ns@127.0.0.1:1')
    first.enroll(record(kind='osbrain.Agent'))
    first.report('a0', URI, 1, 'stopped', 'it crashed')
    before = first.status()
    second = directory_at(path)
    assert second.status() == before
    assert second.lookup('a0').asString() == URI
    assert second.agents() == ['a0']
    assert second.events(second.events().log, 0).events == ()


def test_who_gave_its_name_back_is_not_there_any_more(path):
    first = directory_at(path)
    first.enroll(record())
    first.enroll(record('a1', 'PYRO:b@127.0.0.1:2'))
    first.remove_at('a0', URI)
    assert directory_at(path).agents() == ['a1']


def test_those_whose_processes_died_meanwhile_are_dead_at_once(path):
    directory_at(path).enroll(record(pid_started=1))
    second = directory_at(path)
    assert second.agents() == []
    (event,) = second.events(second.events().log, 0).events
    assert (event.kind, event.name, event.reason) == ('death', 'a0', 'its process ended while the name server was away')
    assert second.take_buried() == ['a0']
    assert directory_at(path).agents() == []


def test_who_comes_back_is_the_same_and_no_birth_is_told(path):
    directory_at(path).enroll(record(state='running'))
    second = directory_at(path)
    assert second.enroll(record(state='running')).watched is True
    assert second.events(second.events().log, 0).events == ()


def test_a_database_of_pyro_s_own_name_server_can_be_used(path):
    SqlStorage(str(path))['by hand'] = (URI, {'meta'})
    directory = directory_at(checked_storage(path))
    assert directory.status()['by hand'].uri == URI
    directory.report('by hand', URI, 1, 'running', None)
    assert 'meta' in directory.storage['by hand'][1]
    assert directory_at(path).status()['by hand'].state == 'running'


def test_a_record_that_cannot_be_read_leaves_the_name(path):
    SqlStorage(str(path))['a0'] = (URI, {'osbrain:{"future": 1}'})
    assert directory_at(path).status()['a0'] == AgentStatus('a0', URI)


def test_a_path_is_made_absolute_and_no_file_is_made(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert checked_storage(path.name) == str(path)
    assert checked_storage(None) is None
    assert not path.exists()


def make_text(path):
    path.write_text('this is no database, ' * 100)


def make_other(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute('CREATE TABLE prices (id, price)')
        database.commit()


@pytest.mark.parametrize('make, why', [(make_text, 'not a database'), (make_other, 'a database of something else')])
def test_a_file_of_something_else_is_refused_and_left_as_it_was(path, make, why):
    make(path)
    before = path.read_bytes()
    with pytest.raises(OptionInvalid, match=why):
        checked_storage(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_being_written_by_another_is_refused(path):
    Storage(str(path))
    with closing(sqlite3.connect(path)) as other:
        other.execute('BEGIN EXCLUSIVE')
        with pytest.raises(OptionInvalid, match='locked'):
            checked_storage(path)


@pytest.mark.parametrize('where, why', [('', 'it is a folder'), ('nowhere/names', 'its folder does not exist')])
def test_a_place_where_no_file_can_be_is_refused(tmp_path, where, why):
    with pytest.raises(OptionInvalid, match=why):
        checked_storage(tmp_path / where)


@pytest.mark.parametrize('storage', ['', 7, True, ['names']])
def test_what_is_no_path_is_refused(storage):
    with pytest.raises(OptionInvalid, match='the path of a file'):
        checked_storage(storage)


@pytest.mark.parametrize(
    'forbidden, why', [('names.sqlite', 'not readable and writable'), ('', 'its folder is not writable')]
)
def test_a_file_that_may_not_be_written_is_refused(path, forbidden, why, monkeypatch):
    Storage(str(path))
    monkeypatch.setattr(os, 'access', lambda place, mode: place != path.parent / forbidden)
    with pytest.raises(OptionInvalid, match=why):
        checked_storage(path)
