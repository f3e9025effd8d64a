"""A link to an object that a thread of this process serves: answers, errors, time-outs, and ends of the other side."""

import os
import socket
import threading
from types import SimpleNamespace

import Pyro4.errors
import pytest

import osbrain
from osbrain._io.poller import wait_hung_up
from osbrain._remote import link as module
from osbrain._remote.daemon import Daemon
from osbrain._remote.errors import AgentGone, NotAnswering
from osbrain._remote.link import Link
from osbrain._remote.packing import outcome
from osbrain.errors import MessageUndecodable, UnknownMethod, Unpicklable
from tests.ports import free_port

LIMIT = 5


class Target:
    """What is served."""

    name = 'target'

    def __init__(self):
        self.calls = []
        self.released = threading.Event()
        self.entered = threading.Semaphore(0)

    def add(self, one, other=0):
        self.calls.append((one, other))
        return one + other

    def fail(self):
        raise LookupError('why')

    def lock(self):
        return threading.Lock()

    def wait(self):
        self.entered.release()
        return self.released.wait(LIMIT)


@pytest.fixture
def target():
    made = Target()
    yield made
    made.released.set()


@pytest.fixture
def served(serve, target):
    return serve(target)


@pytest.fixture
def link(served):
    return served[1]


def test_a_call_gives_its_answer(link):
    assert link.call('unsafe', 'add', (1,), {'other': 2}) == 3


def test_functions_travel_with_a_call(link, target):
    offset = 3
    target.apply = lambda function: function(1)
    assert link.call('unsafe', 'apply', (lambda number: number + offset,), {}) == 4


def test_what_is_raised_there_is_raised_here_and_the_link_goes_on(link):
    with pytest.raises(LookupError, match='why'):
        link.call('unsafe', 'fail', (), {})
    with pytest.raises(UnknownMethod, match=r"'target'.*'typo'"):
        link.call('unsafe', 'typo', (), {})
    with pytest.raises(TypeError):
        link.call('unsafe', 'add', (), {})
    with pytest.raises(UnknownMethod):
        link.call('typo')
    assert link.call('unsafe', 'add', (1,), {}) == 1


def test_an_argument_that_cannot_travel_is_an_error_here_and_nothing_is_called(link, target):
    with pytest.raises(Unpicklable, match='argument'):
        link.call('unsafe', 'add', (threading.Lock(),), {})
    assert target.calls == []
    assert link._idle == []


def test_a_result_that_cannot_travel_is_an_error_here_and_hangs_nobody(link):
    with pytest.raises(Unpicklable, match='result'):
        link.call('unsafe', 'lock', (), {}, timeout=LIMIT)
    assert link.call('unsafe', 'add', (1,), {}) == 1


def test_bytes_that_are_no_request_are_an_error_of_the_caller(link):
    with pytest.raises(MessageUndecodable):
        outcome(link._invoke(b'garbage', 0, LIMIT))


def test_a_connection_is_used_again(link):
    for _ in range(3):
        link.call('unsafe', 'add', (1,), {})
    assert len(link._idle) == 1


