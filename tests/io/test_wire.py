"""Two wires of one process: what is sent arrives, no wait is without a limit, and a closed socket's address is free."""

import math
import threading
import time

import numpy as np
import pytest
import zmq

import osbrain
from osbrain._io.errors import OutOfTurn
from osbrain._io.poller import Bell
from osbrain._io.wire import DEALER, ROUTER, XPUB
from osbrain._protocol.serializers import CODECS, MORE_FRAMES
from osbrain.errors import CallerError, WaitTimeout
from tests.ports import free_port

LIMIT = 5  # seconds for what takes milliseconds
TRANSPORTS = ['inproc', 'ipc', 'tcp']


def collect(wire, number):
    """Take messages until *number* of them are there."""
    return [wire.receive_one(LIMIT) for _ in range(number)]


# -- What is sent arrives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_messages_arrive_complete_and_in_order(pair, transport):
    pull, push = pair(zmq.PULL, zmq.PUSH, transport)
    sent = [b'', b'\x00', b'x' * 4095, b'x' * 4096, *(b'%d' % number for number in range(100))]
    for frame in sent:
        push.send(frame)
    assert collect(pull, len(sent)) == sent


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_a_message_of_several_frames_arrives_as_one(pair, transport):
    pull, push = pair(zmq.PULL, zmq.PUSH, transport)
    push.send([b'first' + MORE_FRAMES, bytes(100_000), b'small'])
    push.send(b'next')
    first, large, small = pull.receive_one(LIMIT)
    assert (first, bytes(large), small) == (b'first' + MORE_FRAMES, bytes(100_000), b'small')
    assert pull.receive_one(LIMIT) == b'next'


@pytest.mark.parametrize('transport', TRANSPORTS)
def test_last_push(new_wire, places, transport):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    push.connect(pull.bind(*places[transport]))
    for number in range(500):
        push.send(b'%d' % number)
    push.close(LIMIT * 1000)
    assert collect(pull, 500) == [b'%d' % number for number in range(500)]


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_what_was_sent_before_anybody_listened_arrives_when_somebody_does(new_wire, places, transport):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    place = (f'tcp://127.0.0.1:{free_port()}', None, True) if transport == 'tcp' else places[transport]
    push.connect(place[0])
    push.send(b'early')
    pull.bind(*place)
    assert pull.receive_one(LIMIT) == b'early'


def test_an_array_arrives_out_of_band_and_can_be_written_to(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH, 'ipc')
    codec = CODECS['pickle']
    push.send(codec.dump(np.arange(100_000)))
    array = codec.load(pull.receive_one(LIMIT))
    assert array.sum() == sum(range(100_000))
    array[0] = 1
    assert array[0] == 1


def test_a_buffer_that_may_change_is_copied_when_it_is_sent(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    array = np.zeros(100_000)
    frames = CODECS['pickle'].dump(array)
    push.send(frames)
    array[:] = 7
    assert CODECS['pickle'].load(pull.receive_one(LIMIT)).max() == 0


def test_a_router_puts_the_sender_in_front(pair):
    router, dealer = pair(ROUTER, DEALER)
    dealer.send(b'question')
    identity, question = router.receive_one(LIMIT)
    assert (type(identity), question) == (bytes, b'question')
    router.send([identity, b'answer'])
    assert dealer.receive_one(LIMIT) == b'answer'


def test_a_message_to_somebody_who_has_left_is_dropped(pair):
    router, dealer = pair(ROUTER, DEALER)
    dealer.send(b'question')
    identity, _ = router.receive_one(LIMIT)
    router.send([b'nobody', b'answer'])
    router.send([identity, b'answer'])
    assert dealer.receive_one(LIMIT) == b'answer'


def test_a_subscriber_gets_what_it_has_subscribed_and_the_publisher_sees_it(pair):
    pub, sub = pair(XPUB, zmq.SUB)
    sub.subscribe(b'a')
    assert pub.receive_one(LIMIT) == b'\x01a'
    pub.send(b'b no')
    pub.send(b'a yes')
    assert sub.receive_one(LIMIT) == b'a yes'
    sub.unsubscribe(b'a')
    assert pub.receive_one(LIMIT) == b'\x00a'


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('hwm', [None, 1])
def test_no_subscription_is_lost_however_many_there_are_at_once(new_wire, places, transport, hwm):
    pub, sub = new_wire(XPUB, hwm=hwm), new_wire(zmq.SUB, hwm=hwm)
    topics = [b'%d' % number for number in range(3_000)]
    for topic in topics:
        sub.subscribe(topic)
    sub.connect(pub.bind(*places[transport]))
    assert sorted(collect(pub, len(topics))) == sorted(b'\x01' + topic for topic in topics)


def test_sending_tells_whoever_watches_the_descriptor(context, new_wire, places):
    touched = []
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH, touched=touched.append)
    push.connect(pull.bind(*places['inproc']))
    push.send(b'nobody watches')
    assert touched == []
    push.watched = True
    push.send(b'x')
    assert touched == [push]


