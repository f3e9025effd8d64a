"""Handlers that take lists and sockets that keep only the newest: what of everything that was there is handed over."""

import numpy as np
import pytest

from osbrain import batched
from osbrain._protocol.flow import PLAIN, Flow
from osbrain._protocol.patterns.async_rep import AsyncRep
from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.pub_sub import Pub
from osbrain._protocol.patterns.push_pull import Pull, Push
from osbrain._protocol.patterns.req_rep import Rep
from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import BATCH, CODECS
from osbrain._protocol.topics import LIVE
from osbrain.errors import HandlerInvalid

BATCH_FLOW = Flow(batch=True)
NEWEST = Flow(conflate=True)


@batched
def keep_list(agent, messages):
    agent.received.append(list(messages))


def keep_any(agent, message):
    agent.received.append(message)


@batched
def keep_list_and_topic(agent, messages, topic):
    agent.received.append((topic, list(messages)))


@batched
def keep_list_and_anything(agent, *args):
    agent.received.append(args)


@pytest.fixture
def pushed(make):
    """Frames of messages, some of them sent together: ``pushed([1, [2, 3]])``."""

    def one(messages, serializer='pickle', **options):
        push = make(Push, 'PUSH', serializer, **options)
        for message in messages:
            (push.send_many if isinstance(message, list) else push.send)(message)
        return push.wire.emptied()

    return one


# -- Lists: PULL ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('handler, flow', [(keep_list, PLAIN), (keep_any, BATCH_FLOW), (keep_list, BATCH_FLOW)])
def test_a_list_is_everything_that_was_there_in_order(make, turn, agent, pushed, handler, flow):
    pull = make(Pull, 'PULL', 'pickle', handler, flow=flow)
    assert turn(pull, pushed([1, [2, 3], 4])) == []
    assert turn(pull, pushed([[5, 6]])) == []
    assert turn(pull, []) == []
    assert turn(pull, pushed([7])) == []
    assert agent.received == [[1, 2, 3, 4], [5, 6], [7]]


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json'])
def test_lists_work_with_every_serializer(make, turn, agent, pushed, serializer):
    turn(make(Pull, 'PULL', serializer, keep_list), pushed([1, [2, 3]], serializer))
    assert agent.received == [[1, 2, 3]]


def test_a_method_of_the_agent_can_be_marked_and_named(make, turn, agent, pushed):
    kind = type(agent)
    marked = type('Marked', (kind,), {'on_list': batched(lambda self, messages: self.received.append(messages))})
    agent.__class__ = marked
    for handler in ('on_list', agent.on_list):
        turn(make(Pull, 'PULL', 'pickle', handler), pushed([1, 2]))
    assert agent.received == [[1, 2], [1, 2]]


def test_handlers_of_a_list_each_get_what_they_want(make, turn, agent, pushed):
    turn(make(Pull, 'PULL', 'pickle', [keep_any, keep_list, keep_any]), pushed([1, [2, 3]]))
    assert agent.received == [1, 1, 2, 2, 3, 3, [1, 2, 3]]


def test_handlers_of_a_list_all_get_lists_on_a_socket_of_lists(make, turn, agent, pushed):
    turn(make(Pull, 'PULL', 'pickle', [keep_any, keep_list], flow=BATCH_FLOW), pushed([1, [2, 3]]))
    assert agent.received == [[1, 2, 3], [1, 2, 3]]


def test_two_handlers_do_not_share_one_list(make, turn, agent, pushed):
    def emptying(agent, messages):
        agent.received.append(len(messages))
        messages.clear()

    turn(make(Pull, 'PULL', 'pickle', [emptying, emptying], flow=BATCH_FLOW), pushed([[1, 2]]))
    assert agent.received == [2, 2]


@pytest.mark.parametrize('handler', [keep_list, [keep_list, keep_list]], ids=['one', 'two'])
def test_what_cannot_be_read_is_left_out_of_the_list(make, turn, agent, pushed, handler):
    pull = make(Pull, 'PULL', 'pickle', handler)
    failures = turn(pull, [*pushed([1]), b'no pickle', *pushed([[2, 3]]), b'no pickle' + BATCH, *pushed([4])])
    assert [type(one) for one in failures] == [Unreadable, Unreadable]
    assert all(one == [1, 2, 3, 4] for one in agent.received) and agent.received


