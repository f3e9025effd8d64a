"""PUB and SUB between real agents: topics, what handlers are given, and changes at run time."""

import os
import signal
import time
import uuid

import pytest
import zmq

from osbrain import Agent, run_agent
from osbrain._agent.core import core_of
from osbrain.helper import wait_agent_attr, wait_condition

LIMIT = 10  # seconds for what takes milliseconds


def receive(agent, message):
    agent.received.append(message)


def receive_topic(agent, message, topic):
    agent.received.append((message, topic))


def tagging(tag):
    """Make a handler that keeps each message with a tag."""
    return lambda agent, message: agent.received.append((tag, message))


def publisher_answers(agent):
    return core_of(agent).endpoints.find('sub').answered


class Subscriber(Agent):
    """Receive the way programs that inherit do."""

    def on_init(self):
        self.received = []

    def take(self, message):
        self.received.append(message)

    def take_topic(self, message, topic):
        self.received.append((message, topic))

    def take_default(self, message, topic=None):
        self.received.append((message, topic))

    def connect_methods(self, server, alias):
        handlers = {'two': self.take, 'three': self.take_topic}
        return self.connect(server, alias=alias, handler=handlers)


def run_subscriber(name):
    """Start an agent that has an empty list `received`."""
    return run_agent(name, base=Subscriber)


def make_live(publisher, subscriber, *topics):
    """Publish probes until all the topics reach the subscriber, then forget the probes.

    With 0.6.5 the first publications after a connect may be lost: tests about something else start
    here.
    """

    def arrived(topic):
        publisher.send('pub', 'probe', topic=topic)
        return wait_agent_attr(subscriber, length=1, timeout=0.1)

    for topic in topics:
        subscriber.set_attr(received=[])
        assert wait_condition(arrived, topic, timeout=5)
    drain(publisher, subscriber, topic=topics[-1])


def drain(publisher, *subscribers, topic=''):
    """Forget what has been published so far: a last probe comes after all of it."""
    probe = str(uuid.uuid4())
    publisher.send('pub', probe, topic=topic)
    for subscriber in subscribers:
        assert wait_condition(lambda agent: probe in str(agent.get_attr('received')), subscriber)
        subscriber.set_attr(received=[])


def connected_pair(handler, live=('',)):
    """Return a publisher and a subscriber that is subscribed for certain to the topics *live*."""
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    subscriber.connect(publisher.bind('PUB', alias='pub'), alias='sub', handler=handler)
    make_live(publisher, subscriber, *live)
    return publisher, subscriber


def received(agent, **conditions):
    """Wait until the messages that arrived at the agent meet the conditions."""
    return wait_agent_attr(agent, timeout=5, **conditions)


# --- Topics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'topic, called',
    [
        ('foobar', [b'foo', b'fo', b'']),
        (b'foobar', [b'foo', b'fo', b'']),
        ('foo', [b'foo', b'fo', b'']),
        ('fo', [b'fo', b'']),
        ('f', [b'']),
        ('bar', [b'', b'bar']),
        ('xfoo', [b'']),
        ('ñandú', [b'', 'ñ'.encode()]),
        (b'', [b'']),
        (None, [b'']),
    ],
)
def test_every_subscription_that_is_a_prefix_is_called_in_order(nsproxy, topic, called):
    """The handler gets the subscribed prefix as bytes, and not the topic that was sent."""
    handlers = {
        'foo': receive_topic,
        b'fo': receive_topic,
        '': receive_topic,
        'bar': receive_topic,
        'ñ': receive_topic,
    }
    publisher, subscriber = connected_pair(handlers)
    publisher.send('pub', 'x', topic=topic)
    publisher.send('pub', 'end')
    assert received(subscriber, data=('end', b''))
    assert subscriber.get_attr('received')[:-1] == [('x', prefix) for prefix in called]


