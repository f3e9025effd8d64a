"""What a wire says of its messages: there is news, batches are among them, the loop has to look again."""

import contextlib
import threading
import time

import numpy as np
import pytest
import zmq

from osbrain._io.poller import wait_readable
from osbrain._io.wire import DEALER, ROUTER, XPUB
from osbrain._protocol.batches import written
from osbrain._protocol.serializers import BATCH, CODECS, MORE_FRAMES, OURS
from osbrain.errors import WaitTimeout

LIMIT = 5  # seconds for what takes milliseconds
TRANSPORTS = ['inproc', 'ipc', 'tcp']


@pytest.fixture
def watched(pair):
    """A pair whose bound end is watched, and the list of times that it asked to be looked at again."""

    def one(server, client, transport='inproc'):
        touched = []
        bound, connected = pair(server, client, transport, touched=touched.append)
        bound.watched = True
        return bound, connected, touched

    return one


def arrived(wire):
    """Wait until something is there, and give the wire back."""
    while not wire.has_news():
        assert wait_readable([wire.fd], LIMIT)
    return wire


# -- News -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_there_is_news_from_the_first_message_until_the_last_is_taken(pair, transport):
    pull, push = pair(zmq.PULL, zmq.PUSH, transport)
    assert not pull.has_news()
    for frame in (b'1', b'2'):
        push.send(frame)
    assert arrived(pull).has_news()
    assert [pull.receive_one(LIMIT), arrived(pull).take(1)[0]] == [b'1', [b'2']]
    assert not pull.has_news()
    push.send(b'3')
    assert arrived(pull).take(10) == ([b'3'], False)


def test_what_was_put_back_is_news(pair):
    pull, _ = pair(zmq.PULL, zmq.PUSH)
    pull.put_back([b'1'])
    assert pull.has_news()
    pull.take(1)
    assert not pull.has_news()


