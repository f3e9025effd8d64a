"""Calls to an agent that has died: how it died is told, and the next of its name is found."""

import os
import socket
import threading

import pytest

from osbrain._pids import started
from osbrain._remote.agent_link import AgentLink
from osbrain._remote.daemon import Daemon
from osbrain._remote.errors import AgentGone
from osbrain._remote.servant import Servant
from osbrain._remote.status import AgentStatus

LIMIT = 5


class Target:
    """What is served in place of an agent."""

    name = 'a0'

    def __init__(self, answer):
        self.answer = answer
        self.calls = 0
        self.entered = threading.Semaphore(0)
        self.released = threading.Event()

    def ask(self):
        self.calls += 1
        return self.answer

    def wait(self):
        self.entered.release()
        return self.released.wait(LIMIT)


class World:
    """A name server, and agents of one name, one after the other."""

    def __init__(self, place, serve):
        self.place, self._serve = place, serve

    def born(self, answer):
        self.target = Target(answer)
        self.daemon, link = self._serve(self.target)
        self.uri = link.uri
        me = os.getpid()
        self.place.directory.enroll(
            AgentStatus('a0', self.uri, pid=me, pid_started=started(me), host=socket.gethostname())
        )
        return AgentLink('a0', self.uri, self.place.address)

    def dies(self, link, how='killed by SIGKILL'):
        """End as a process does, and be noticed."""
        server = self.daemon.transportServer
        server.housekeeper.stop.set()
        server.shutting_down = True
        address = server.sock.getsockname()
        socket.create_connection(address, LIMIT).close()
        self.daemon.close_listener()
        for connection in link._idle:
            connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
        if how:
            self.place.directory.remove_at('a0', self.uri, how)


@pytest.fixture
def world(place, serve):
    yield World(place, serve)
    place.end([])


def ask(link, name='ask'):
    return link.call('unsafe', name, (), {}, timeout=LIMIT)


def test_a_call_to_one_that_has_died_says_when_and_how(world):
    link = world.born(1)
    assert ask(link) == 1
    world.dies(link)
    for _ in range(2):
        with pytest.raises(AgentGone, match=r"agent 'a0' cannot be reached: it died at \d.*: killed by SIGKILL$"):
            ask(link)


def test_the_next_of_the_name_is_found_and_the_call_is_made_there(world):
    link = world.born(1)
    link.methods = frozenset({'ask'})
    assert ask(link) == 1
    world.dies(link)
    other = world.born(2)
    assert ask(link) == 2
    assert link.uri == other.uri and link.methods == frozenset()
    assert world.target.calls == 1
    other.release()
    link.release()


def test_a_call_that_was_under_way_is_not_repeated_and_the_next_one_finds_the_next(world):
    link = world.born(1)
    target, failed = world.target, []

    def call():
        with pytest.raises(AgentGone, match=r'killed by SIGKILL.*not repeated') as caught:
            ask(link, 'wait')
        failed.append(caught.value.under_way)

    ask(link)
    (connection,) = link._idle
    caller = threading.Thread(target=call)
    caller.start()
    assert target.entered.acquire(timeout=LIMIT)
    world.dies(link)
    world.born(2)
    connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
    caller.join(LIMIT)
    target.released.set()
    assert failed == [True]
    assert world.target.calls == 0
    assert ask(link) == 2
    link.release()


def test_a_death_that_the_name_server_has_yet_to_see_is_waited_for(world):
    link = world.born(1)
    world.dies(link, how=None)
    seen = threading.Timer(0.05, world.place.directory.remove_at, ('a0', world.uri, 'exit code 3'))
    seen.start()
    with pytest.raises(AgentGone, match='exit code 3'):
        ask(link)
    seen.join()


def test_without_the_name_server_the_error_is_what_is_known_here(world):
    link = world.born(1)
    world.dies(link)
    world.place.end([])
    with pytest.raises(AgentGone, match='cannot be reached: cannot connect'):
        ask(link)


def test_one_that_cannot_be_reached_but_is_not_known_to_have_died_is_just_that(world):
    link = world.born(1)
    world.dies(link, how=None)
    with pytest.raises(AgentGone, match='cannot be reached: cannot connect'):
        ask(link)


def test_views_of_one_link_from_many_threads_find_the_next_one(world):
    link = world.born(1)
    world.dies(link)
    world.born(2)
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(ask(link))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(LIMIT)
    assert answers == [2] * 8
    link.release()


def test_another_agent_at_the_same_port_is_not_taken_for_this_one(world):
    link = world.born(1)
    daemon = Daemon('127.0.0.1')
    daemon.register(Servant(Target(3)), 'other')
    daemon.start()
    world.dies(link)
    link.uri = f'PYRO:target@{daemon.uri("other").rpartition("@")[2]}'
    world.place.directory.enroll(AgentStatus('a0', link.uri))
    world.place.directory.remove_at('a0', link.uri, 'exit code 3')
    try:
        with pytest.raises(AgentGone, match=r'exit code 3$') as caught:
            ask(link)
        assert not caught.value.under_way
    finally:
        link.release()
        server = daemon.transportServer
        server.housekeeper.stop.set()
        server.shutting_down = True
        socket.create_connection(server.sock.getsockname(), LIMIT).close()
        daemon.close_listener()