def test_calls_of_several_threads_run_at_the_same_time(link, target):
    threads = [threading.Thread(target=link.call, args=('unsafe', 'wait', (), {})) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert target.entered.acquire(timeout=LIMIT)
    target.released.set()
    for thread in threads:
        thread.join(LIMIT)
    assert len(link._idle) == 4


def test_a_call_that_is_not_answered_in_time_is_an_error_and_its_late_answer_is_nobody_else_s(link, target):
    with pytest.raises(NotAnswering, match=r'the other end did not answer within 0\.05 s') as caught:
        link.call('unsafe', 'wait', (), {}, timeout=0.05)
    assert isinstance(caught.value, (TimeoutError, Pyro4.errors.TimeoutError))
    target.released.set()
    assert link.call('unsafe', 'add', (1,), {}, timeout=LIMIT) == 1


def test_a_time_out_counts_for_one_call_only(link, target):
    link.call('unsafe', 'add', (1,), {}, timeout=1.0)
    waiting = threading.Thread(target=link.call, args=('unsafe', 'wait', (), {}))
    waiting.start()
    assert target.entered.acquire(timeout=LIMIT)
    waiting.join(1.5)
    assert waiting.is_alive()
    target.released.set()
    waiting.join(LIMIT)


def test_telling_does_not_wait_for_an_answer(link, target):
    assert link.tell('unsafe', 'wait', (), {}) is None
    assert target.entered.acquire(timeout=LIMIT)


def test_telling_what_fails_tells_nobody(link):
    link.tell('unsafe', 'fail', (), {})
    link.tell('typo')
    assert link.call('unsafe', 'add', (1,), {}) == 1


def test_nobody_at_the_other_end_is_an_error_that_says_who():
    link = Link(f'PYRO:target@127.0.0.1:{free_port()}', "agent 'a0'")
    with pytest.raises(AgentGone, match="agent 'a0' cannot be reached") as caught:
        link.call('unsafe', 'add', (1,), {}, timeout=LIMIT)
    assert isinstance(caught.value, Pyro4.errors.ConnectionClosedError)


def test_an_object_that_is_no_longer_served_is_gone(served):
    daemon, link = served
    daemon.unregister('target')
    with pytest.raises(AgentGone, match='unknown object'):
        link.call('unsafe', 'add', (1,), {})


def test_a_connection_that_the_other_end_has_closed_is_dropped(link):
    link.call('unsafe', 'add', (1,), {})
    (connection,) = link._idle
    connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
    assert link.call('unsafe', 'add', (1,), {}) == 1
    assert all(other is not connection for other in link._idle)


def test_a_call_that_breaks_off_says_that_it_was_under_way_and_one_that_never_began_says_that_it_was_not(link, target):
    failed = []

    def call():
        with pytest.raises(AgentGone, match='whether the call was carried out is not known') as caught:
            link.call('unsafe', 'wait', (), {})
        failed.append(caught.value.under_way)

    connection = link._connection()
    connection.open('the other end')
    link._idle.append(connection)
    caller = threading.Thread(target=call)
    caller.start()
    assert target.entered.acquire(timeout=LIMIT)
    connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
    caller.join(LIMIT)
    assert failed == [True]
    with pytest.raises(AgentGone) as caught:
        Link('PYRO:target@127.0.0.1:1', 'nobody').call('unsafe', 'add', (1,), {}, timeout=LIMIT)
    assert not caught.value.under_way


def test_a_descriptor_of_an_idle_connection_hangs_up_when_the_other_end_is_gone(link):
    assert link.idle_descriptor() is None
    link.call('unsafe', 'add', (1,), {})
    fd = link.idle_descriptor()
    try:
        assert wait_hung_up([fd], 0) == []
        link._idle[-1]._pyroConnection.sock.shutdown(socket.SHUT_RDWR)
        assert wait_hung_up([fd], LIMIT) == [fd]
    finally:
        os.close(fd)


def test_a_released_link_connects_again(link):
    link.call('unsafe', 'add', (1,), {})
    link.release()
    assert link._idle == []
    link.release()
    assert link.call('unsafe', 'add', (1,), {}) == 1


def test_a_forked_child_keeps_its_parent_s_connections_open_and_uses_none_of_them(link):
    link.call('unsafe', 'add', (1,), {})
    (connection,) = link._idle
    try:
        module._abandon()
        assert link._idle == []
        assert connection in module._inherited
        assert link.call('unsafe', 'add', (2,), {}) == 2
    finally:
        module._inherited.remove(connection)
        connection._pyroRelease()


# -- The daemon -----------------------------------------------------------------------------------------------------


def test_more_connections_than_allowed_are_refused_and_more_may_be_allowed(link, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'MAX_CONNECTIONS', 1)
    link.call('unsafe', 'add', (1,), {})
    second = Link(link.uri, 'the same')
    with pytest.raises(AgentGone, match='no free workers'):
        second.call('unsafe', 'add', (1,), {}, timeout=LIMIT)
    monkeypatch.setitem(osbrain.config, 'MAX_CONNECTIONS', 2)
    assert second.call('unsafe', 'add', (1,), {}, timeout=LIMIT) == 1
    second.release()


def test_a_daemon_serves_more_connections_than_pyro_s_pool(served):
    daemon, link = served
    links = [Link(link.uri, 'the same') for _ in range(40)]
    for one in links:
        assert one.call('unsafe', 'add', (1,), {}, timeout=LIMIT) == 1
    assert daemon.transportServer.pool.num_workers() == 40
    for one in links:
        one.release()


def test_the_daemon_knows_which_calls_it_has_not_answered(served, target):
    daemon, link = served
    assert daemon.wait_answered(0)
    caller = threading.Thread(target=link.call, args=('unsafe', 'wait', (), {}))
    caller.start()
    assert target.entered.acquire(timeout=LIMIT)
    assert not daemon.wait_answered(0.01)
    target.released.set()
    assert daemon.wait_answered(LIMIT)
    caller.join(LIMIT)


def test_one_way_calls_owe_no_answer(served, target):
    daemon, link = served
    link.tell('unsafe', 'wait', (), {})
    assert target.entered.acquire(timeout=LIMIT)
    assert daemon.wait_answered(0)


def test_a_listener_that_closes_as_somebody_connects_ends_the_daemon_s_loop_quietly(monkeypatch):
    daemon = Daemon('127.0.0.1')
    server = daemon.transportServer
    server.housekeeper.stop.set()

    def select(timeout):
        daemon.close_listener()
        return ['somebody connects']

    monkeypatch.setattr(server, '_selector', SimpleNamespace(select=select))
    server.loop()
    assert server.shutting_down


def test_the_port_of_a_closed_listener_is_free(served):
    daemon, link = served
    link.call('unsafe', 'add', (1,), {})
    address = daemon.transportServer.sock.getsockname()
    link.release()
    daemon.close_listener()
    daemon.close_listener()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(address)
        other.listen()


def test_a_daemon_can_be_reached_by_the_address_that_it_advertises():
    daemon = Daemon('127.0.0.1', advertise='192.0.2.1')
    try:
        assert daemon.uri('target').startswith('PYRO:target@192.0.2.1:')
    finally:
        daemon.transportServer.housekeeper.stop.set()
        daemon.close_listener()
