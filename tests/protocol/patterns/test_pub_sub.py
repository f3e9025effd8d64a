"""PUB and SUB plugged together by a list that filters as ZeroMQ does."""

import pytest

from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.pub_sub import Pub, Sub
from osbrain._protocol.serializers import TOPIC_SEPARATOR
from osbrain._protocol.topics import LISTENING, LIVE, PROOF
from osbrain.errors import HandlerInvalid, TopicInvalid, UnknownTopic

SEPARATED = ('pickle', 'cloudpickle', 'dill', 'json', 'msgpack')


@pytest.fixture
def pair(make_pair):
    """A publisher and a subscriber of one serializer."""
    return make_pair


def deliver(pub, sub):
    for frames in sub.wire.passed(pub.wire.emptied()):
        sub.receive(frames)


def keeper(label):
    return lambda agent, message: agent.received.append((label, message))


@pytest.mark.parametrize('serializer', SEPARATED)
@pytest.mark.parametrize('topic', [None, '', 'news', b'\xff\x00', '\u20ac'], ids=repr)
def test_a_single_handler_gets_messages_of_every_topic_and_no_trace_of_it(pair, agent, serializer, topic):
    if topic == '\u20ac':  # its UTF-8 has no 0x80 in it
        assert TOPIC_SEPARATOR not in topic.encode()
    pub, sub = pair('on_message', serializer)
    pub.send({'x': 1}, topic)
    deliver(pub, sub)
    assert agent.received == [{'x': 1}]


def test_raw_subscribers_get_topic_and_message_as_they_were_sent(pair, agent):
    pub, sub = pair({b'a\x80': 'on_message'}, 'raw')
    pub.send(b'body', b'a\x80')
    pub.send(b'body', 'b')
    deliver(pub, sub)
    assert agent.received == [b'a\x80body']


def test_every_subscription_whose_topic_begins_the_message_s_is_called_in_order(pair, agent):
    pub, sub = pair({'foo': keeper('foo'), '': keeper(''), 'fo': keeper('fo'), 'x': keeper('x')})
    for topic in ('foobar', 'fo', None, 'bar'):
        pub.send(topic, topic)
    deliver(pub, sub)
    assert agent.received == [
        ('foo', 'foobar'), ('', 'foobar'), ('fo', 'foobar'),
        ('', 'fo'), ('fo', 'fo'),
        ('', None),
        ('', 'bar'),
    ]  # fmt: skip


def test_an_exact_subscription_gets_its_own_topic_only(pair, agent):
    pub, sub = pair({})
    sub.subscribe({'IBM': keeper('IBM')}, exact=True)
    for topic in ('IBM', 'IBM.N', 'IB', ''):
        pub.send(topic, topic)
    assert [frames[:4] for frames in sub.wire.passed(pub.wire.sent)] == [b'IBM\x80']
    deliver(pub, sub)
    assert agent.received == [('IBM', 'IBM')]


def test_raw_cannot_match_exactly_and_says_so_before_anything_changes(pair):
    _, sub = pair('on_message', 'raw')
    filters = list(sub.wire.filters)
    with pytest.raises(TopicInvalid, match='raw'):
        sub.subscribe({'IBM': 'on_message'}, exact=True)
    assert sub.wire.filters == filters


def test_making_a_subscription_exact_replaces_its_filter(pair, agent):
    _, sub = pair({'a': 'on_message'})
    sub.subscribe({'a': 'on_message'}, exact=True)
    assert sub.wire.filters == [b'a\x80']
    sub.subscribe({'a': 'on_message'})
    assert sub.wire.filters == [b'a']


def test_the_topic_given_to_a_handler_is_the_subscribed_one(pair, agent):
    pub, sub = pair({'fo': agent.on_topic})
    pub.send(1, 'foobar')
    deliver(pub, sub)
    assert agent.received == [(b'fo', 1)]


def test_text_and_bytes_are_the_same_topic(pair, agent):
    pub, sub = pair({b'a': keeper('old')})
    sub.subscribe({'a': keeper('new')})
    assert sub.wire.filters == [b'a']
    pub.send(1, 'a')
    pub.send(2, b'a')
    deliver(pub, sub)
    assert agent.received == [('new', 1), ('new', 2)]


def test_topics_added_later_leave_the_others_as_they_are(pair, agent):
    pub, sub = pair({'a': keeper('a')})
    sub.subscribe({'b': keeper('b')})
    pub.send(1, 'a')
    pub.send(2, 'b')
    deliver(pub, sub)
    assert agent.received == [('a', 1), ('b', 2)]


def test_unsubscribed_topics_are_filtered_at_the_publisher(pair, agent):
    pub, sub = pair({'a': keeper('a'), 'b': keeper('b'), 'c': keeper('c')})
    sub.unsubscribe(['a', b'b'])
    assert sub.wire.filters == [b'c']
    sub.unsubscribe('c')
    sub.subscribe({'a': keeper('again')})
    pub.send(1, 'a')
    pub.send(2, 'c')
    deliver(pub, sub)
    assert agent.received == [('again', 1)]


def test_a_broader_subscription_goes_on_without_the_narrow_one(pair, agent):
    pub, sub = pair({'': keeper('all'), 'a': keeper('a')})
    sub.unsubscribe('a')
    pub.send(1, 'ab')
    deliver(pub, sub)
    assert agent.received == [('all', 1)]


