"""The sockets of an agent: where they are made, and that they are given back however the agent ends."""

import gc
import weakref

import pytest
import zmq

from osbrain._agent.wires import Wires
from osbrain._io.wire import XPUB

LIMIT = 5


class Owner:
    """Somebody whose sockets they are."""


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
def wires(owner):
    made = Wires(owner, lambda wire: None, lambda: None)
    yield made
    for socket in list(made._sockets):
        socket.close(0)
    made.terminate(LIMIT)


def test_sockets_have_what_was_asked_for(wires):
    plain, marked, newest = wires.make(zmq.PULL), wires.make(zmq.PULL, 7), wires.make(zmq.PUSH, None, conflate=True)
    assert [wire.socket.RCVHWM for wire in (plain, marked)] == [1000, 7]
    assert [wire.socket.get(zmq.CONFLATE) for wire in (plain, newest)] == [0, 1]


def test_sockets_of_one_agent_find_each_other_inside_the_process(wires):
    pull, push = wires.make(zmq.PULL), wires.make(zmq.PUSH)
    push.connect(pull.bind('inproc://place'))
    push.send(b'x')
    assert pull.receive_one(LIMIT) == b'x'


def test_a_closed_socket_is_forgotten(wires):
    wire = wires.make(zmq.PULL)
    assert wires._sockets == {wire.socket}
    wire.close(0)
    assert wires._sockets == set()


def test_overflows_count_also_when_its_socket_is_closed(wires):
    first, second = wires.make(XPUB), wires.make(XPUB)
    first.overflows, second.overflows = 2, 3
    assert wires.overflows == 5
    first.close(0)
    assert wires.overflows == 5


def test_without_sockets_there_is_nothing_to_end(wires):
    wires.terminate(LIMIT)
    wires.wait_delivered(LIMIT)


def test_ending_waits_until_what_was_sent_is_delivered_and_can_be_asked_for_again(wires):
    wire = wires.make(zmq.PUSH)
    wire.connect('tcp://127.0.0.1:1')
    wire.send(b'to nobody')
    wire.close(20)
    wires.terminate(0)
    wires.terminate(0)
    wires.wait_delivered(LIMIT)
    assert not wires._ender.is_alive()


def test_sockets_of_an_owner_that_is_forgotten_are_closed():
    owner = Owner()
    wires = Wires(owner, lambda wire: None, lambda: None)
    socket = wires.make(zmq.PULL).socket
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
    assert socket.closed