@pytest.mark.parametrize('subscribed', ['foo', b'foo'])
def test_without_catch_all_only_the_topics_with_that_prefix_arrive(nsproxy, subscribed):
    publisher, subscriber = connected_pair({subscribed: receive}, live=['foo'])
    for topic in ('fo', 'bar', '', None, 'Foo', 'foobar', b'foo', 'foo'):
        publisher.send('pub', topic, topic=topic)
    assert received(subscriber, length=3)
    assert subscriber.get_attr('received') == ['foobar', b'foo', 'foo']


# Not in one topic: libzmq 4.3.4 loses subscriptions of 246 to 255 bytes, whose length it codes wrongly.
@pytest.mark.parametrize('topic', [bytes(range(0x80)), bytes(range(0x81, 0x100))])
def test_topics_that_are_not_text_pass(nsproxy, topic):
    publisher, subscriber = connected_pair({topic: receive_topic}, live=[topic])
    publisher.send('pub', 'x', topic=topic + b'more')
    assert received(subscriber, value=[('x', topic)])


@pytest.mark.new
def test_the_separator_byte_in_a_topic_is_refused_or_carried(nsproxy):
    """It must not garble the message, as it did in 0.6.5."""
    publisher, subscriber = connected_pair(receive_topic)
    for topic in (b'a\x80b', b'\x80', b'a\x80'):
        try:
            publisher.send('pub', 'message', topic=topic)
        except ValueError:
            continue
        assert received(subscriber, data=('message', b''))
        subscriber.set_attr(received=[])
    publisher.send('pub', 'end')
    assert received(subscriber, value=[('end', b'')])


@pytest.mark.new
@pytest.mark.parametrize('topic', [1, 1.5, ['foo'], {'foo': 1}, object()])
def test_a_topic_of_the_wrong_type_is_an_error_at_send(nsproxy, topic):
    publisher, subscriber = connected_pair(receive)
    with pytest.raises(TypeError):
        publisher.send('pub', 'x', topic=topic)
    assert publisher.is_running()
    publisher.send('pub', 'end')
    assert received(subscriber, value=['end'])


# --- What a handler is given ----------------------------------------------------------------------


def with_default(agent, message, topic=None):
    agent.received.append((message, topic))


@pytest.mark.parametrize(
    'handler, got',
    [
        pytest.param(receive, 'x', id='function-2'),
        pytest.param(receive_topic, ('x', b'top'), id='function-3'),
        pytest.param(with_default, ('x', b'top'), id='function-default'),
        pytest.param(lambda agent, message: agent.received.append(message), 'x', id='lambda-2'),
        pytest.param(lambda a, m, t: a.received.append((m, t)), ('x', b'top'), id='lambda-3'),
        pytest.param(tagging('closure'), ('closure', 'x'), id='closure'),
        pytest.param('take', 'x', id='name-2'),
        pytest.param('take_topic', ('x', b'top'), id='name-3'),
        pytest.param('take_default', ('x', b'top'), id='name-default'),
    ],
)
@pytest.mark.parametrize('given', ['connect', 'subscribe'])
def test_the_number_of_parameters_decides_what_a_handler_is_given(nsproxy, handler, got, given):
    """Agent and defaults count: two get the message, three the subscribed topic as well."""
    if given == 'connect':
        publisher, subscriber = connected_pair({'top': handler}, live=['top'])
    else:
        publisher, subscriber = connected_pair({'other': receive}, live=['other'])
        subscriber.subscribe('sub', {'top': handler})
        make_live(publisher, subscriber, 'top')
    publisher.send('pub', 'x', topic='topic')
    assert received(subscriber, value=[got])


def test_bound_methods_are_handlers(nsproxy):
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    subscriber.connect_methods(publisher.bind('PUB', alias='pub'), 'sub')
    make_live(publisher, subscriber, 'two', 'three')
    publisher.send('pub', 1, topic='two')
    publisher.send('pub', 2, topic='three')
    assert received(subscriber, value=[1, (2, b'three')])