def test_threads_can_send_on_one_wire_at_the_same_time(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)

    def send(sender):
        for number in range(200):
            push.send([b'%d' % sender + MORE_FRAMES, b'%d' % number])

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    received = collect(pull, 800)
    for thread in threads:
        thread.join(LIMIT)
    for sender in range(4):
        head = b'%d' % sender + MORE_FRAMES
        assert [rest for first, rest in received if first == head] == [b'%d' % number for number in range(200)]


# -- Taking without waiting -----------------------------------------------------------------------------------------


def filled(pair, number, **options):
    pull, push = pair(zmq.PULL, zmq.PUSH, **options)
    for one in range(number):
        push.send(b'%d' % one)
    return pull


def test_take_gives_what_is_there_up_to_a_limit_and_says_whether_there_may_be_more(pair):
    pull = filled(pair, 5)
    assert pull.take(3) == ([b'0', b'1', b'2'], True)
    assert pull.take(3) == ([b'3', b'4'], False)
    assert pull.take(3) == ([], False)


def test_what_was_put_back_comes_first_and_in_order(pair):
    pull = filled(pair, 5)
    messages, _ = pull.take(3)
    pull.put_back(messages[1:])
    assert pull.receive_one(LIMIT) == b'1'
    pull.put_back([b'1'])
    assert pull.take(10) == ([b'1', b'2', b'3', b'4'], False)


def test_the_limit_holds_for_what_was_put_back(pair):
    pull = filled(pair, 1)
    pull.put_back([b'a', b'b', b'c'])
    assert pull.take(2) == ([b'a', b'b'], True)
    assert pull.take(2) == ([b'c', b'0'], True)


def test_requests_are_taken_one_at_a_time(new_wire, places):
    rep = new_wire(zmq.REP)
    endpoint = rep.bind(*places['inproc'])
    asking = [new_wire(zmq.REQ) for _ in range(3)]
    for number, req in enumerate(asking):
        req.connect(endpoint)
        req.send(b'%d' % number)
    for _ in asking:
        messages, _ = rep.take(64)
        assert len(messages) == 1
        rep.send(messages[0])
    assert sorted(req.receive_one(LIMIT) for req in asking) == [b'0', b'1', b'2']


# -- Waiting with a limit -------------------------------------------------------------------------------------------


def raised_after(seconds, call, *args, **kwargs):
    """See that the call times out, and not before *seconds* are over."""
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        call(*args, **kwargs)
    assert seconds <= time.monotonic() - began < seconds + LIMIT
    assert isinstance(caught.value, TimeoutError)
    return caught.value


def test_a_receive_that_nobody_answers_ends_after_its_time(new_wire, places):
    pull = new_wire(zmq.PULL)
    pull.bind(*places['inproc'])
    error = raised_after(0.05, pull.receive_one, 0.05)
    assert (error.seconds, 'answer' in str(error)) == (0.05, True)
    raised_after(0, pull.receive_one, 0)


def test_a_send_that_nobody_takes_ends_after_its_time(new_wire, places):
    push = new_wire(zmq.PUSH)
    push.bind(*places['inproc'])
    raised_after(0.05, push.send, b'x', 0.05)
    raised_after(0, push.send, b'x', 0)


def test_a_full_queue_makes_send_wait_until_there_is_room(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH, hwm=1)
    sent = 0
    with pytest.raises(WaitTimeout):
        while True:
            push.send(b'%d' % sent, 0)
            sent += 1
    reader = threading.Thread(target=collect, args=(pull, sent + 1))
    reader.start()
    push.send(b'last', LIMIT)
    reader.join(LIMIT)
    assert not reader.is_alive()


def test_the_time_comes_from_the_configuration_when_none_is_given(new_wire, places, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'RECV_TIMEOUT', 0.02)
    monkeypatch.setitem(osbrain.config, 'SEND_TIMEOUT', 0.02)
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    pull.bind(*places['inproc'])
    raised_after(0.02, pull.receive_one)
    raised_after(0.02, push.send, b'x')


@pytest.mark.parametrize(
    'timeout',
    [
        None,
        -1,
        LIMIT,
        math.inf,
        30 * 24 * 3600.0,
    ],
    ids=str,
)
def test_a_message_ends_a_wait_however_long_it_may_be(pair, timeout):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    waiting = threading.Event()
    # The wait is under way when it asks what may interrupt it.
    pull._interruption = waiting.set
    sender = threading.Thread(target=lambda: waiting.wait(LIMIT) and push.send(b'x'))
    sender.start()
    try:
        assert pull.receive_one(timeout) == b'x'
    finally:
        sender.join(LIMIT)


class Interruption:
    """Something rings for the agent while it waits: *serve* is what it wants."""

    def __init__(self, serve):
        self.bell = Bell()
        self.fd = self.bell.fd
        self.served = self.silenced = 0
        self._serve = serve

    def silence(self):
        self.silenced += 1
        self.bell.silence()

    def serve(self):
        self.served += 1
        return self._serve(self.served)


