"""Onlookers see what goes through a wire, once, and cost nothing when they are gone."""

import pytest
import zmq

from osbrain._io.wire import DEALER, ROUTER
from osbrain.errors import WaitTimeout


class Onlooker:
    def __init__(self):
        self.seen = []
        self.ends = 0

    def saw(self, frames, outward):
        self.seen.append((frames, outward))

    def wire_closed(self):
        self.ends += 1


@pytest.fixture
def onlooker():
    return Onlooker()


def arrived(wire, count):
    """Take *count* messages."""
    return [wire.receive_one(5) for _ in range(count)]


def test_what_is_sent_is_seen_once_it_has_gone_out(pair, onlooker):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    push.show_to(onlooker)
    push.send(b'one')
    push.send([b'two', b'parts'])
    assert onlooker.seen == [(b'one', True), ([b'two', b'parts'], True)]
    assert arrived(pull, 1) == [b'one']


def test_what_cannot_be_sent_is_not_seen(new_wire, onlooker):
    push = new_wire(zmq.PUSH)
    push.show_to(onlooker)
    with pytest.raises(WaitTimeout):
        push.send(b'nobody is there', 0)
    assert onlooker.seen == []


def test_what_arrives_is_seen_when_it_is_taken(pair, onlooker):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    pull.show_to(onlooker)
    for number in range(3):
        push.send(b'%d' % number)
    assert arrived(pull, 1) == [b'0']
    taken = []
    while len(taken) < 2:
        taken += pull.take(10)[0]
    assert onlooker.seen == [(b'0', False), (b'1', False), (b'2', False)]


def test_what_was_put_back_is_not_seen_again(pair, onlooker):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    pull.show_to(onlooker)
    push.send(b'1')
    push.send(b'2')
    pull.put_back(arrived(pull, 1))
    assert arrived(pull, 1) == [b'1']
    pull.put_back([b'1'])
    taken = []
    while len(taken) < 2:
        taken += pull.take(10)[0]
    assert taken == [b'1', b'2']
    assert onlooker.seen == [(b'1', False), (b'2', False)]


def test_enveloped_messages_are_seen_with_their_envelopes(pair, onlooker):
    router, dealer = pair(ROUTER, DEALER)
    router.show_to(onlooker)
    dealer.send(b'hello')
    ((identity, word),) = arrived(router, 1)
    router.send([identity, word])
    assert onlooker.seen == [([identity, b'hello'], False), ([identity, b'hello'], True)]


def test_several_see_the_same_and_each_may_leave(pair, onlooker):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    other = Onlooker()
    push.show_to(onlooker, other)
    push.send(b'1')
    push.show_to(other)
    push.send(b'2')
    push.show_to()
    push.send(b'3')
    assert [len(one.seen) for one in (onlooker, other)] == [1, 2]
    assert arrived(pull, 3) == [b'1', b'2', b'3']


def test_nobody_is_asked_for_where_nobody_looks(new_wire, onlooker):
    wire = new_wire(zmq.PUSH)
    assert wire.attended is None
    wire.show_to(onlooker)
    assert wire.attended is not None
    wire.show_to()
    assert wire.attended is None
    wire.watched = True
    wire.show_to(onlooker)
    wire.watched = False
    assert wire.attended is not None and not wire.watched
    wire.show_to()
    assert wire.attended is None


def test_onlookers_are_told_that_a_wire_was_closed(new_wire, onlooker):
    wire = new_wire(zmq.PUSH)
    wire.show_to(onlooker)
    wire.close(0)
    wire.close(0)
    assert onlooker.ends == 1