def test_a_single_handler_is_a_catch_all(nsproxy):
    """Its topic is the empty one."""
    publisher, subscriber = connected_pair(receive_topic)
    publisher.send('pub', 1)
    publisher.send('pub', 2, topic='foo')
    assert received(subscriber, value=[(1, b''), (2, b'')])


def test_a_raw_subscriber_gets_topic_and_message_as_one(nsproxy):
    def one(agent, message):
        agent.received.append(message)

    def two(agent, message, topic):
        agent.received.append((message, topic))

    publisher, subscriber = run_agent('publisher', serializer='raw'), run_subscriber('subscriber')
    subscriber.connect(publisher.bind('PUB', alias='pub'), handler={'': one, 'fo': two})

    def probed():
        publisher.send('pub', b'probe')
        return wait_agent_attr(subscriber, length=1, timeout=0.1)

    assert wait_condition(probed, timeout=5)
    publisher.send('pub', b'last probe')
    assert received(subscriber, data=b'last probe')
    subscriber.set_attr(received=[])
    publisher.send('pub', b'\x80message\x80', topic='foo')
    assert received(subscriber, value=[b'foo\x80message\x80', (b'foo\x80message\x80', b'fo')])


@pytest.mark.new
@pytest.mark.parametrize('handler', [lambda: None, lambda agent: None, lambda agent, a, b, c: None])
@pytest.mark.parametrize('registered', ['connect', 'subscribe'])
def test_a_handler_of_the_wrong_shape_is_an_error_when_registered(nsproxy, handler, registered):
    """0.6.5 never called it, silently."""
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    address = publisher.bind('PUB', alias='pub')
    if registered == 'connect':
        with pytest.raises((TypeError, ValueError)):
            subscriber.connect(address, alias='sub', handler={'a': handler})
    else:
        subscriber.connect(address, alias='sub', handler=receive)
        with pytest.raises((TypeError, ValueError)):
            subscriber.subscribe('sub', {'a': handler})
    assert subscriber.is_running()


@pytest.mark.parametrize(
    'handler, error',
    [
        (1234, TypeError),
        ('missing', AttributeError),
        ({'a': 1234}, TypeError),
        ({'a': receive, 'b': 'missing'}, AttributeError),
    ],
)
def test_other_handlers_are_refused(nsproxy, handler, error):
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    with pytest.raises(error):
        subscriber.unsafe.connect(publisher.bind('PUB', alias='pub'), alias='sub', handler=handler)
    with pytest.raises(error):
        subscriber.unsafe.bind('SUB', alias='bound', handler=handler)


# --- Delivery -------------------------------------------------------------------------------------


def test_publications_arrive_complete_and_in_order_at_every_subscriber(nsproxy):
    """Also across the topics of one publisher."""
    publisher = run_agent('publisher')
    address = publisher.bind('PUB', alias='pub')
    subscribers = [run_subscriber('subscriber%d' % i) for i in range(3)]
    for subscriber in subscribers:
        subscriber.connect(address, alias='sub', handler={'a': receive, 'b': receive})
        make_live(publisher, subscriber, 'a', 'b')
    drain(publisher, *subscribers, topic='b')
    for number in range(200):
        publisher.send('pub', number, topic='ab'[number % 2])
    for subscriber in subscribers:
        assert received(subscriber, value=list(range(200)))


def test_a_publisher_never_blocks(nsproxy):
    """Neither without subscribers nor with one that does not keep up."""
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    address = publisher.bind('PUB', alias='pub')

    def flood(agent, size):
        started = time.monotonic()
        for _ in range(5000):
            agent.send('pub', b'x' * size, topic='flood')
        return time.monotonic() - started

    publisher.set_method(flood)
    assert publisher.flood(10) < 10
    handlers = {'slow': lambda a, m: [receive(a, m), time.sleep(2)], 'flood': receive}
    subscriber.connect(address, alias='sub', handler=handlers)

    def stuck():
        publisher.send('pub', 'busy', topic='slow')
        return wait_agent_attr(subscriber, length=1, timeout=0.1)

    assert wait_condition(stuck, timeout=5)
    assert publisher.flood(1000) < 10


