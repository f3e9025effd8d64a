"""Many messages in one go on PUSH and PUB: at the other end each is a message of its own."""

import numpy as np
import pytest

from osbrain._protocol.batches import Loaded, is_batch
from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.pub_sub import Pub, Sub
from osbrain._protocol.patterns.push_pull import Pull, Push
from osbrain._protocol.patterns.req_rep import Rep, Req
from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import BATCH, CODECS
from osbrain.errors import (
    KindUnsupported,
    MessageInvalid,
    MessageUndecodable,
    TopicInvalid,
)

SERIALIZERS = ('pickle', 'cloudpickle', 'dill', 'json', 'msgpack', 'raw')
BATCHING = ('pickle', 'cloudpickle', 'dill')


def unreadable():
    raise LookupError('nobody has this here')


class Unloadable:
    """Something that can be written, and cannot be read."""

    def __reduce__(self):
        return unreadable, ()


def messages_for(serializer, count=5):
    return [b'%d' % number if serializer == 'raw' else {'n': number} for number in range(count)]


# -- PUSH and PULL --------------------------------------------------------------------------------------------------


@pytest.fixture
def push(make):
    def one(serializer='pickle', **options):
        return make(Push, 'PUSH', serializer, **options)

    return one


@pytest.fixture
def pull(make):
    def one(serializer='pickle', handler='on_message', **options):
        return make(Pull, 'PULL', serializer, handler, **options)

    return one


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_pushed_messages_are_handled_one_by_one_in_order(push, pull, turn, agent, serializer, as_given):
    sending, messages = push(serializer), messages_for(serializer)
    sending.send_many(as_given(messages))
    assert len(sending.wire.sent) == (1 if serializer in BATCHING else len(messages))
    turn(pull(serializer), sending.wire.emptied())
    assert agent.received == messages


def test_single_messages_before_and_after_keep_their_place(push, pull, turn, agent):
    sending = push()
    sending.send(0)
    sending.send_many([1, 2])
    sending.send_many(iter([3, bytes(100_000), 4]))
    sending.send(5)
    turn(pull(), sending.wire.emptied())
    assert agent.received == [0, 1, 2, 3, bytes(100_000), 4, 5]


def test_none_is_sent_if_one_cannot_be_written(push):
    sending = push()
    with pytest.raises(MessageInvalid, match='item 2 of the batch'):
        sending.send_many([1, np.zeros(100_000), lambda: None])
    assert sending.wire.sent == []