def test_a_handler_that_changes_its_list_changes_nobody_else_s(make, turn, agent, pushed):
    kept = []

    @batched
    def keep(agent, messages):
        kept.append(messages)

    pull = make(Pull, 'PULL', 'pickle', keep)
    for _ in range(2):
        turn(pull, pushed([[1, 2]]))
        kept[-1].append('changed')
    assert kept == [[1, 2, 'changed']] * 2


# -- Lists: SUB -----------------------------------------------------------------------------------------------------


def deliver(pub, sub, turn):
    return turn(sub, sub.wire.passed(pub.wire.emptied()))


def test_each_subscription_has_a_list_of_its_own(make_pair, turn, agent):
    pub, sub = make_pair({'a': keep_list, '': keep_any, 'b': keep_list})
    pub.send(1, 'a')
    pub.send_many([2, 3], 'ab')
    pub.send(4, 'b')
    pub.send(5, 'c')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [1, 2, 3, 4, 5, [1, 2, 3], [4]]


def test_a_subscriber_of_lists_gives_every_handler_lists(make_pair, turn, agent):
    pub, sub = make_pair({'a': keep_any}, flow=BATCH_FLOW)
    sub.subscribe({'b': keep_any})
    sub.subscribe({'c': keep_any}, exact=True)
    for topic in 'abc':
        pub.send_many([1, 2], topic)
    pub.send(3, 'a')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [[1, 2, 3], [1, 2], [1, 2]]


@pytest.mark.parametrize('flow', [PLAIN, BATCH_FLOW])
def test_a_handler_of_lists_may_want_the_topic(make_pair, turn, agent, flow):
    pub, sub = make_pair({'a': keep_list_and_topic}, flow=flow)
    pub.send(1, 'ab')
    pub.send_many([2, 3], 'ac')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [(b'a', [1, 2, 3])]


def test_a_handler_of_lists_may_take_anything(make_pair, turn, agent):
    pub, sub = make_pair({'a': keep_list_and_anything})
    pub.send(1, 'a')
    pub.send(2, 'a')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [([1, 2], b'a')]


def test_a_handler_that_replaces_one_of_lists_takes_single_messages(make_pair, turn, agent):
    pub, sub = make_pair({'a': keep_list})
    pub.send(1, 'a')
    deliver(pub, sub, turn)
    sub.subscribe({'a': keep_any})
    pub.send(2, 'a')
    deliver(pub, sub, turn)
    assert agent.received == [[1], 2]


def test_what_was_gathered_is_handed_over_although_its_topic_was_unsubscribed(make_pair, turn, agent):
    def leave(agent, message):
        sub.unsubscribe('a')

    pub, sub = make_pair({'a': keep_list, 'b': leave})
    pub.send(1, 'a')
    pub.send(2, 'b')
    deliver(pub, sub, turn)
    assert agent.received == [[1]]


def test_replies_on_a_channel_are_single_where_publications_come_in_lists(new_host, new_wire, channel, turn):
    address, codec = channel('SYNC_PUB'), CODECS['pickle']
    pub = SyncPub(new_host(), address, codec, (new_wire(), new_wire()), 'echo')
    sub = SyncSub(new_host(), address.twin(), codec, (new_wire(), new_wire()), keep_any, BATCH_FLOW)
    sub.wire.connect(pub.wire)
    sub.send('x', way_back=WayBack(handler=keep_any))
    pub.send(1)
    turn(pub.requests, sub.wires[1].emptied())
    pub.send_many([2, 3])
    assert deliver(pub, sub, turn) == []
    assert sub.host.agent.received == ['x', [1, 2, 3]]


# -- Lists: where each message has its own answer -------------------------------------------------------------------


def test_who_answers_requests_refuses_a_handler_of_lists(make, channel, host, new_wire):
    makers = [
        lambda: make(Rep, 'REP', 'pickle', keep_list),
        lambda: AsyncRep(host, channel('ASYNC_REP'), CODECS['pickle'], new_wire(), keep_list),
        lambda: SyncPub(host, channel('SYNC_PUB'), CODECS['pickle'], (new_wire(), new_wire()), keep_list),
    ]
    for maker in makers:
        with pytest.raises(HandlerInvalid, match='each has its own reply'):
            maker()