def test_a_wait_serves_what_interrupts_it_and_goes_on(new_wire, places):
    interruption = Interruption(lambda time: push.send(b'x') if time == 2 else None)
    pull, push = new_wire(zmq.PULL, interruption=lambda: interruption), new_wire(zmq.PUSH)
    push.connect(pull.bind(*places['inproc']))
    interruption.bell.ring()
    assert pull.receive_one(LIMIT) == b'x'
    assert (interruption.served, interruption.silenced) == (2, 1)


def test_a_bell_that_was_rung_before_the_wait_is_silenced_by_it_once(new_wire, places):
    interruption = Interruption(lambda time: None)
    pull = new_wire(zmq.PULL, interruption=lambda: interruption)
    pull.bind(*places['inproc'])
    interruption.bell.ring()
    raised_after(0.02, pull.receive_one, 0.02)
    assert interruption.silenced == 1
    assert interruption.served < 10


def test_a_message_that_is_there_is_received_before_anything_is_served(new_wire, places):
    interruption = Interruption(lambda time: None)
    pull, push = new_wire(zmq.PULL, interruption=lambda: interruption), new_wire(zmq.PUSH)
    push.connect(pull.bind(*places['inproc']))
    push.send(b'x')
    interruption.bell.ring()
    assert pull.receive_one(LIMIT) == b'x'
    assert interruption.served == 0


def test_an_interruption_may_end_the_wait(new_wire, places):
    class Ended(BaseException):
        pass

    def serve(time):
        raise Ended

    interruption = Interruption(serve)
    pull = new_wire(zmq.PULL, interruption=lambda: interruption)
    pull.bind(*places['inproc'])
    with pytest.raises(Ended):
        pull.receive_one(LIMIT)


def test_an_interruption_is_asked_again_when_it_said_so(new_wire, places):
    def serve(time):
        if time == 3:
            raise KeyboardInterrupt
        return 0.001

    interruption = Interruption(serve)
    pull = new_wire(zmq.PULL, interruption=lambda: interruption)
    pull.bind(*places['inproc'])
    with pytest.raises(KeyboardInterrupt):
        pull.receive_one(LIMIT)
    assert interruption.served == 3


def test_a_send_that_waits_does_not_spin_because_something_was_put_back(new_wire, places):
    dealer = new_wire(DEALER)
    dealer.bind(*places['inproc'])
    dealer.put_back([b'taken before'])
    looks = []
    look = dealer._get
    dealer._get = lambda option: looks.append(option) or look(option)
    raised_after(0.05, dealer.send, b'x', 0.05)
    assert 1 <= len(looks) < 20


# -- REQ takes turns ------------------------------------------------------------------------------------------------


def test_out_of_turn_is_an_error_of_zeromq_and_of_the_caller(pair):
    rep, req = pair(zmq.REP, zmq.REQ)
    for call in (lambda: req.receive_one(0.05), req.out_of_turn, lambda: rep.send(b'x', 0)):
        with pytest.raises((OutOfTurn, WaitTimeout)) as caught:
            call()
        if isinstance(caught.value, OutOfTurn):
            assert isinstance(caught.value, (zmq.ZMQError, CallerError))
            assert caught.value.errno == zmq.EFSM
            assert 'send_recv' in str(caught.value)


@pytest.mark.parametrize('parts', [[b'a', b'b'], [b'', b'', b''], [b'x' * 5000] * 3], ids=len)
def test_a_request_and_a_reply_of_several_parts_are_one_message_and_the_next_ones_come(pair, parts):
    rep, req = pair(zmq.REP, zmq.REQ)
    for receiver, sender in ((rep, req), (req, rep)) * 2:
        sender.send(parts)
        assert [bytes(part) for part in receiver.receive_one(LIMIT)] == parts
    req.send(parts)
    assert rep.receive_one(LIMIT)[0] == parts[0]
    rep.send(b'an answer all the same')
    assert req.receive_one(LIMIT) == b'an answer all the same'


def test_a_relaxed_request_can_be_followed_by_the_next_and_its_late_answer_is_dropped(pair):
    rep, req = pair(zmq.REP, zmq.REQ)
    req.relax()
    req.send(b'first')
    first = rep.receive_one(LIMIT)
    req.send(b'second')
    rep.send(b'to ' + first)
    rep.send(b'to ' + rep.receive_one(LIMIT))
    assert req.receive_one(LIMIT) == b'to second'


def test_relaxing_after_a_request_has_been_sent_is_early_enough(pair):
    rep, req = pair(zmq.REP, zmq.REQ, 'ipc')
    req.send(b'first')
    assert rep.receive_one(LIMIT) == b'first'
    raised_after(0.01, req.receive_one, 0.01)
    req.relax()
    req.send(b'second')
    rep.send(b'late')
    rep.send(b'to ' + rep.receive_one(LIMIT))
    assert req.receive_one(LIMIT) == b'to second'