def test_a_subscriber_may_bind_and_hear_several_publishers(nsproxy):
    subscriber = run_subscriber('subscriber')
    address = subscriber.bind('SUB', alias='sub', handler={'a': receive_topic, 'b': 'take'})
    publishers = [run_agent('publisher%d' % i) for i in range(2)]
    for publisher in publishers:
        client = publisher.connect(address, alias='pub')
        assert client.kind == 'PUB'
        make_live(publisher, subscriber, 'a', 'b')
    subscriber.set_attr(received=[])
    for publisher, number in zip(publishers, (1, 2)):
        for topic in ('a', 'b', 'c'):
            publisher.send('pub', number, topic=topic)
    assert received(subscriber, length=4)
    messages = subscriber.get_attr('received')
    assert messages.count((1, b'a')) == messages.count((2, b'a')) == 1
    assert messages.count(1) == messages.count(2) == 1


def test_programs_that_inherit_publish_from_timers(nsproxy):
    class Feed(Agent):
        def on_init(self):
            self.count = 0
            self.bind('PUB', alias='pub')

        def before_loop(self):
            self.each(0.02, 'tick')

        def tick(self):
            self.count += 1
            self.send('pub', self.count, topic='tick')

    feed, subscriber = run_agent('feed', base=Feed), run_subscriber('subscriber')
    subscriber.connect(feed.addr('pub'), handler={'tick': 'take'})
    assert received(subscriber, length=5)
    got = subscriber.get_attr('received')
    assert got == list(range(got[0], got[0] + len(got)))


@pytest.mark.parametrize(
    'transport',
    [
        pytest.param('ipc', marks=pytest.mark.new),
        pytest.param('tcp', marks=pytest.mark.new),
        'inproc',
    ],
)
@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_after_a_connect_arrives(nsproxy, transport):
    """A hundred times out of a hundred, for a single handler and for topics."""

    class Both(Subscriber):
        def publish_after_connect(self, rounds):
            for number in range(rounds):
                alias = 'pub%d' % number
                address = self.bind('PUB', alias=alias, transport=transport)
                handler = receive if number % 2 else {'one': receive, 'two': receive}
                self.connect(address, alias='sub%d' % number, handler=handler)
                self.send(alias, number, topic='two')

    agent = run_agent('agent', base=Both)
    agent.publish_after_connect(100)
    received(agent, length=100)
    assert sorted(agent.get_attr('received')) == list(range(100))


@pytest.mark.new
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_of_another_agent_arrives(nsproxy, transport):
    """One publisher to which subscribers come and go, a hundred times."""
    publisher, subscriber = (
        run_agent('publisher', transport=transport),
        run_subscriber('subscriber'),
    )
    address = publisher.bind('PUB', alias='pub')
    for number in range(100):
        subscriber.connect(address, alias='sub', handler={'x': receive} if number % 2 else 'take')
        publisher.send('pub', number, topic='x')
        assert wait_agent_attr(subscriber, data=number, timeout=2)
        subscriber.close('sub')
    assert subscriber.get_attr('received') == list(range(100))


@pytest.mark.new
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('bound', ['PUB', 'SUB'])
@pytest.mark.parametrize('hwm', [None, 1])
def test_a_subscriber_may_have_thousands_of_topics(nsproxy, transport, bound, hwm):
    """More than may wait in its queue (1,000, or its ``hwm``): ZeroMQ would forget the rest."""
    publisher, subscriber = run_agent('publisher', transport=transport), run_agent('subscriber', transport=transport)
    topics = [f'share {number:04}' for number in range(2_000)]
    subscriber.set_attr(received=[])
    handlers = dict.fromkeys(topics, receive)
    if bound == 'PUB':
        subscriber.connect(publisher.bind('PUB', alias='pub'), handler=handlers, hwm=hwm, ready=20)
    else:
        publisher.connect(subscriber.bind('SUB', handler=handlers, hwm=hwm), alias='pub', ready=20)
    for topic in (topics[0], topics[1], topics[999], topics[-1]):
        publisher.send('pub', topic, topic=topic)
        assert wait_agent_attr(subscriber, name='received', data=topic, timeout=10)


