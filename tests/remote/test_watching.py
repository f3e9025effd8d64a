"""Watching a name server: each event once, in order, also when it ends and another one begins at its address."""

import os
import queue
import socket
import threading

import pytest

import osbrain
from osbrain._events import AgentEvent
from osbrain._pids import started
from osbrain._remote.errors import AgentGone
from osbrain._remote.events import EventLog
from osbrain._remote.status import AgentStatus
from osbrain._remote.watching import Watch

LIMIT = 5


def record(name='a0', uri=None, **fields):
    fields = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname(), **fields}
    return AgentStatus(name, uri or f'PYRO:{name}@127.0.0.1:1000', **fields)


class Heard:
    """The callback of a watch, and what it was called with."""

    def __init__(self):
        self.events = queue.Queue()

    def __call__(self, event):
        self.events.put(event)

    def next(self):
        event = self.events.get(timeout=LIMIT)
        return event.kind, event.name, event.reason


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def watch(place, heard):
    place.directory.enroll(record('before'))
    with Watch(place.address, heard) as made:
        yield made


def test_what_happens_from_now_on_is_told_in_order(place, watch, heard):
    assert watch.present == {'before'}
    place.directory.enroll(record(state='running'))
    place.directory.remove_at('a0', record().uri, 'it was killed')
    place.directory.remove('before')
    assert heard.next() == ('birth', 'a0', None)
    assert heard.next() == ('running', 'a0', None)
    assert heard.next() == ('death', 'a0', 'it was killed')
    assert heard.next() == ('death', 'before', 'its name was removed')


def test_many_events_come_each_once(place, watch, heard):
    for number in range(500):
        place.directory.enroll(record(f'a{number}', f'PYRO:{number}@127.0.0.1:1000'))
    assert [heard.next()[1] for _ in range(500)] == [f'a{number}' for number in range(500)]
    assert heard.events.empty()


def test_nothing_is_told_after_the_stop(place, heard):
    watch = Watch(place.address, heard)
    watch.stop()
    watch.stop()
    place.directory.enroll(record())
    assert not watch._thread.is_alive()
    assert heard.events.empty()


def test_a_callback_may_stop_its_own_watch(place):
    done = threading.Event()

    def callback(event):
        watch.stop()
        done.set()

    watch = Watch(place.address, callback)
    place.directory.enroll(record())
    assert done.wait(LIMIT)
    watch._thread.join(LIMIT)
    assert not watch._thread.is_alive()


def test_a_callback_that_fails_is_printed_and_the_next_event_is_told(place, heard, capfd):
    def callback(event):
        heard(event)
        if event.name == 'bad':
            raise ZeroDivisionError('on purpose')

    with Watch(place.address, callback):
        for name in ('bad', 'good'):
            place.directory.enroll(record(name))
            assert heard.next()[1] == name
        # What fails is printed before the next event is told.
        assert 'ZeroDivisionError: on purpose' in capfd.readouterr().err


def test_nobody_to_watch_is_an_error_at_once(place):
    address = place.address
    place.end([])
    with pytest.raises(AgentGone, match='the name server at'):
        Watch(address, print)


def test_who_was_told_too_little_finds_out(place, heard):
    """While the callback was busy, more happened than the log keeps."""
    place.directory._log = EventLog(kept=2)
    place.directory.enroll(record('dies'))
    entered, leave = threading.Semaphore(0), threading.Event()

    def callback(event):
        heard(event)
        entered.release()
        leave.wait(LIMIT)

    with Watch(place.address, callback):
        place.directory.enroll(record('first'))
        assert entered.acquire(timeout=LIMIT)
        place.directory.remove_at('dies', record('dies').uri, 'why')
        for number in range(4):
            place.directory.enroll(record(f'a{number}', f'PYRO:{number}@127.0.0.1:1000'))
        place.directory.remove('a3')
        leave.set()
        told = [heard.next() for _ in range(5)]
    assert told[:2] == [('birth', 'first', None), ('death', 'dies', 'why')]
    assert told[2:] == [('birth', f'a{number}', None) for number in range(3)]


def again(place, watch):
    """End the name server, and start the next one."""
    place.end([watch._line._connection_in_use])
    return place.start()


def test_it_goes_on_with_the_next_name_server(place, watch, heard):
    directory = again(place, watch)
    directory.enroll(record('before'))
    directory.enroll(record('new'))
    assert heard.next() == ('birth', 'new', None)
    directory.remove_at('before', record('before').uri, 'it was killed')
    assert heard.next() == ('death', 'before', 'it was killed')
    assert heard.events.empty()


def test_who_does_not_come_back_to_the_next_name_server_is_dead_after_a_lease(place, heard, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'LEASE', 0.2)
    for name in ('stays', 'goes'):
        place.directory.enroll(record(name))
    with Watch(place.address, heard) as watch:
        again(place, watch).enroll(record('stays'))
        assert heard.next() == ('death', 'goes', 'it did not come back when the name server did')
    assert heard.events.empty()


def test_what_the_next_name_server_knows_of_a_death_is_told(place, watch, heard):
    place.end([watch._line._connection_in_use])
    directory = place.make()
    directory.enroll(record('before'))
    directory.remove_at('before', record('before').uri, 'killed by SIGKILL')
    place.serve()
    assert heard.next() == ('death', 'before', 'killed by SIGKILL')


def test_another_agent_of_the_same_name_at_the_next_name_server_is_another_one(place, watch, heard):
    place.end([watch._line._connection_in_use])
    place.make().enroll(record('before', 'PYRO:other@127.0.0.1:7'))
    place.serve()
    assert [heard.next()[:2] for _ in range(2)] == [('death', 'before'), ('birth', 'before')]


def test_a_name_server_that_ends_is_not_asked_again_and_again(place, watch):
    place.directory.end_watching()
    asked = []
    events = place.directory.events
    place.directory.events = lambda *args: asked.append(args) or events(*args)
    pause = threading.Event()
    pause.wait(0.3)
    assert len(asked) < 20


def test_an_event_is_a_value():
    assert AgentEvent(1, 'birth', 'a') == AgentEvent(1, 'birth', 'a')
    assert hash(AgentEvent(1, 'birth', 'a')) == hash(AgentEvent(1, 'birth', 'a'))
