"""SYNC_PUB between real agents: publications, and replies to requests in step with them."""

import threading
import time
import uuid

import pytest

from osbrain import Agent, run_agent, run_logger
from osbrain.address import AgentChannel
from osbrain.helper import logger_received, sync_agent_logger, wait_agent_attr, wait_condition
from tests.ports import free_port


def receive(agent, message):
    agent.received.append(message)


def receive_topic(agent, message, topic):
    agent.received.append((message, topic))


def take_reply(agent, reply):
    """Keep a reply among the publications, so that their order shows."""
    agent.received.append(('reply', reply))


def note_error(agent):
    """Serve as on_error: keep that it was called."""
    agent.errors.append('failed')


def tagging(tag):
    """Make a handler that keeps each message with a tag."""
    return lambda agent, message: agent.received.append((tag, message))


class Member(Agent):
    """Publisher or subscriber that keeps what it gets, with methods too."""

    def on_init(self):
        self.received = []
        self.errors = []

    def take(self, message):
        self.received.append(message)

    def take_reply(self, reply):
        self.received.append(('reply', reply))

    def reply(self, request):
        return request * 2

    def fail(self):
        self.errors.append('failed')

    def request_with_methods(self, request, **kwargs):
        self.send('sub', request, handler=self.take_reply, on_error=self.fail, **kwargs)


def double(agent, request):
    agent.received.append(request)
    return request * 2


def slow(agent, request):
    """Take as many seconds as the request says, and reply with it."""
    time.sleep(request)
    return request


def run_publisher(handler=double, **kwargs):
    publisher = run_agent('publisher', base=Member, **kwargs)
    publisher.bind('SYNC_PUB', alias='pub', handler=handler)
    return publisher


def run_subscriber(publisher, name='subscriber', handler=receive, topics=('',)):
    """Start an agent and send probes until all its topics are live."""
    subscriber = run_agent(name, base=Member)
    subscriber.connect(publisher.addr('pub'), alias='sub', handler=handler)
    make_live(publisher, subscriber, *topics)
    return subscriber


def make_live(publisher, subscriber, *topics):
    """Publish until all the topics reach the subscriber, then forget the probes."""

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


def log_of(agent):
    """Give the agent a logger that already hears it."""
    logger = run_logger('logger')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    return logger


def warned(logger, text, timeout=3):
    """Wait until the logger has a warning with the text; return how many."""
    return logger_received(logger, text, log_name='log_history_warning', timeout=timeout)


def received(agent, **conditions):
    """Wait until what arrived at the agent meets the conditions."""
    return wait_agent_attr(agent, timeout=5, **conditions)


def pending(agent):
    """Return how many requests of the agent are open."""
    return len(agent.get_attr('_pending_requests'))


# --- The channel ----------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_bind_and_connect_return_twin_channels(nsproxy, transport):
    publisher, subscriber = (run_agent(name, base=Member) for name in ('publisher', 'subscriber'))
    channel = publisher.bind('SYNC_PUB', alias='pub', handler=double, transport=transport)
    assert isinstance(channel, AgentChannel)
    assert channel.kind == 'SYNC_PUB'
    assert (channel.receiver.kind, channel.receiver.role) == ('PULL_SYNC_PUB', 'server')
    assert (channel.sender.kind, channel.sender.role) == ('PUB', 'server')
    assert channel.sender.transport == channel.receiver.transport == transport
    assert publisher.addr('pub') == channel
    assert publisher.has_socket('pub')
    client = subscriber.connect(channel, alias='sub', handler=receive)
    assert client == channel.twin() == subscriber.addr('sub')
    assert subscriber.has_socket('sub')


def test_publisher_and_subscribers_agree_on_the_identity_of_the_channel(nsproxy):
    """It travels with the channel, by return value and by name server."""
    publisher = run_publisher()
    channel = nsproxy.addr('publisher', 'pub')
    assert channel.uuid == publisher.addr('pub').uuid
    assert channel.uuid == publisher.execute_as_method(lambda agent: agent.addr('pub').uuid)
    assert channel.twin().twin_uuid == channel.uuid