@pytest.mark.new
@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_after_a_subscribe_arrives(nsproxy, kind, transport):
    """A hundred times out of a hundred; and no subscriber is counted twice for it."""

    class Both(Subscriber):
        def publish_after_subscribe(self, rounds):
            self.connect(self.bind(kind, alias='pub', handler=receive), alias='sub', handler={'none': receive})
            for number in range(rounds):
                topic = f'share {number:03}'
                self.subscribe('sub', {topic: receive}, exact=bool(number % 2))
                self.send('pub', number, topic=topic)

    agent = run_agent('agent', base=Both, transport=transport)
    agent.publish_after_subscribe(100)
    assert received(agent, length=100)
    assert agent.get_attr('received') == list(range(100))
    assert agent.subscribers('pub') == 1


@pytest.mark.new
@pytest.mark.usefixtures('patient_connects')
def test_what_arrives_while_a_subscription_becomes_live_is_handled_in_order(nsproxy):
    """Also what comes many to a frame."""

    class Both(Subscriber):
        def subscribe_amid(self):
            self.connect(self.bind('PUB', alias='pub'), alias='sub', handler={'tick': receive})
            for number in range(0, 2_000, 10):
                self.send_many('pub', range(number, number + 10), topic='tick')
            self.subscribe('sub', {'other': receive})
            self.send('pub', 'end', topic='other')

    agent = run_agent('agent', base=Both)
    agent.subscribe_amid()
    assert received(agent, data='end')
    assert agent.get_attr('received') == [*range(2_000), 'end']


@pytest.mark.new
def test_a_subscribe_waits_once_for_a_publisher_that_is_busy_until_it_has_answered(nsproxy):
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    subscriber.connect(publisher.bind('PUB', alias='pub'), alias='sub', handler={'none': receive}, ready=LIMIT)
    process = publisher.execute_as_function(os.getpid)
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for number in range(100):
            subscriber.subscribe('sub', {f'share {number}': receive})
        assert time.monotonic() - began < LIMIT / 2  # 0.2 s, and not a hundred times as much
    finally:
        os.kill(process, signal.SIGCONT)
    # Late as its answer comes, the next subscription is waited for again.
    assert wait_condition(lambda: subscriber.execute_as_method(publisher_answers), timeout=LIMIT)
    assert publisher.subscribers('pub') == 1


@pytest.mark.new
def test_a_connect_ends_in_time_although_messages_keep_coming(nsproxy):
    """A publisher that publishes without a pause does not look at who subscribes."""

    def pour(agent):
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline and not agent.enough:
            agent.send('pub', 0)

    publisher, subscriber = run_agent('publisher', attributes={'enough': False}), run_subscriber('subscriber')
    address = publisher.bind('PUB', alias='pub')
    # Somebody listens, so that it need not look whether anybody does.
    run_agent('first').connect(address, handler=lambda agent, message: None, ready=LIMIT)
    publisher.after(0, pour)
    began = time.monotonic()
    subscriber.connect(address, handler=lambda agent, message: None)
    assert time.monotonic() - began < LIMIT / 2
    publisher.unsafe.set_attr(enough=True)