def test_an_unknown_topic_in_a_list_leaves_all_of_them_subscribed(pair):
    _, sub = pair({'a': 'on_message'})
    with pytest.raises(UnknownTopic, match='typo'):
        sub.unsubscribe(['a', 'typo'])
    assert sub.wire.filters == [b'a']


def test_a_topic_named_twice_is_unsubscribed_once(pair):
    _, sub = pair({'a': 'on_message', 'b': 'on_message'})
    sub.unsubscribe(['a', b'a', 'b'])
    assert sub.wire.filters == []


@pytest.mark.parametrize('topic', ['\u0080', b'a\x80b', 1, 0, ['a'], ('a',)], ids=repr)
def test_a_topic_that_cannot_be_sent_is_refused_at_send(make, topic):
    pub = make(Pub, 'PUB')
    with pytest.raises(TopicInvalid):
        pub.send('message', topic)
    assert pub.wire.sent == []


@pytest.mark.parametrize('topic', ['\u0080', 1])
def test_a_topic_that_cannot_be_is_refused_at_subscribe_and_nothing_else_is_subscribed(pair, topic):
    _, sub = pair({})
    with pytest.raises(TopicInvalid):
        sub.subscribe({'good': 'on_message', topic: 'on_message'})
    assert sub.wire.filters == []
    with pytest.raises(HandlerInvalid):
        sub.subscribe({'good': 'on_message', 'bad': 3})
    assert sub.wire.filters == []


def test_a_bytearray_is_a_topic_like_bytes(pair, agent):
    pub, sub = pair({'a': keeper('a')})
    pub.send(1, bytearray(b'ab'))
    deliver(pub, sub)
    assert agent.received == [('a', 1)]


def test_many_topics_do_not_pile_up_in_the_publisher_s_memory(pair):
    pub, _ = pair('on_message', 'json')
    for number in range(10_000):
        pub.send(number, f'topic {number}')
    assert len(pub._written) < 5_000
    assert pub.wire.sent[-1] == b'topic 9999\x809999'


def test_a_publication_without_separator_is_unreadable(pair, agent):
    _, sub = pair('on_message')
    with pytest.raises(Unreadable, match='separator'):
        sub.receive(b'topic and no more')
    with pytest.raises(Unreadable):
        sub.receive(b'topic\x80no pickle')
    assert agent.received == []


def test_a_message_that_nobody_subscribed_is_not_even_decoded(pair, agent):
    _, sub = pair({'a': 'on_message'})
    sub.receive(b'b\x80no pickle')
    assert agent.received == []


def test_large_buffers_follow_the_topic_in_frames_of_their_own(pair, agent):
    pub, sub = pair({'a': 'on_message'})
    body = bytes(200_000)
    pub.send(body, 'abc')
    (frames,) = pub.wire.sent
    assert len(frames) == 2 and frames[0].startswith(b'abc\x80')
    deliver(pub, sub)
    assert agent.received == [body]


# -- How both ends learn that a subscription is live ---------------------------------------------------------------


def test_a_publisher_publishes_to_the_topic_by_which_a_subscriber_asks_whether_it_is_live(make):
    pub = make(Pub, 'PUB')
    pub.receive(b'\x01' + LIVE + b'me')
    assert pub.wire.emptied() == [LIVE + b'me']


@pytest.mark.parametrize(
    'event', [b'\x00' + LIVE + b'me', b'\x01news', b'\x00news', b'\x00' + LISTENING, b''], ids=repr
)
def test_a_publisher_publishes_nothing_for_other_news_of_subscriptions(make, event):
    pub = make(Pub, 'PUB')
    pub.receive(event)
    assert pub.wire.sent == []
    assert pub.listening == 0


def test_a_publisher_counts_the_subscribers_that_are_listening(make):
    pub = make(Pub, 'PUB')
    pub.receive(b'\x01' + LISTENING)
    pub.receive(b'\x01' + LISTENING)
    assert pub.listening == 2


@pytest.mark.parametrize('serializer', ['pickle', 'raw'])
def test_a_proof_meant_for_another_subscriber_is_no_message(pair, agent, serializer):
    _, sub = pair('on_message', serializer)
    sub.receive(LIVE + b'somebody else')
    assert agent.received == []


def test_a_proof_shows_that_the_publisher_answers_and_a_later_one_has_served_then(make, agent):
    sub = make(Sub, 'SUB', 'pickle', 'on_message')
    assert not sub.answered
    sub.wire.subscribe(PROOF + b'one')
    before = list(sub.wire.filters)
    sub.receive(PROOF + b'one')
    assert sub.answered and agent.received == []
    assert sub.wire.filters == [one for one in before if one != PROOF + b'one']


def test_only_what_the_publisher_has_to_know_has_to_become_live(make):
    sub = make(Sub, 'SUB', 'pickle', {'a': 'on_message'})
    assert not sub.subscribe({'a': 'on_message'})
    assert sub.subscribe({'a': 'on_message'}, exact=True)
    assert sub.subscribe({'a': 'on_message', 'b': 'on_message'})


def test_the_proof_is_the_last_subscription_that_zeromq_sends_and_listening_comes_after_all_topics():
    topics = [b'', b'\x00', b'zzz', b'\xfe\xff', LIVE, LISTENING]
    assert sorted(topics)[-2:] == [LIVE, LISTENING]