# -- The newest only ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('messages', [[1, 2, 3], [[1, 2, 3]], [1, [2, 3]], [[1, 2], 3], [3]], ids=repr)
def test_a_puller_handles_the_newest_of_what_is_there(make, turn, agent, pushed, messages):
    pull = make(Pull, 'PULL', 'pickle', keep_any, flow=NEWEST)
    assert turn(pull, pushed(messages)) == []
    assert turn(pull, []) == []
    assert agent.received == [3]


@pytest.mark.parametrize('handler', [keep_list, [keep_list]], ids=['one', 'a list'])
def test_the_newest_is_a_list_of_one_for_a_handler_of_lists(make, turn, agent, pushed, handler):
    pull = make(Pull, 'PULL', 'pickle', handler, flow=NEWEST)
    turn(pull, pushed([1, [2, 3]]))
    assert agent.received == [[3]]


def test_the_newest_is_a_list_of_one_on_a_socket_of_lists(make, turn, agent, pushed):
    pull = make(Pull, 'PULL', 'pickle', keep_any, flow=Flow(conflate=True, batch=True))
    turn(pull, pushed([1, [2, 3]]))
    assert agent.received == [[3]]


def test_a_subscriber_handles_the_newest_of_each_topic_in_the_order_of_the_newest(make_pair, turn, agent):
    pub, sub = make_pair({'': lambda agent, message: agent.received.append(message)}, flow=NEWEST)
    for topic, message in [('a', 'a1'), ('b', 'b1'), ('a', 'a2'), ('ab', 'ab1'), ('b', 'b2'), (None, 'none1')]:
        pub.send(message, topic)
    pub.send_many(['b3', 'b4'], 'b')
    pub.send('none2')
    assert deliver(pub, sub, turn) == []
    assert agent.received == ['a2', 'ab1', 'b4', 'none2']


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json'])
def test_the_newest_of_each_topic_with_every_serializer(make_pair, turn, agent, serializer):
    pub, sub = make_pair({'a': agent.on_topic, 'b': agent.on_topic}, serializer, flow=NEWEST)
    for number in range(4):
        pub.send(number, 'ab'[number % 2])
    pub.send_many([4, 6], 'a')
    assert deliver(pub, sub, turn) == []
    assert agent.received == [(b'b', 3), (b'a', 6)]


def test_large_messages_are_conflated_by_their_topic_too(make_pair, turn, agent):
    pub, sub = make_pair({'': lambda agent, message: agent.received.append(int(message[0]))}, flow=NEWEST)
    for number in range(4):
        pub.send(np.full(100_000, number), 'ab'[number % 2])
    assert deliver(pub, sub, turn) == []
    assert agent.received == [2, 3]


def test_raw_bytes_do_not_tell_their_topic_so_the_newest_of_all_counts(make_pair, turn, agent):
    pub, sub = make_pair('on_message', 'raw', flow=NEWEST)
    pub.send(b'1', 'a')
    pub.send(b'2', 'b')
    deliver(pub, sub, turn)
    assert agent.received == [b'b2']


@pytest.mark.parametrize('serializer', ['pickle', 'raw'])
def test_a_proof_that_arrives_last_is_not_taken_for_the_newest_message(make_pair, turn, agent, serializer):
    pub, sub = make_pair('on_message', serializer, flow=NEWEST)
    pub.send(b'news')
    assert turn(sub, [*pub.wire.emptied(), LIVE + b'me']) == []
    assert agent.received == [b'news']


def test_an_unreadable_message_is_the_newest_all_the_same(make, turn, agent, pushed):
    pull = make(Pull, 'PULL', 'pickle', keep_any, flow=NEWEST)
    (failure,) = turn(pull, [*pushed([1]), b'no pickle'])
    assert isinstance(failure, Unreadable)
    assert agent.received == []


def test_a_pusher_that_keeps_the_newest_writes_one_frame_whatever_it_sends(pushed):
    frames = pushed([np.zeros(100_000), bytes(100_000), {'a': np.zeros(100_000)}], flow=NEWEST)
    assert [type(one) for one in frames] == [bytes] * 3


def test_a_pusher_that_keeps_the_newest_sends_only_the_newest_of_many(make, turn, agent, pushed):
    frames = pushed([[1, 2, 3], [4, 5]], flow=NEWEST)
    assert len(frames) == 2
    turn(make(Pull, 'PULL', 'pickle', keep_any), frames)
    assert agent.received == [3, 5]


def test_publishers_have_no_newest(make):
    assert make(Pub, 'PUB').flow == PLAIN
