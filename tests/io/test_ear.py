"""The listening end of a tap: it subscribes, takes what has arrived, and says how much it has dealt with."""

import signal

import pytest
import zmq

from osbrain._clock import Deadline
from osbrain._io import ear as ear_module
from osbrain._io.connections import notice_dead_hosts
from osbrain._io.ear import Ear
from osbrain._io.poller import wait_readable
from osbrain._io.wire import XPUB
from osbrain._protocol.tap_frames import taken
from osbrain._protocol.topics import SUBSCRIBED, UNSUBSCRIBED

LIMIT = 5


@pytest.fixture
def tap(new_wire, places):
    wire = new_wire(XPUB, hwm=0)
    notice_dead_hosts(wire)
    wire.bind(*places['tcp'])
    return wire


@pytest.fixture
def ear(context, tap):
    made = Ear(context, tap.endpoint, None)
    assert tap.receive_one(LIMIT) == SUBSCRIBED
    yield made
    made.close()


def take(ear, count):
    found, deadline = [], Deadline(LIMIT)
    while len(found) < count and not deadline.expired:
        found += ear.take(count - len(found))
        if len(found) < count:
            wait_readable([ear.fd], deadline.left)
    return found


def test_it_takes_messages_in_their_parts_and_no_more_than_it_is_asked_for(tap, ear):
    tap.send(b'one')
    tap.send([b'two', b'parts' * 10_000])
    tap.send(b'three')
    assert take(ear, 2) == [[b'one'], [b'two', b'parts' * 10_000]]
    assert take(ear, 1) == [[b'three']]
    assert ear.take(10) == []


@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='no timers that send signals')
@pytest.mark.usefixtures('tap')
def test_no_ctrl_c_is_lost_while_nothing_arrives(ear):
    class Interrupted(BaseException):
        pass

    raised = []

    def interrupt(*_):
        raised.append(True)
        raise Interrupted

    # A function of its own: where a while loop ends a try block, Python 3.13 does not guard the jump to its beginning.
    def listen(known):
        while len(raised) == known:
            assert ear.take(1) == []

    before = signal.signal(signal.SIGALRM, interrupt)
    caught = 0
    try:
        while len(raised) < 300:
            known = len(raised)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0003)
                listen(known)
            except Interrupted:
                caught += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught == 300


def test_it_says_what_it_has_dealt_with_now_and_then(tap, ear, monkeypatch):
    monkeypatch.setattr(ear_module, 'SETTLED_COPIES', 3)
    monkeypatch.setattr(ear_module, 'SETTLED_BYTES', 1000)
    for size in (10, 20, 30, 400, 700):
        ear.settle(size)
    assert tap.receive_one(LIMIT) == taken(3, 60)
    assert tap.receive_one(LIMIT) == taken(2, 1100)


def test_where_nobody_is_there_any_more_nothing_fails(tap, ear, monkeypatch):
    monkeypatch.setattr(ear_module, 'SETTLED_COPIES', 1)
    tap.close(0)
    for _ in range(100):
        ear.settle(1)


def test_its_end_is_told(tap, ear):
    ear.close()
    assert tap.receive_one(LIMIT) == UNSUBSCRIBED


def test_an_address_that_is_none_leaves_no_socket(context):
    with pytest.raises(zmq.ZMQError, match='argument'):
        Ear(context, 'nonsense', None)