def test_a_closed_wire_has_no_news_whatever_it_had(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    push.send(b'1')
    pull.put_back([b'0'])
    pull.close(0)
    assert not pull.has_news()
    assert pull.take(10) == ([], False)


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_after_a_look_without_news_the_descriptor_tells_of_the_next_message(pair, transport):
    pull, push = pair(zmq.PULL, zmq.PUSH, transport)
    for number in range(50):
        assert not pull.has_news()
        push.send(b'%d' % number)
        assert wait_readable([pull.fd], LIMIT) == [pull.fd]
        assert arrived(pull).take(10) == ([b'%d' % number], False)


def test_threads_that_look_and_send_and_take_lose_nothing(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH, 'ipc')
    sender = threading.Thread(target=lambda: [push.send(b'%d' % number) for number in range(2000)])
    looker = threading.Thread(target=lambda: [pull.has_news() for _ in range(2000)])
    for thread in (sender, looker):
        thread.start()
    taken = []
    while len(taken) < 2000:
        taken += pull.take(64)[0] or [pull.receive_one(LIMIT)]
    for thread in (sender, looker):
        thread.join(LIMIT)
    assert taken == [b'%d' % number for number in range(2000)]


# -- Batches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('take', [lambda wire: wire.take(10)[0], lambda wire: [wire.receive_one(LIMIT)]])
@pytest.mark.parametrize('transport', TRANSPORTS)
def test_a_batch_arrives_as_it_was_written_and_is_announced(pair, transport, take):
    pull, push = pair(zmq.PULL, zmq.PUSH, transport)
    ((_, batch),) = written(CODECS['pickle'], [1, 2, 3])
    push.send(batch)
    assert take(arrived(pull)) == [batch]
    assert pull.batches


def test_a_batch_anywhere_among_messages_is_announced_until_somebody_has_seen_it(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    for frame in (b'1', BATCH, b'2'):
        push.send(frame)
    assert pull.take(1) == ([b'1'], True)
    assert not pull.batches
    # A batch may be many messages: it ends the turn.
    assert pull.take(10) == ([BATCH], True)
    assert pull.batches
    pull.batches = False
    assert pull.take(10) == ([b'2'], False)
    assert not pull.batches


@pytest.mark.parametrize('frames', [b'', b'.', b'osbrai', [b'x' + MORE_FRAMES, b'buffer'], [b'x' + MORE_FRAMES, BATCH]])
def test_other_messages_are_not_announced(pair, frames):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    push.send(frames)
    assert pull.take(10) == ([frames], isinstance(frames, list))
    assert not pull.batches


@pytest.mark.parametrize('frame', [OURS, b'x' + MORE_FRAMES], ids=repr)
def test_a_single_frame_that_only_looks_like_more_is_a_message(pair, frame):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    push.send(frame)
    push.send(b'next')
    assert pull.take(10) == ([frame, b'next'], False)


def test_a_batch_of_requests_is_announced_with_its_sender_in_front(pair):
    router, dealer = pair(ROUTER, DEALER)
    dealer.send(b'single')
    assert router.receive_one(LIMIT)[1] == b'single'
    assert not router.batches
    dealer.send(b'batch' + BATCH)
    ((_, frame),) = router.take(10)[0]
    assert (frame, router.batches) == (b'batch' + BATCH, True)
    router.batches = False
    dealer.send([b'large' + MORE_FRAMES, b'buffer' + BATCH])
    assert len(router.receive_one(LIMIT)) == 3
    assert not router.batches


def test_a_large_message_ends_what_is_taken_at_once(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    large = CODECS['pickle'].dump(np.arange(100_000))
    for frames in (b'1', large, b'2', large):
        push.send(frames)
    taken = []
    while True:
        messages, more = pull.take(10)
        taken.append([type(one) for one in messages])
        if not more:
            break
    assert taken == [[bytes, list], [bytes, list], []]


def test_a_pusher_that_keeps_the_newest_has_the_newest_for_whoever_comes(new_wire, places):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH, conflate=True)
    push.bind(*places['ipc'])
    pull.connect(places['ipc'][0])
    push.send(b'first')
    assert pull.receive_one(LIMIT) == b'first'
    # While nobody takes them, later messages replace those that still wait: the last one always arrives.
    for number in range(5000):
        push.send(b'%d' % number)
    received = [pull.receive_one(LIMIT)]
    while received[-1] != b'4999':
        received.append(pull.receive_one(LIMIT))
    assert received == sorted(received, key=int)
    assert not pull.has_news()


# -- Looking again --------------------------------------------------------------------------------------------------


def test_receiving_one_message_has_the_loop_look_for_the_others(watched):
    pull, push, touched = watched(zmq.PULL, zmq.PUSH)
    push.send(b'1')
    push.send(b'2')
    assert pull.receive_one(LIMIT) == b'1'
    assert touched == [pull]


def test_putting_back_has_the_loop_look(watched):
    pull, _, touched = watched(zmq.PULL, zmq.PUSH)
    pull.put_back([b'1'])
    assert touched == [pull]


def test_what_the_loop_does_itself_tells_it_nothing(watched):
    pull, push, touched = watched(zmq.PULL, zmq.PUSH)
    push.send(b'1')
    pull.has_news()
    pull.take(10)
    assert touched == []


def test_a_wire_that_is_to_be_looked_at_already_does_not_ask_again(watched):
    router, dealer, touched = watched(ROUTER, DEALER)
    dealer.send(b'x')
    identity, _ = router.receive_one(LIMIT)
    touched.clear()
    router.marked = True
    router.send([identity, b'y'])
    router.put_back([b'z'])
    assert touched == []
    router.marked = False
    router.send([identity, b'y'])
    assert touched == [router]


# -- Who waits for an answer does without the first look ------------------------------------------------------------


@pytest.mark.parametrize('large', [False, True])
@pytest.mark.parametrize('transport', TRANSPORTS)
def test_the_descriptor_tells_of_every_answer_however_early_it_came(pair, transport, large):
    rep, req = pair(zmq.REP, zmq.REQ, transport)
    for number in range(50):
        request = [b'%d' % number + MORE_FRAMES, bytes(10_000)] if large else b'%d' % number
        req.send(request)
        rep.receive_one(LIMIT)
        rep.send(b'to %d' % number)
        assert wait_readable([req.fd], LIMIT) == [req.fd]
        assert req.receive_one(LIMIT) == b'to %d' % number


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_an_answer_to_a_relaxed_request_is_told_too_whatever_came_late(pair, transport):
    rep, req = pair(zmq.REP, zmq.REQ, transport)
    for number in range(20):
        req.send(b'early')
        assert rep.receive_one(LIMIT) == b'early'
        with pytest.raises(WaitTimeout):
            req.receive_one(0)
        req.relax()
        if number % 2:
            rep.send(b'late')
            assert wait_readable([req.fd], LIMIT) == [req.fd]
            req.send(b'again')
        else:
            req.send(b'again')
            rep.send(b'late')
        assert rep.receive_one(LIMIT) == b'again'
        rep.send(b'to again')
        assert req.receive_one(LIMIT) == b'to again'


def received_without_time(req, timeout):
    """Receive what arrives soon, always with no time to wait for it."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        # The descriptor tells of other things too: that the connection stands, for one.
        assert wait_readable([req.fd], LIMIT) == [req.fd]
        with contextlib.suppress(WaitTimeout):
            return req.receive_one(timeout)
    pytest.fail('it is there and is not received')


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('timeout', [0, 1e-9])
def test_an_answer_that_is_there_is_received_without_time(pair, transport, timeout):
    rep, req = pair(zmq.REP, zmq.REQ, transport)
    for _ in range(20):
        req.send(b'question')
        rep.receive_one(LIMIT)
        rep.send(b'answer')
        assert received_without_time(req, timeout) == b'answer'


def test_a_message_that_is_there_is_received_without_time(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    push.send(b'x')
    assert pull.receive_one(0) == b'x'


def test_an_answer_from_a_replier_that_comes_later_ends_the_wait(new_wire, places):
    rep, req = new_wire(zmq.REP), new_wire(zmq.REQ)
    req.connect(places['ipc'][0])
    req.send(b'question')

    def answer():
        rep.bind(*places['ipc'])
        rep.receive_one(LIMIT)
        rep.send(b'answer')

    replier = threading.Thread(target=answer)
    replier.start()
    assert req.receive_one(LIMIT) == b'answer'
    replier.join(LIMIT)


# -- Publishers see every subscription ------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_a_publisher_is_told_of_each_subscription_and_of_each_that_ends(new_wire, places, transport):
    pub = new_wire(XPUB)
    endpoint = pub.bind(*places[transport])
    subscribers = [new_wire(zmq.SUB) for _ in range(3)]
    for sub in subscribers:
        sub.subscribe(b'a')
        sub.connect(endpoint)
        assert pub.receive_one(LIMIT) == b'\x01a'
    for sub in subscribers[:2]:
        sub.unsubscribe(b'a')
        assert pub.receive_one(LIMIT) == b'\x00a'
    subscribers[2].close(0)
    assert pub.receive_one(LIMIT) == b'\x00a'
    with pytest.raises(WaitTimeout):
        pub.receive_one(0)


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_a_subscriber_that_closes_ends_all_its_subscriptions(pair, transport):
    pub, sub = pair(XPUB, zmq.SUB, transport)
    topics = [b'', b'a', b'ab', b'\xff']
    for topic in topics:
        sub.subscribe(topic)
    assert sorted(pub.receive_one(LIMIT) for _ in topics) == [b'\x01' + topic for topic in topics]
    sub.close(0)
    assert sorted(pub.receive_one(LIMIT) for _ in topics) == [b'\x00' + topic for topic in topics]


# -- Where publications are dropped -------------------------------------------------------------------------------


def everything(wire):
    """What is there to be taken, one message after the other, until nothing comes."""
    taken = []
    with contextlib.suppress(WaitTimeout):
        while True:
            taken.append(wire.receive_one(0.05))
    return taken


@pytest.fixture
def publisher(new_wire, places):
    """A publisher with room for few messages, a subscriber with little room and one with much."""
    pub = new_wire(XPUB, hwm=3)
    endpoint = pub.bind(*places['inproc'])
    subscribers = [new_wire(zmq.SUB, hwm=hwm) for hwm in (3, 1000)]
    for sub in subscribers:
        sub.connect(endpoint)
        sub.subscribe(b'')
        assert pub.receive_one(LIMIT) == b'\x01'
    return pub, *subscribers


@pytest.mark.parametrize('large', [False, True])
def test_a_publisher_counts_that_a_queue_ran_full_and_those_with_room_get_everything(publisher, large):
    pub, narrow, wide = publisher
    sent = [[b'head' + MORE_FRAMES, b'%d' % number] if large else b'%d' % number for number in range(20)]
    for message in sent:
        pub.send(message)
    got = [one if type(one) is bytes else [one[0], bytes(one[1])] for one in everything(wide)]
    assert got == sent
    assert pub.overflows == 1
    assert len(everything(narrow)) == 6


def test_a_queue_that_was_emptied_can_run_full_again(publisher):
    pub, narrow, _ = publisher
    for round_ in (1, 2):
        for _ in range(8):
            pub.send(b'x')
        assert pub.overflows == round_
        assert everything(narrow) == [b'x'] * 6
        assert not pub.has_news()  # takes in what has been read meanwhile


def test_what_nobody_subscribed_to_fills_no_queue(new_wire, places):
    pub = new_wire(XPUB, hwm=1)
    pub.bind(*places['inproc'])
    for _ in range(5):
        pub.send(b'x')
    assert pub.overflows == 0