def test_a_subscriber_connects_to_a_channel_once(nsproxy):
    publisher = run_publisher()
    subscriber = run_subscriber(publisher)
    with pytest.raises((NotImplementedError, AssertionError)):
        subscriber.unsafe.connect(publisher.addr('pub'), alias='again', handler=receive)


@pytest.mark.new
@pytest.mark.parametrize(
    'transport, addr',
    [
        ('tcp', '127.0.0.1'),
        ('tcp', '127.0.0.1:{port}'),
        ('ipc', 'osbrain-sync-pub-test'),
    ],
)
def test_the_address_can_be_chosen(nsproxy, transport, addr):
    """Publications come from there; 0.6.5 did not accept one."""
    publisher, subscriber = (run_agent(name, base=Member) for name in ('publisher', 'subscriber'))
    addr = addr.format(port=free_port())
    channel = publisher.bind('SYNC_PUB', alias='pub', handler=double, transport=transport, addr=addr)
    if transport == 'ipc':
        assert channel.sender.address.name == addr
    else:
        assert str(channel.sender.address).startswith(addr)
    assert channel.receiver != channel.sender
    subscriber.connect(channel, alias='sub', handler=receive)
    make_live(publisher, subscriber, '')
    subscriber.send('sub', 2, handler=take_reply)
    assert received(subscriber, value=[('reply', 4)])


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_closing_makes_the_channel_unknown_and_removes_its_files(nsproxy, transport):
    publisher = run_publisher(transport=transport)
    subscriber = run_subscriber(publisher)
    channel = publisher.addr('pub')
    subscriber.close('sub')
    publisher.close('pub')
    assert not subscriber.has_socket('sub')
    assert not publisher.has_socket('pub')
    if transport == 'ipc':
        for address in (channel.sender, channel.receiver):
            assert wait_condition(address.address.exists, negate=True, timeout=3)


@pytest.mark.new
def test_a_subscriber_that_closes_its_end_harms_no_other_and_may_come_back(nsproxy):
    publisher = run_publisher()
    subscriber, other = run_subscriber(publisher), run_subscriber(publisher, 'other')
    channel = publisher.addr('pub')
    subscriber.close('sub')
    assert channel.sender.address.exists() and channel.receiver.address.exists()
    subscriber.connect(channel, alias='sub', handler=receive)
    make_live(publisher, subscriber, '')
    drain(publisher, subscriber, other)
    publisher.send('pub', 'x')
    for member in (subscriber, other):
        assert received(member, value=['x'])
        member.send('sub', 2, handler=take_reply)
        assert received(member, value=['x', ('reply', 4)])


# --- Publications ---------------------------------------------------------------------------------


def test_a_single_handler_hears_everything_in_order(nsproxy):
    publisher = run_publisher()
    subscribers = [run_subscriber(publisher, 'subscriber%d' % i) for i in range(2)]
    drain(publisher, *subscribers)
    for number in range(100):
        publisher.send('pub', number, topic=[None, 'a', b'b'][number % 3])
    for subscriber in subscribers:
        assert received(subscriber, value=list(range(100)))


def test_topics_are_prefixes_as_with_pub(nsproxy):
    """Text or bytes; every matching entry is called, in order."""
    publisher = run_publisher()
    subscriber = run_subscriber(
        publisher,
        handler={'foo': tagging('foo'), b'fo': 'take', 'bar': tagging('bar')},
        topics=['foo', 'fo', 'bar'],
    )
    for topic in ('foobar', b'fo', 'f', None, '', 'xfoo', 'bar'):
        publisher.send('pub', topic, topic=topic)
    assert received(subscriber, value=[('foo', 'foobar'), 'foobar', b'fo', ('bar', 'bar')])


def test_a_handler_with_three_parameters_gets_a_topic_that_ends_with_the_prefix(nsproxy):
    publisher = run_publisher()
    subscriber = run_subscriber(publisher, handler={'to': receive_topic}, topics=['to'])
    publisher.send('pub', 'x', topic='topic')
    assert received(subscriber, length=1)
    ((message, topic),) = subscriber.get_attr('received')
    assert message == 'x'
    assert topic.endswith(b'to')


