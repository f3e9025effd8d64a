"""What a publisher knows of its subscribers: how many there are, and that nothing has to be written for nobody."""

import threading

import pytest

from osbrain._protocol.flow import Flow
from osbrain._protocol.patterns.pub_sub import Pub, Sub
from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
from osbrain._protocol.serializers import CODECS
from osbrain._protocol.topics import LISTENING, LIVE
from osbrain.errors import MessageInvalid, TopicInvalid, WaitTimeout

LIMIT = 5  # seconds for what takes milliseconds


class Counted:
    """Counts how often it is written."""

    def __init__(self):
        self.written = 0

    def __reduce__(self):
        self.written += 1
        return int, (7,)


@pytest.fixture
def pub(make):
    made = make(Pub, 'PUB')
    made.alias = 'news'
    return made


@pytest.fixture
def subscriber(make, pub):
    """Connect a subscriber of ours, with a topic of its own: ``subscriber('a', 'b')``."""
    made = []

    def one(*topics, to=pub):
        sub = make(Sub, 'SUB', 'pickle', dict.fromkeys(topics, 'on_message'))
        sub.wire.subscribe(LIVE + b'%032d' % len(made))
        sub.wire.connect(to.wire)
        made.append(sub)
        return sub

    return one


# -- Nothing is written when nobody listens -------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_nothing_is_written_when_nobody_listens(make, serializer):
    pub, message = make(Pub, 'PUB', serializer), Counted()
    pub.send(message)
    pub.send(message, 'news')
    pub.send_many([message, message], 'news')
    assert message.written == 0
    assert pub.wire.sent == []


def test_nothing_is_taken_out_of_a_generator_when_nobody_listens(pub):
    taken = []
    pub.send_many(taken.append(number) for number in range(3))
    assert taken == []


def test_nothing_is_written_for_a_topic_to_which_nobody_is_subscribed(pub, subscriber):
    subscriber('news')
    message = Counted()
    for topic in (None, '', 'new', 'NEWS', b'old', bytearray(b'old')):
        pub.send(message, topic)
    assert message.written == 0
    pub.send(message, 'news.local')
    assert message.written == 1


def test_each_message_is_written_once_however_many_listen(pub, subscriber):
    for _ in range(4):
        subscriber('news')
    message = Counted()
    pub.send(message, 'news')
    assert message.written == 1


def test_whoever_subscribes_between_two_publications_gets_the_second(pub, subscriber):
    message = Counted()
    pub.send(message, 'news')
    sub = subscriber('other')
    pub.send(message, 'news')
    sub.subscribe({'news': 'on_message'})
    pub.send(message, 'news')
    assert message.written == 1


def test_a_subscription_is_seen_although_no_loop_has_read_it(pub, subscriber):
    subscriber('news')
    pub.send('x', 'news')
    assert pub.wire.emptied()[-1].startswith(b'news\x80')


def test_when_the_last_subscriber_of_a_topic_has_gone_nothing_is_written_for_it(pub, subscriber, turn):
    one, other, message = subscriber('news'), subscriber('news', 'old'), Counted()
    pub.send(message, 'news')
    one.wire.close()
    turn(pub, pub.wire.take(100)[0])
    pub.send(message, 'news')
    assert message.written == 2
    other.unsubscribe('news')
    turn(pub, pub.wire.take(100)[0])
    pub.send(message, 'news')
    assert message.written == 2
    pub.send(message, 'old')
    assert message.written == 3


def test_a_subscriber_without_topics_is_nobody_who_listens(pub, subscriber):
    subscriber()
    message = Counted()
    pub.send(message, 'news')
    assert message.written == 0
    assert pub.subscribers() == 1


def test_exact_and_foreign_subscriptions_are_listeners_of_what_they_match(pub, make):
    sub = make(Sub, 'SUB', 'pickle', {})
    sub.subscribe({'news': 'on_message'}, exact=True)
    sub.wire.connect(pub.wire)
    message = Counted()
    pub.send(message, 'news.local')
    assert message.written == 0
    pub.send(message, 'news')
    assert message.written == 1
    sub.wire.subscribe(b'a\x80{"bid"')
    pub.send(message, 'a')
    assert message.written == 2


def test_a_channel_s_publications_are_heard_by_its_own_subscribers_only(new_host, new_wire, channel):
    address, codec = channel('SYNC_PUB'), CODECS['pickle']
    pub = SyncPub(new_host(), address, codec, (new_wire(), new_wire()), 'echo')
    stranger = new_wire()
    stranger.subscribe(b'news')
    stranger.connect(pub.wire)
    message = Counted()
    pub.send(message, 'news')
    assert message.written == 0
    sub = SyncSub(new_host(), address.twin(), codec, (new_wire(), new_wire()), {'n': 'on_message'}, Flow())
    sub.wire.connect(pub.wire)
    pub.send(message, 'news')
    assert message.written == 1


@pytest.mark.parametrize('topic', ['\u0080', 1, ['a']], ids=repr)
def test_a_topic_that_cannot_be_is_refused_although_nobody_listens(pub, topic):
    with pytest.raises(TopicInvalid):
        pub.send('x', topic)


def test_raw_refuses_what_is_no_bytes_although_nobody_listens(make):
    pub = make(Pub, 'PUB', 'raw')
    with pytest.raises(MessageInvalid):
        pub.send('text')
    pub.send(b'bytes')
    assert pub.wire.sent == []


