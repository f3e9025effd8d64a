"""Topics beside a model that looks at every subscription for every message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.topics import (
    Subscription,
    Subscriptions,
    checked_topic,
    topic_to_bytes,
    topics_to_bytes,
)
from osbrain.errors import TopicInvalid

# Few letters, so that topics begin with each other often.
topics = st.text('ab', max_size=3).map(str.encode)
steps = st.lists(
    st.one_of(
        st.tuples(st.just('put'), topics, st.booleans()),
        st.tuples(st.just('drop'), topics, st.none()),
        st.tuples(st.just('match'), topics, st.none()),
    ),
    max_size=30,
)


@given(steps)
def test_matching_is_what_looking_at_every_subscription_gives(steps):
    subscriptions, model = Subscriptions(), {}
    for number, (step, topic, exact) in enumerate(steps):
        if step == 'put':
            before = subscriptions.put(Subscription(topic, number, exact))
            assert (before and before.call) == (model.get(topic) or (None,))[0]
            model[topic] = (number, exact)
        elif step == 'drop' and topic in model:
            assert subscriptions.drop(topic).call == model.pop(topic)[0]
        elif step == 'match':
            expected = [
                call for one, (call, exact) in model.items() if (one == topic if exact else topic.startswith(one))
            ]
            assert list(subscriptions.matching(topic)) == expected
            assert list(subscriptions.matching(topic)) == expected  # as remembered
        assert [one.call for one in subscriptions] == [call for call, _ in model.values()]
        assert all((one in subscriptions) == (one in model) for one in (topic, b'', b'a'))


@given(subscribed=topics, exact=st.booleans(), published=topics, prefix=st.sampled_from([b'', b'channel']))
def test_what_zeromq_lets_through_holds_everything_that_matches(subscribed, exact, published, prefix):
    subscriptions = Subscriptions(prefix)
    subscription = Subscription(subscribed, 'call', exact)
    subscriptions.put(subscription)
    frame = prefix + published + b'\x80message'
    if subscriptions.matching(published):
        assert frame.startswith(subscriptions.filter_of(subscription))
    elif exact:
        assert not frame.startswith(subscriptions.filter_of(subscription))


def test_only_so_many_topics_are_remembered():
    subscriptions = Subscriptions()
    subscriptions.put(Subscription(b'', 'call', False))
    for number in range(10_000):
        assert subscriptions.matching(b'%d' % number) == ('call',)
    assert len(subscriptions.matches) < 5_000


def test_raw_frames_are_not_remembered_because_each_is_another():
    subscriptions = Subscriptions(separator=False)
    subscriptions.put(Subscription(b'a', 'call', False))
    assert subscriptions.matching(b'abc') == ('call',)
    assert subscriptions.matches == {}


def test_what_was_remembered_is_forgotten_when_subscriptions_change():
    subscriptions = Subscriptions()
    assert subscriptions.matching(b'ab') == ()
    subscriptions.put(Subscription(b'a', 1, False))
    assert subscriptions.matching(b'ab') == (1,)
    subscriptions.drop(b'a')
    assert subscriptions.matching(b'ab') == ()
    with pytest.raises(KeyError):
        subscriptions.drop(b'a')


def test_raw_refuses_exact_subscriptions_and_keeps_what_there_was():
    subscriptions = Subscriptions(separator=False)
    subscriptions.put(Subscription(b'a', 'before', False))
    with pytest.raises(TopicInvalid, match='raw'):
        subscriptions.put(Subscription(b'a', 'after', True))
    assert subscriptions.matching(b'a') == ('before',)


@given(st.text())
def test_a_text_is_its_utf8(text):
    try:
        written = text.encode()
    except UnicodeEncodeError:
        return
    assert topic_to_bytes(text) == written
    assert checked_topic(text, separator=False) == written


@pytest.mark.parametrize('separator', [True, False])
@pytest.mark.parametrize('topic', [None, '', b'', bytearray()], ids=repr)
def test_no_topic_is_the_empty_one(topic, separator):
    assert checked_topic(topic, separator) == b''


@pytest.mark.parametrize('topic', [0, 1, False, (), [], 1.5, object()], ids=lambda one: type(one).__name__)
def test_a_topic_is_text_or_bytes(topic):
    with pytest.raises(TopicInvalid, match='text or bytes'):
        checked_topic(topic, separator=True)


def test_the_separator_cannot_be_part_of_a_topic_unless_nothing_is_separated():
    with pytest.raises(TopicInvalid, match='0x80'):
        checked_topic('\u0100\u0080', separator=True)
    assert checked_topic(b'a\x80', separator=False) == b'a\x80'


def test_the_keys_of_a_dictionary_become_bytes_and_its_order_stays():
    handlers = {'b': 1, b'a': 2, '\u20ac': 3}
    assert list(topics_to_bytes(handlers, b'id').items()) == [(b'idb', 1), (b'ida', 2), (b'id\xe2\x82\xac', 3)]
    assert list(handlers) == ['b', b'a', '\u20ac']