def test_unsubscribe_ends_the_catch_all(nsproxy):
    publisher = run_publisher()
    subscriber = run_subscriber(publisher)
    subscriber.subscribe('sub', {'a': tagging('a')})
    subscriber.unsubscribe('sub', '')
    with pytest.raises(KeyError):
        subscriber.unsafe.unsubscribe('sub', '')
    with pytest.raises(KeyError):
        subscriber.unsafe.unsubscribe('sub', 'unknown')


@pytest.mark.parametrize(
    'first',
    [
        pytest.param(receive, id='catch-all'),
        pytest.param({'a': receive}, id='topic', marks=pytest.mark.new),
    ],
)
def test_topics_can_be_changed_at_run_time(nsproxy, first):
    """Whatever was subscribed at connect; 0.6.5 needed a catch-all."""
    publisher = run_publisher()
    subscriber = run_subscriber(publisher, handler=first, topics=['a'])
    subscriber.subscribe('sub', {'b': tagging('b'), b'c': tagging('c')})
    make_live(publisher, subscriber, 'b', 'c')
    subscriber.unsubscribe('sub', ['b', '' if first is receive else 'a'])
    for topic in 'abcd':
        publisher.send('pub', topic, topic=topic)
    assert received(subscriber, value=[('c', 'c')])
    subscriber.subscribe('sub', tagging('all'))
    make_live(publisher, subscriber, '')
    publisher.send('pub', 1, topic='c')
    assert received(subscriber, value=[('c', 1), ('all', 1)])
    subscriber.send('sub', 2, handler=take_reply)
    assert received(subscriber, data=('reply', 4))


@pytest.mark.new
def test_an_exact_subscription_matches_the_whole_topic_only(nsproxy):
    publisher = run_publisher()
    subscriber = run_subscriber(publisher, handler={'p': tagging('prefix')}, topics=['p'])
    subscriber.subscribe('sub', {'IBM': tagging('exact')}, exact=True)
    make_live(publisher, subscriber, 'IBM')
    for topic in ('IBMX', 'IB', None, 'IBM', 'pp'):
        publisher.send('pub', topic, topic=topic)
    assert received(subscriber, value=[('exact', 'IBM'), ('prefix', 'pp')])


@pytest.mark.new
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_after_a_connect_arrives(nsproxy, transport):
    publisher = run_publisher(transport=transport)
    subscriber = run_agent('subscriber', base=Member)
    for number in range(50):
        handler = {'x': receive} if number % 2 else 'take'
        subscriber.connect(publisher.addr('pub'), alias='sub', handler=handler)
        publisher.send('pub', number, topic='x')
        assert wait_agent_attr(subscriber, data=number, timeout=2)
        subscriber.close('sub')
    assert subscriber.get_attr('received') == list(range(50))


@pytest.mark.new
@pytest.mark.parametrize('topic', [1, ['foo'], object()])
def test_a_topic_of_the_wrong_type_is_an_error_at_send(nsproxy, topic):
    publisher = run_publisher()
    with pytest.raises(TypeError):
        publisher.send('pub', 'x', topic=topic)
    assert publisher.is_running()


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json'])
def test_publications_travel_with_every_serializer_that_has_a_separator(nsproxy, serializer):
    """Requests need one that carries tuples and bytes: json may refuse them at the sender."""
    publisher = run_publisher(serializer=serializer)
    subscriber = run_subscriber(publisher, handler={'a': receive}, topics=['a'])
    publisher.send('pub', {'price': [1, 2.5]}, topic='ab')
    assert received(subscriber, value=[{'price': [1, 2.5]}])
    try:
        subscriber.unsafe.send('sub', 2, handler=take_reply)
    except TypeError:
        assert serializer == 'json'
        return
    assert received(subscriber, data=('reply', 4))