# -- How many there are ---------------------------------------------------------------------------------------------


def test_subscribers_are_counted_as_they_come_and_go(pub, subscriber):
    assert pub.subscribers() == 0
    one, other = subscriber('a'), subscriber('b', 'c')
    assert pub.subscribers() == 2
    one.subscribe({'d': 'on_message'})
    assert pub.subscribers() == 2
    other.wire.close()
    assert pub.subscribers() == 1
    one.wire.close()
    assert pub.subscribers() == 0


def test_counting_answers_those_who_ask_whether_they_are_live(pub, subscriber):
    subscriber('a')
    pub.subscribers()
    assert [one[: len(LIVE)] for one in pub.wire.emptied()] == [LIVE]


def test_subscribers_of_other_programs_are_counted_by_their_topics(pub, new_wire):
    for topics in ([b'a'], [b'a', b'b'], [b'b'], [b'a']):
        wire = new_wire()
        wire.filters = topics
        wire.connect(pub.wire)
    assert pub.subscribers() == 3


def test_a_bound_subscriber_counts_as_one(pub, new_wire):
    wire = new_wire()
    wire.filters = [b'a', LIVE + b'id', LISTENING]
    wire.connect(pub.wire)
    assert pub.subscribers() == 1
    assert pub.listening == 1


@pytest.mark.parametrize('event', [b'', b'\x02news', b'x'], ids=repr)
def test_what_is_no_news_of_a_subscription_counts_for_nothing(pub, turn, event):
    turn(pub, [event])
    assert pub.subscribers() == 0


# -- Waiting for them, in the agent's own thread --------------------------------------------------------------------


@pytest.mark.parametrize('in_loop', [True, False])
def test_those_that_are_there_are_not_waited_for(pub, subscriber, in_loop):
    for _ in range(3):
        subscriber('a')
    assert [pub.wait_for_subscribers(count, 0, in_loop) for count in (0, 1, 3)] == [3, 3, 3]


@pytest.mark.parametrize('in_loop', [True, False])
def test_too_few_are_an_error_that_says_how_many(pub, subscriber, in_loop):
    subscriber('a')
    with pytest.raises(WaitTimeout, match=r"'news' of agent '[^']+' has 1 of 2 subscribers") as caught:
        pub.wait_for_subscribers(2, 0.01, in_loop)
    assert caught.value.seconds == 0.01


@pytest.mark.parametrize('in_loop', [True, False])
def test_without_time_it_is_a_look(pub, in_loop):
    assert pub.wait_for_subscribers(0, 0, in_loop) == 0
    with pytest.raises(WaitTimeout):
        pub.wait_for_subscribers(1, 0, in_loop)


def test_the_agent_s_own_thread_reads_what_arrives_meanwhile(pub, subscriber):
    asked = []

    def receive_one(timeout):
        asked.append(timeout)
        subscriber('a')
        return pub.wire.arrived.popleft()

    pub.wire.receive_one = receive_one
    assert pub.wait_for_subscribers(3, LIMIT, in_loop=True) == 3
    assert len(asked) >= 3
    assert LIMIT > asked[0] > asked[-1] > 0
    # Whoever asked whether it is live has its answer, and the first publication is heard.
    assert len(pub.wire.emptied()) == 3
    pub.send('x', 'a')
    assert len(pub.wire.emptied()) == 1


def test_one_that_leaves_meanwhile_does_not_count(pub, subscriber):
    first = subscriber('a')

    def receive_one(timeout):
        if not first.wire.closed:
            first.wire.close()
        elif not pub.wire.arrived:
            raise WaitTimeout('nothing', timeout)
        return pub.wire.arrived.popleft()

    pub.wire.receive_one = receive_one
    with pytest.raises(WaitTimeout, match='0 of 2'):
        pub.wait_for_subscribers(2, LIMIT, in_loop=True)


# -- Waiting for them, in another thread ----------------------------------------------------------------------------


def test_another_thread_is_told_by_the_loop(pub, subscriber, turn):
    found = []
    waiting = threading.Thread(target=lambda: found.append(pub.wait_for_subscribers(2, LIMIT, in_loop=False)))
    waiting.start()
    for _ in range(2):
        subscriber('a')
        # As the loop does: it may be first, or the waiting thread.
        turn(pub, pub.wire.take(100)[0])
    waiting.join(LIMIT)
    assert not waiting.is_alive()
    assert found == [2]


def test_a_thread_that_waits_in_vain_is_told_so(pub):
    raised = []

    def wait():
        try:
            pub.wait_for_subscribers(1, 0.02, in_loop=False)
        except WaitTimeout as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(LIMIT)
    assert len(raised) == 1


def test_threads_that_read_the_same_subscriptions_agree_on_them(make):
    pub, written = make(Pub, 'PUB'), threading.Event()

    def read():
        while not written.is_set():
            pub.subscribers()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(500):
        pub.wire.arrived.append(b'\x01topic')
        pub.wire.arrived.append(b'\x01' + LIVE + b'%d' % number)
        pub.wire.arrived.append(b'\x00topic')
        pub.wire.arrived.append(b'\x00' + LIVE + b'%d' % number)
    written.set()
    for reader in readers:
        reader.join(LIMIT)
    assert pub.subscribers() == 0
    pub.send(message := Counted(), 'topic')
    assert message.written == 0
