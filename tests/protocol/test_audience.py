"""Who listens to a publisher, beside a model that keeps every subscription and asks ZeroMQ's question of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.audience import Audience
from osbrain._protocol.topics import LISTENING, LIVE, PROOF

SEPARATOR = b'\x80'
topics = st.text('ab', max_size=3).map(str.encode)
written = st.one_of(topics, topics.map(lambda topic: topic + SEPARATOR))
foreign = st.one_of(written, st.tuples(topics, topics).map(SEPARATOR.join))
steps = st.lists(st.tuples(foreign, st.sampled_from([1, 1, -1])), max_size=20)


def audience(*subscribed):
    made = Audience()
    for topic in subscribed:
        made.note(topic, 1)
    return made


def model_of(steps):
    """Play *steps* as ZeroMQ tells of them: nothing ends that has not begun."""
    made, model = Audience(), []
    for topic, change in steps:
        if change > 0:
            model.append(topic)
        elif topic in model:
            model.remove(topic)
        else:
            continue
        made.note(topic, change)
    return made, model


@given(steps=steps, published=topics, message=st.sampled_from([b'', b'a', b'b', b'ab']))
def test_whoever_would_receive_a_message_is_heard_of(steps, published, message):
    made, model = model_of(steps)
    before = published + SEPARATOR
    if any((before + message).startswith(topic) for topic in model):
        assert made.hears(before, separator=True)


@given(steps=st.lists(st.tuples(written, st.sampled_from([1, 1, -1])), max_size=20), published=topics)
def test_nobody_is_heard_of_who_would_not_receive(steps, published):
    made, model = model_of(steps)
    before = published + SEPARATOR
    assert made.hears(before, separator=True) == any(before.startswith(topic) for topic in model)


@given(steps=steps, published=topics, message=topics)
def test_raw_bytes_may_be_what_any_subscription_asks_for(steps, published, message):
    made, model = model_of(steps)
    assert made.hears(published, separator=False) == bool(model)


@given(steps)
def test_as_many_are_there_as_have_the_most_common_topic(steps):
    made, model = model_of(steps)
    assert made.count() == max((model.count(topic) for topic in model), default=0)


def test_nobody_listens_at_first():
    assert not audience().hears(SEPARATOR, separator=True)
    assert not audience().hears(b'', separator=False)
    assert audience().count() == 0


@pytest.mark.parametrize(
    'subscribed, before, heard',
    [
        (b'', SEPARATOR, True),
        (b'', b'news\x80', True),
        (b'ne', b'news\x80', True),
        (b'news', b'news\x80', True),
        (b'news\x80', b'news\x80', True),
        (b'news\x80', b'news.local\x80', False),
        (b'news.local', b'news\x80', False),
        (b'News', b'news\x80', False),
        (b'a', SEPARATOR, False),
    ],
)
def test_a_subscription_is_a_prefix_and_one_with_a_separator_a_whole_topic(subscribed, before, heard):
    assert audience(subscribed).hears(before, separator=True) is heard


def test_a_subscription_that_asks_for_more_than_a_topic_is_given_everything_as_long_as_it_lasts():
    made = audience(b'a\x80{"x"')
    assert made.hears(b'a\x80', separator=True)
    made.note(b'a\x80{"x"', -1)
    assert not made.hears(b'a\x80', separator=True)
    made.note(b'b', 1)
    assert not made.hears(b'a\x80', separator=True)


def test_only_the_first_and_the_last_of_a_topic_change_who_hears_what():
    made = Audience()
    assert [made.note(b'a', change) for change in (1, 1, -1, -1)] == [True, False, False, True]


@pytest.mark.parametrize('topic', [b'a', b'a\x80{"x"', LIVE + b'one'])
def test_an_end_that_another_thread_notes_before_its_beginning_cancels_it(topic):
    made = Audience()
    assert made.note(topic, -1) is False
    assert (made.count(), made.hears(b'a\x80', separator=True), made.hears(b'a', separator=False)) == (0, False, False)
    assert made.note(topic, 1) is False
    assert (made.count(), made.hears(b'a\x80', separator=True)) == (0, False)
    made.note(topic, 1)
    assert (made.count(), made.hears(b'a\x80', separator=True)) == (1, not topic.startswith(LIVE))


def test_subscribers_of_ours_are_counted_by_their_own_topic_whatever_they_listen_to():
    made = audience(LIVE + b'one', LIVE + b'two', LIVE + b'three', b'a', b'b')
    assert made.count() == 3
    made.note(LIVE + b'two', -1)
    assert made.count() == 2


def test_a_subscriber_of_ours_without_topics_is_there_but_hears_nothing():
    made = audience(LIVE + b'one')
    assert made.count() == 1
    assert not made.hears(b'a\x80', separator=True)
    assert not made.hears(b'', separator=False)


def test_the_topics_of_our_own_are_nobody_s_and_change_nothing():
    made = Audience()
    ours = (LIVE + b'one', PROOF + b'one', LISTENING)
    assert not any(made.note(topic, change) for topic in ours for change in (1, 1, -1, -1))
    assert made.count() == 0


def test_a_proof_counts_nobody():
    made = audience(LIVE + b'one', PROOF + b'two', PROOF + b'three')
    assert made.count() == 1
    assert not made.hears(b'', separator=False)


def test_others_are_counted_beside_ours_where_they_are_more():
    assert audience(LIVE + b'one', b'a', b'a', b'a').count() == 3
    assert audience(LIVE + b'one', LIVE + b'two', b'a').count() == 2