def test_none_is_sent_if_their_source_fails(push):
    sending = push()
    with pytest.raises(ZeroDivisionError):
        sending.send_many(1 // number for number in (2, 1, 0))
    assert sending.wire.sent == []


def test_no_messages_send_nothing(push):
    sending = push()
    sending.send_many([])
    sending.send_many(iter(()))
    assert sending.wire.sent == []


def test_the_time_out_is_given_to_the_wire_for_each_frame(push):
    sending = push('json')
    sending.send_many([1, 2], timeout=2.5)
    assert sending.wire.timeouts == [2.5, 2.5]


def test_handlers_of_a_list_are_all_called_with_each_message(push, pull, turn, agent):
    sending = push()
    sending.send_many([1, 2])
    turn(pull(handler=['on_message', lambda agent, message: agent.received.append(-message)]), sending.wire.emptied())
    assert agent.received == [1, -1, 2, -2]


def test_a_message_whose_handler_fails_takes_no_other_with_it(push, pull, turn, agent):
    def handler(agent, message):
        agent.received.append(message)
        if message == 1:
            raise ValueError(message)

    sending = push()
    sending.send_many([0, 1, 2])
    (failure,) = turn(pull(handler=handler), sending.wire.emptied())
    assert type(failure) is ValueError
    assert agent.received == [0, 1, 2]


def test_a_message_that_cannot_be_read_is_no_message_and_the_others_are(push, pull, turn, agent):
    sending = push()
    sending.send_many(iter([1, Unloadable(), 3]))
    (failure,) = turn(pull(), sending.wire.emptied())
    assert isinstance(failure, Unreadable) and 'nobody has this here' in str(failure)
    assert agent.received == [1, 3]


@pytest.mark.parametrize('handler', ['on_message', ['on_message', 'on_message']], ids=repr)
@pytest.mark.parametrize('serializer', BATCHING)
def test_no_handler_gets_to_see_the_frame_itself(push, pull, turn, agent, serializer, handler):
    for items in ([Unloadable()], iter([Unloadable()])):
        sending = push(serializer)
        sending.send_many(items)
        (failure,) = turn(pull(serializer, handler), sending.wire.emptied())
        assert isinstance(failure, Unreadable)
    assert agent.received == []


@pytest.mark.parametrize('serializer', BATCHING)
@pytest.mark.parametrize('body', [b'', b'garbage', b'\x80\x05', b'\x80\x05K\x01', b'\x80\x05K\x01.'], ids=repr)
def test_a_corrupted_batch_is_unreadable_once_and_no_handler_runs(pull, turn, agent, serializer, body):
    (failure,) = turn(pull(serializer), [body + BATCH])
    assert isinstance(failure, Unreadable)
    assert agent.received == []


@pytest.mark.parametrize('message', [BATCH, b'ab' + BATCH, b'\x80\x05]\x94.' + BATCH], ids=repr)
def test_raw_bytes_that_end_like_a_batch_are_a_message(push, pull, turn, agent, message):
    sending = push('raw')
    sending.send(message)
    sending.send_many([message])
    assert turn(pull('raw'), sending.wire.emptied()) == []
    assert agent.received == [message, message]


def test_a_batch_can_be_received_directly_message_by_message(push, pull):
    sending, receiving = push(), pull()
    sending.send_many([1, 2])
    sending.send_many(iter([3, 4]))
    sending.send(5)
    receiving.wire.arrived.extend(sending.wire.emptied())
    assert [receiving.recv() for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(TimeoutError):
        receiving.recv(0)


def test_what_was_left_of_a_turn_can_be_received_directly(push, pull):
    receiving = pull()
    receiving.wire.arrived.extend([Loaded(1), Loaded(2), receiving.codec.dump(3)])
    assert [receiving.recv() for _ in range(3)] == [1, 2, 3]


def test_a_corrupted_batch_that_is_received_directly_is_an_error_as_any_other_frame(pull):
    receiving = pull()
    receiving.wire.arrived.append(b'garbage' + BATCH)
    with pytest.raises(MessageUndecodable):
        receiving.recv()


# -- PUB and SUB ----------------------------------------------------------------------------------------------------


def deliver(pub, sub, turn):
    return turn(sub, sub.wire.passed(pub.wire.emptied()))


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', SERIALIZERS)
@pytest.mark.parametrize('topic', [None, 'news', b'\xff'], ids=repr)
def test_published_messages_reach_the_handler_one_by_one(make_pair, turn, agent, serializer, as_given, topic):
    pub, sub = make_pair('on_message', serializer)
    messages = messages_for(serializer)
    pub.send_many(as_given(messages), topic)
    deliver(pub, sub, turn)
    before = b'' if topic is None else topic.encode() if isinstance(topic, str) else topic
    assert agent.received == [before + one for one in messages] if serializer == 'raw' else messages


def test_a_batch_goes_to_every_subscription_that_its_topic_matches(make_pair, turn, agent):
    def keeper(label):
        return lambda agent, message: agent.received.append((label, message))

    pub, sub = make_pair({'foo': keeper('foo'), '': keeper(''), 'x': keeper('x')})
    sub.subscribe({'foobar': keeper('exact'), 'fooba': keeper('no')}, exact=True)
    pub.send_many([1, 2], 'foobar')
    deliver(pub, sub, turn)
    assert agent.received == [(label, number) for number in (1, 2) for label in ('foo', '', 'exact')]


def test_a_handler_that_wants_the_topic_gets_the_subscribed_one_with_each(make_pair, turn, agent):
    pub, sub = make_pair({'fo': agent.on_topic})
    pub.send_many([1, 2], 'foobar')
    deliver(pub, sub, turn)
    assert agent.received == [(b'fo', 1), (b'fo', 2)]


def test_batches_of_several_topics_stay_apart(make_pair, turn, agent):
    pub, sub = make_pair({'a': agent.on_topic, 'b': agent.on_topic})
    pub.send_many([1, 2], 'a')
    pub.send_many([3], 'b')
    pub.send_many([4], 'c')
    pub.send_many(iter([5, np.arange(3)]), 'a')
    deliver(pub, sub, turn)
    assert [topic for topic, _ in agent.received] == [b'a', b'a', b'b', b'a', b'a']
    assert [message for _, message in agent.received[:4]] == [1, 2, 3, 5]


def test_the_batch_has_its_topic_in_front_so_that_zeromq_filters_it(make_pair):
    pub, _ = make_pair({'a': 'on_message'})
    pub.send_many([1, 2], 'ab')
    (frame,) = pub.wire.sent
    assert frame.startswith(b'ab\x80') and is_batch(frame, pub.codec)


def test_nothing_is_published_if_one_cannot_be_written(make_pair):
    pub, _ = make_pair('on_message')
    with pytest.raises(MessageInvalid, match='item 1 of the batch'):
        pub.send_many([1, lambda: None], 'a')
    assert pub.wire.sent == []


@pytest.mark.parametrize('listening', [True, False])
@pytest.mark.parametrize('topic', ['\u0080', 1], ids=repr)
def test_a_topic_that_cannot_be_is_refused_whether_or_not_somebody_listens(make, make_pair, topic, listening):
    pub = make_pair('on_message')[0] if listening else make(Pub, 'PUB')
    with pytest.raises(TopicInvalid):
        pub.send_many([1], topic)
    assert pub.wire.sent == []


def test_a_publication_that_cannot_be_read_is_no_message_and_the_others_are(make_pair, turn, agent):
    pub, sub = make_pair({'a': 'on_message'})
    pub.send_many(iter([1, Unloadable(), 3]), 'a')
    (failure,) = deliver(pub, sub, turn)
    assert isinstance(failure, Unreadable)
    assert agent.received == [1, 3]


@pytest.mark.parametrize('frame', [BATCH, b'a\x80' + BATCH, b'a\x80garbage' + BATCH, b'a\x80\x80\x05K\x01.' + BATCH])
def test_a_corrupted_batch_of_publications_is_unreadable(make_pair, turn, agent, frame):
    _, sub = make_pair({'': 'on_message'})
    (failure,) = turn(sub, [frame])
    assert isinstance(failure, Unreadable)
    assert agent.received == []


def test_raw_publications_that_end_like_a_batch_are_messages(make_pair, turn, agent):
    pub, sub = make_pair({b'a': 'on_message'}, 'raw')
    pub.send(BATCH, b'a')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [b'a' + BATCH]


@pytest.mark.parametrize('serializer', ['pickle', 'raw'])
def test_a_subscription_that_ends_like_a_batch_is_a_subscription(make, turn, serializer):
    pub = make(Pub, 'PUB', serializer)
    assert turn(pub, [b'\x01a' + BATCH]) == []
    assert pub.subscribers() == 1


def test_a_channel_publishes_batches_under_its_own_prefix(new_host, new_wire, channel, turn):
    address, codec = channel('SYNC_PUB'), CODECS['pickle']
    pub = SyncPub(new_host(), address, codec, (new_wire(), new_wire()), 'echo')
    sub = SyncSub(new_host(), address.twin(), codec, (new_wire(), new_wire()), {'a': 'on_message'})
    sub.wire.connect(pub.wire)
    pub.send_many([1, 2], 'ab')
    pub.send_many([3], 'b')
    deliver(pub, sub, turn)
    assert sub.host.agent.received == [1, 2]


# -- All others -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', ['REQ', 'REP', 'PULL', 'SUB', 'SYNC_SUB'])
def test_other_kinds_send_one_at_a_time(make, channel, host, new_wire, kind):
    made = {
        'REQ': lambda: make(Req, 'REQ'),
        'REP': lambda: make(Rep, 'REP', 'pickle', 'echo'),
        'PULL': lambda: make(Pull, 'PULL', 'pickle', 'on_message'),
        'SUB': lambda: make(Sub, 'SUB', 'pickle', 'on_message'),
        'SYNC_SUB': lambda: SyncSub(
            host, channel('SYNC_PUB').twin(), CODECS['pickle'], (new_wire(), new_wire()), 'on_message'
        ),
    }[kind]()
    with pytest.raises(KindUnsupported, match='many'):
        made.send_many([1])
    assert all(wire.sent == [] for wire in made.wires)


@pytest.mark.parametrize('kind', ['REP', 'SYNC_PUB'])
def test_who_answers_one_at_a_time_is_sent_raw_bytes_that_end_like_a_batch(
    make, channel, new_host, new_wire, turn, kind
):
    message = b'x' + BATCH
    if kind == 'REP':
        rep = make(Rep, 'REP', 'raw', 'echo')
        assert turn(rep, [message]) == []
        assert rep.wire.sent == [message]
        return
    address, codec = channel('SYNC_PUB', 'raw'), CODECS['raw']
    pub = SyncPub(new_host(), address, codec, (new_wire(), new_wire()), 'echo')
    sub = SyncSub(new_host(), address.twin(), codec, (new_wire(), new_wire()), 'on_message')
    sub.wire.connect(pub.wire)
    sub.send(message, way_back=WayBack(handler='on_message'))
    assert turn(pub.requests, sub.wires[1].emptied()) == []
    assert turn(sub, sub.wire.passed(pub.wire.emptied())) == []
    assert sub.host.agent.received == [message]
