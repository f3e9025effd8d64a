"""An agent's entry at its name server, and the thread that keeps it there, against a directory of this process."""

import contextlib
import os
import queue
import socket
import threading

import pytest

from osbrain._pids import started
from osbrain._remote import registration as module
from osbrain._remote.errors import NameTaken
from osbrain._remote.registration import Registration
from osbrain._remote.status import AgentStatus
from osbrain._remote.vigil import Vigil

LIMIT = 5
URI = 'PYRO:a@127.0.0.1:1000'


def record(**fields):
    fields = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname(), **fields}
    return AgentStatus('a0', URI, lease=LIMIT, **fields)


@pytest.fixture
def registration(place):
    made = Registration(place.address, record())
    made.enroll()
    yield made
    made._ns.release()


@pytest.fixture
def vigil(registration):
    """The thread, the descriptor that stands for the starter, and what was told."""
    ours, theirs = socket.socketpair()
    told = queue.Queue()
    Vigil(registration, theirs.fileno(), lambda: told.put('orphaned'), told.put).start()
    yield ours, told
    registration.removed = True
    for connection in registration._ns._idle:
        if connection._pyroConnection is not None:
            with contextlib.suppress(OSError):  # the other end was first
                connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
    ours.close()
    for thread in threading.enumerate():
        if thread.name == 'osbrain-vigil':
            thread.join(LIMIT)
    theirs.close()


def test_an_agent_that_is_enrolled_is_in_the_book_and_says_how_it_is(place, registration, until):
    assert registration.watched
    registration.report('running', None)
    assert until(lambda: place.directory.status()['a0'].state == 'running')
    registration.remove('it was killed')
    registration.remove('again')
    assert place.directory.agents() == []
    registration.report('stopped', 'late')
    assert registration.renew() is None
    assert place.directory.agents() == []


def test_renewing_enrolls_an_agent_that_is_not_known_any_more_as_it_is_now(place, registration, until):
    registration.report('stopped', 'why')
    assert until(lambda: place.directory.status()['a0'].state == 'stopped')
    place.directory.remove('a0')
    os.close(registration.renew())
    status = place.directory.status()['a0']
    assert (status.state, status.reason) == ('stopped', 'why')


def test_a_name_that_another_has_got_is_given_up_for_good(place, registration):
    place.directory.remove('a0')
    place.directory.register('a0', 'PYRO:b@127.0.0.1:2')
    with pytest.raises(NameTaken):
        registration.renew()
    assert registration.removed and registration.renew() is None


def test_nobody_at_the_address_means_that_nothing_is_renewed(place, registration, monkeypatch):
    monkeypatch.setattr(module, '_MESSAGE', 0.5)
    place.end(registration._ns._idle)
    assert registration.renew() is None
    registration.report('running', None)
    registration.remove('why')


def test_an_agent_is_back_when_its_name_server_is(place, registration, vigil, until):
    place.end(registration._ns._idle)
    directory = place.start()
    # It is in the book before its own end of the connection knows so, which is to be ended too.
    assert until(lambda: directory.agents() == ['a0'] and registration._ns._idle)
    place.end(registration._ns._idle)
    directory = place.start()
    assert until(lambda: directory.agents() == ['a0'])


def test_an_agent_whose_name_was_taken_meanwhile_is_told_so_once(place, registration, vigil):
    _, told = vigil
    place.end(registration._ns._idle)
    place.make().register('a0', 'PYRO:b@127.0.0.1:2')
    place.serve()
    assert isinstance(told.get(timeout=LIMIT), NameTaken)
    vigil[0].close()
    assert told.get(timeout=LIMIT) == 'orphaned'
    assert told.empty()


def test_the_end_of_the_starter_is_told_whether_the_name_server_is_there_or_not(place, registration, vigil):
    starter, told = vigil
    place.end(registration._ns._idle)
    starter.close()
    assert told.get(timeout=LIMIT) == 'orphaned'


def test_a_lease_is_renewed_again_and_again(place, monkeypatch):
    renewed = threading.Semaphore(0)
    monkeypatch.setattr(place.directory, 'renew', lambda name, uri: renewed.release() or True)
    entry = AgentStatus('a0', URI, pid=1, host='another machine', lease=0.06)
    registration = Registration(place.address, entry)
    registration.enroll()
    assert not registration.watched
    ours, theirs = socket.socketpair()
    told = queue.Queue()
    Vigil(registration, theirs.fileno(), lambda: told.put('orphaned'), told.put).start()
    for _ in range(3):
        assert renewed.acquire(timeout=LIMIT)
    ours.close()
    assert told.get(timeout=LIMIT) == 'orphaned'
    theirs.close()
    registration._ns.release()