# --- Requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'handler',
    [
        pytest.param(take_reply, id='function'),
        pytest.param(lambda agent, reply: agent.received.append(('reply', reply)), id='lambda'),
        pytest.param(tagging('reply'), id='closure'),
        pytest.param('take_reply', id='name'),
    ],
)
def test_the_reply_goes_to_the_handler_of_the_request(nsproxy, handler):
    """And not to the handler of publications; a topic makes no difference."""
    publisher = run_publisher()
    subscriber = run_subscriber(publisher)
    assert subscriber.send('sub', 1, handler=handler) is None
    subscriber.send('sub', 2, handler=handler, topic='ignored')
    assert received(subscriber, value=[('reply', 2), ('reply', 4)])
    assert publisher.get_attr('received') == [1, 2]
    assert pending(subscriber) == 0
    for agent, name in ((publisher, 'double'), (subscriber, '<lambda>')):
        with pytest.raises(AttributeError):
            agent.get_attr(name)


@pytest.mark.parametrize(
    'handler',
    [
        pytest.param(lambda agent, request: request * 2, id='lambda'),
        pytest.param('reply', id='name'),
    ],
)
def test_the_publisher_replies_with_any_form_of_handler(nsproxy, handler):
    publisher = run_publisher(handler)
    subscriber = run_subscriber(publisher, handler={'never': receive, 'a': receive}, topics=['a'])
    subscriber.send('sub', 21, handler=take_reply)
    assert received(subscriber, value=[('reply', 42)])


@pytest.mark.new
def test_bound_methods_handle_replies_and_errors(nsproxy):
    publisher = run_publisher(slow)
    subscriber = run_subscriber(publisher)
    subscriber.request_with_methods(0)
    assert received(subscriber, value=[('reply', 0)])
    subscriber.request_with_methods(0.5, wait=0.1)
    assert wait_agent_attr(subscriber, name='errors', value=['failed'], timeout=3)


def test_a_request_without_handler_is_refused(nsproxy):
    publisher = run_publisher()
    subscriber = run_subscriber(publisher)
    with pytest.raises(ValueError, match='No handler for SYNC_PUB request'):
        subscriber.unsafe.send('sub', 1)
    assert pending(subscriber) == 0
    subscriber.send('sub', 1, handler=take_reply)
    assert received(subscriber, value=[('reply', 2)])
    assert publisher.get_attr('received') == [1]


def test_a_reply_is_in_step_with_the_publications_and_only_the_requester_gets_it(nsproxy):
    """It comes after the last publication before the handler ran and before the next one."""

    def count_replies(agent):
        return sum(isinstance(item, tuple) for item in agent.get_attr('received'))

    class Feed(Member):
        def on_init(self):
            super().on_init()
            self.count = 0
            self.bind('SYNC_PUB', alias='pub', handler='answer')

        def tick(self):
            self.count += 1
            self.send('pub', self.count)

        def answer(self, request):
            return self.count

    feed = run_agent('feed', base=Feed)
    asking, other = run_subscriber(feed, 'asking'), run_subscriber(feed, 'other')
    drain(feed, asking, other)
    timer = feed.each(0.005, 'tick')
    assert received(asking, length=5)
    for _ in range(20):
        expected = count_replies(asking) + 1
        asking.send('sub', None, handler='take_reply')
        assert wait_condition(lambda wanted: count_replies(asking) == wanted, expected, timeout=3)
    feed.stop_timer(timer)
    last = feed.get_attr('count')
    assert received(asking, data=last) and received(other, data=last)
    got = asking.get_attr('received')
    assert sum(isinstance(x, tuple) for x in got) == 20
    for before, item in zip(got, got[1:]):
        if isinstance(item, tuple):
            assert item[1] == (before[1] if isinstance(before, tuple) else before)
    assert [x for x in got if not isinstance(x, tuple)] == list(range(1, last + 1))
    assert other.get_attr('received') == list(range(1, last + 1))


def test_a_yielded_reply_leaves_before_the_rest_of_the_handler_runs(nsproxy):
    def early(agent, request):
        yield request * 2
        agent.received.append('begin')
        agent.gate.wait(30)
        agent.send('pub', 'published later')
        agent.received.append('end')

    publisher = run_publisher(early)
    publisher.execute_as_method(lambda agent: setattr(agent, 'gate', threading.Event()))
    subscriber = run_subscriber(publisher)
    subscriber.send('sub', 1, handler=take_reply)
    assert received(subscriber, value=[('reply', 2)])
    assert publisher.get_attr('received') in ([], ['begin'])
    publisher.unsafe.execute_as_method(lambda agent: agent.gate.set())
    assert received(subscriber, value=[('reply', 2), 'published later'])