@pytest.mark.new
def test_a_connect_waits_a_moment_for_a_publisher_that_comes_later(nsproxy):
    """With `ready` seconds it is an error if nobody is there by then, and nothing is left of it."""
    publisher, subscriber = run_agent('publisher', transport='tcp'), run_subscriber('subscriber')
    address = publisher.bind('PUB', alias='pub')
    publisher.close('pub')
    with pytest.raises(TimeoutError):
        subscriber.unsafe.connect(address, alias='sub', handler=receive, ready=0.3)
    assert not subscriber.has_socket('sub')
    started = time.monotonic()
    subscriber.connect(address, alias='sub', handler=receive)
    assert time.monotonic() - started < LIMIT / 2
    publisher.bind('PUB', alias='pub', addr=address.address)
    make_live(publisher, subscriber, '')
    publisher.send('pub', 'x')
    assert received(subscriber, value=['x'])


# --- subscribe and unsubscribe --------------------------------------------------------------------


def test_subscribe_adds_topics_and_replaces_handlers(nsproxy):
    """Other topics are not touched."""
    publisher, subscriber = connected_pair({'a': tagging('a'), 'b': tagging('b')}, live=['a', 'b'])
    subscriber.subscribe('sub', {'b': tagging('new b'), b'c': tagging('c')})
    make_live(publisher, subscriber, 'b', 'c')
    for topic in 'abcd':
        publisher.send('pub', topic, topic=topic)
    publisher.send('pub', 'end', topic='a')
    assert received(subscriber, value=[('a', 'a'), ('new b', 'b'), ('c', 'c'), ('a', 'end')])


def test_subscribe_with_a_single_handler_hears_everything(nsproxy):
    publisher, subscriber = connected_pair({'a': tagging('a')}, live=['a'])
    subscriber.subscribe('sub', tagging('all'))
    make_live(publisher, subscriber, 'z')
    publisher.send('pub', 1, topic='a')
    publisher.send('pub', 2)
    assert received(subscriber, value=[('a', 1), ('all', 1), ('all', 2)])


@pytest.mark.parametrize('topic', ['a', b'a', ['a'], (b'a',), ['a', b'b']])
def test_an_unsubscribed_topic_is_no_longer_delivered(nsproxy, topic):
    publisher, subscriber = connected_pair({'a': tagging('a'), 'b': tagging('b'), 'c': tagging('c')}, live='abc')
    subscriber.unsubscribe('sub', topic)
    for sent in 'abc':
        publisher.send('pub', sent, topic=sent)
    publisher.send('pub', 'end', topic='c')
    left = 'c' if len(topic) == 2 else 'bc'
    assert received(subscriber, value=[(sent, sent) for sent in left] + [('c', 'end')])


def test_an_unsubscribed_topic_is_delivered_by_another_prefix(nsproxy):
    handlers = {'fo': tagging('fo'), 'foo': tagging('foo')}
    publisher, subscriber = connected_pair(handlers, live=['fo', 'foo'])
    subscriber.unsubscribe('sub', 'foo')
    publisher.send('pub', 1, topic='foobar')
    assert received(subscriber, value=[('fo', 1)])


def test_unsubscribing_the_empty_topic_undoes_a_catch_all(nsproxy):
    publisher, subscriber = connected_pair(tagging('all'))
    subscriber.subscribe('sub', {'a': tagging('a')})
    subscriber.unsubscribe('sub', '')
    make_live(publisher, subscriber, 'a')
    for topic in ('a', 'b', None):
        publisher.send('pub', topic, topic=topic)
    publisher.send('pub', 'end', topic='a')
    assert received(subscriber, value=[('a', 'a'), ('a', 'end')])


def test_a_topic_can_be_subscribed_again(nsproxy):
    publisher, subscriber = connected_pair({'a': tagging('old'), 'b': tagging('b')}, live=['a', 'b'])
    subscriber.unsubscribe('sub', 'a')
    publisher.send('pub', 1, topic='a')
    publisher.send('pub', 2, topic='b')
    assert received(subscriber, value=[('b', 2)])
    subscriber.subscribe('sub', {'a': tagging('new')})
    make_live(publisher, subscriber, 'a')
    publisher.send('pub', 3, topic='a')
    assert received(subscriber, value=[('new', 3)])