def test_a_second_yield_stops_the_publisher_after_the_first_reply(nsproxy):
    def twice(agent, request):
        yield 'first'
        yield 'second'

    publisher = run_publisher(twice)
    subscriber = run_subscriber(publisher)
    logger = log_of(publisher)
    subscriber.send('sub', None, handler=take_reply)
    assert received(subscriber, value=[('reply', 'first')])
    assert wait_condition(publisher.is_running, negate=True, timeout=3)
    assert logger_received(logger, 'yielded more than once', log_name='log_history_error')


def test_a_binding_without_handler_for_requests_is_refused(nsproxy):
    agent = run_agent('agent')
    with pytest.raises(ValueError, match='This socket requires a handler!'):
        agent.unsafe.bind('SYNC_PUB', alias='pub')
    assert not agent.has_socket('pub')


# --- Waiting and failures -------------------------------------------------------------------------


def test_after_the_wait_on_error_is_called_and_the_late_reply_is_a_warning(nsproxy):
    publisher = run_publisher(slow)
    subscriber = run_subscriber(publisher)
    logger = log_of(subscriber)
    subscriber.send('sub', 3, handler=take_reply, wait=1.5, on_error=note_error)
    assert pending(subscriber) == 1
    assert not wait_agent_attr(subscriber, name='errors', length=1, timeout=0.3)
    assert wait_agent_attr(subscriber, name='errors', value=['failed'], timeout=10)
    assert pending(subscriber) == 0
    assert warned(logger, 'Received response for an unknown request!', timeout=10)
    assert subscriber.get_attr('received') == []


def test_without_on_error_a_warning_is_logged(nsproxy):
    publisher = run_publisher(slow)
    subscriber = run_subscriber(publisher)
    logger = log_of(subscriber)
    subscriber.send('sub', 2, handler=take_reply, wait=0.1)
    assert warned(logger, r'Did not receive request .+ after 0\.1 seconds', timeout=10)
    assert pending(subscriber) == 0


def test_a_reply_in_time_cancels_the_wait(nsproxy):
    publisher = run_publisher(slow)
    subscriber = run_subscriber(publisher)
    logger = log_of(subscriber)
    subscriber.send('sub', 0, handler=take_reply, wait=1, on_error=note_error)
    assert received(subscriber, value=[('reply', 0)])
    assert not warned(logger, '.', timeout=1.5)
    assert subscriber.get_attr('errors') == []


def test_a_reply_to_a_forgotten_request_is_logged_and_not_handled(nsproxy):
    publisher = run_publisher(slow)
    subscriber = run_subscriber(publisher)
    logger = log_of(subscriber)
    subscriber.send('sub', 2, handler=take_reply)
    subscriber.set_attr(_pending_requests={})
    assert warned(logger, 'Received response for an unknown request!', timeout=10)
    assert subscriber.get_attr('received') == []


@pytest.mark.new
@pytest.mark.parametrize('on_error', ['fail', note_error], ids=['name', 'function'])
def test_on_error_is_called_when_the_handler_of_the_publisher_failed(nsproxy, on_error):
    """The other subscribers hear nothing of it; the publisher goes on if it was told to."""

    def fail(agent, request):
        raise ValueError('no such share')

    publisher = run_publisher(fail, on_error='continue')
    subscriber, other = run_subscriber(publisher), run_subscriber(publisher, 'other')
    drain(publisher, subscriber, other)
    subscriber.send('sub', 1, handler=take_reply, on_error=on_error)
    assert wait_agent_attr(subscriber, name='errors', value=['failed'], timeout=3)
    publisher.send('pub', 'x')
    for member in (subscriber, other):
        assert received(member, value=['x'])
    assert publisher.is_running()