def test_a_bound_subscriber_changes_its_topics_too(nsproxy):
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    publisher.connect(subscriber.bind('SUB', alias='sub', handler={'a': tagging('a')}), alias='pub')
    make_live(publisher, subscriber, 'a')
    subscriber.subscribe('sub', {'b': tagging('b')})
    make_live(publisher, subscriber, 'b')
    subscriber.unsubscribe('sub', 'a')
    publisher.send('pub', 1, topic='a')
    publisher.send('pub', 2, topic='b')
    assert received(subscriber, value=[('b', 2)])


@pytest.mark.parametrize('topic', ['b', b'aa', '', ['b']])
def test_unsubscribing_what_is_not_subscribed_is_an_error(nsproxy, topic):
    publisher, subscriber = run_agent('publisher'), run_subscriber('subscriber')
    subscriber.connect(publisher.bind('PUB', alias='pub'), alias='sub', handler={'a': receive})
    with pytest.raises(KeyError):
        subscriber.unsafe.unsubscribe('sub', topic)
    subscriber.unsafe.unsubscribe('sub', 'a')
    with pytest.raises(KeyError):
        subscriber.unsafe.unsubscribe('sub', 'a')


def test_subscriptions_belong_to_subscribers_alone(nsproxy):
    agent = run_subscriber('agent')
    for kind in ('PUB', 'PUSH', 'PULL', 'REP', 'REQ'):
        agent.bind(kind, alias=kind, handler=receive)
        with pytest.raises((zmq.ZMQError, NotImplementedError, TypeError, ValueError)):
            agent.unsafe.subscribe(kind, {'a': receive})
        with pytest.raises((zmq.ZMQError, NotImplementedError, TypeError, ValueError)):
            agent.unsafe.unsubscribe(kind, 'a')
    with pytest.raises(KeyError):
        agent.unsafe.subscribe('unknown', receive)
    with pytest.raises(KeyError):
        agent.unsafe.unsubscribe('unknown', 'a')
    assert agent.is_running()


@pytest.mark.new
def test_an_exact_subscription_matches_the_whole_topic_only(nsproxy):
    """Prefixes on the same socket go on as before."""
    publisher, subscriber = connected_pair({'p': tagging('prefix'), 'q': tagging('q')}, live='pq')
    subscriber.subscribe('sub', {'IBM': tagging('exact'), b'q': tagging('exact q')}, exact=True)
    make_live(publisher, subscriber, 'IBM')
    for topic in ('IBMX', 'IB', '', None, 'IBM', b'IBM', 'pp', 'qq', 'q'):
        publisher.send('pub', topic, topic=topic)
    publisher.send('pub', 'end', topic='IBM')
    assert received(subscriber, data=('exact', 'end'))
    got = subscriber.get_attr('received')
    assert [x for x in got if x[0] == 'exact'] == [('exact', x) for x in ('IBM', b'IBM', 'end')]
    assert ('prefix', 'pp') in got
    assert [x for x in got if x[0] == 'exact q'] == [('exact q', 'q')]


@pytest.mark.new
def test_an_exact_subscription_of_the_empty_topic_hears_what_has_none(nsproxy):
    publisher, subscriber = connected_pair({'a': tagging('a')}, live=['a'])
    subscriber.subscribe('sub', tagging('none'), exact=True)
    make_live(publisher, subscriber, '')
    publisher.send('pub', 1, topic='b')
    publisher.send('pub', 2)
    publisher.send('pub', 3, topic='a')
    assert received(subscriber, value=[('none', 2), ('a', 3)])
    subscriber.unsubscribe('sub', '')
    publisher.send('pub', 4)
    publisher.send('pub', 5, topic='a')
    assert received(subscriber, value=[('none', 2), ('a', 3), ('a', 5)])
