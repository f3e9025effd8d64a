"""Queues that are full, and those that keep the newest message only: hwm and conflate between real processes."""

import contextlib
import threading

import pytest
import zmq

from osbrain import Agent, run_agent
from osbrain.helper import wait_agent_attr, wait_condition

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]

LARGE = 300_000  # bytes: more than the kernel keeps of a connection


def receive(agent, message):
    agent.received.append(message)


def receive_number(agent, message):
    """Keep what stands in front of a large message."""
    agent.received.append(message[0])


class Gated(Agent):
    """Handle nothing while the gate is shut."""

    def on_init(self):
        self.received = []
        self.gate = None

    def hold(self):
        self.gate = threading.Event()
        self.gate.wait(60)

    def open_gate(self):
        self.gate.set()
        self.gate = None


@contextlib.contextmanager
def held(agent):
    """While the block runs, the agent handles nothing."""
    agent.after(0, 'hold')
    assert wait_condition(lambda: agent.unsafe.execute_as_method(lambda agent: agent.gate is not None))
    yield
    agent.unsafe.open_gate()


def run_gated(name='receiver', **kwargs):
    return run_agent(name, base=Gated, **kwargs)


def fill(agent, most=100):
    """Send large messages until there is no room, but no more than *most*; how many were sent."""
    sent = 0
    with contextlib.suppress(TimeoutError):
        for number in range(most):
            agent.send('out', (number, bytes(LARGE)), timeout=2)
            sent += 1
    return sent


def large(agent, numbers):
    """Send large messages, one for each number."""
    for number in numbers:
        agent.send('out', (number, bytes(LARGE)))


# --- hwm: who pushes waits --------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('bound', ['PUSH', 'PULL'])
def test_a_pusher_waits_for_a_slow_worker_and_nothing_is_lost(nsproxy, bound, transport):
    pusher, worker = run_agent('pusher'), run_gated()
    if bound == 'PUSH':
        worker.connect(pusher.bind('PUSH', alias='out', hwm=3, transport=transport), handler=receive_number, hwm=2)
    else:
        pusher.connect(worker.bind('PULL', handler=receive_number, hwm=2, transport=transport), alias='out', hwm=3)
    with held(worker):
        sent = pusher.execute_as_method(fill)
        # About the sum of both marks; what the kernel keeps comes on top.
        assert 3 <= sent < 100
        with pytest.raises(TimeoutError):
            pusher.send('out', (-1, bytes(LARGE)), timeout=0)
    pusher.execute_as_method(large, range(sent, sent + 20))
    assert wait_agent_attr(worker, length=sent + 20, timeout=10)
    assert worker.received == list(range(sent + 20))


def test_send_many_waits_as_well(nsproxy):
    """With raw each message has a frame of its own; those that found room have been sent."""

    def send(agent):
        agent.send_many('out', [bytes([number]) * LARGE for number in range(50)], timeout=2)

    pusher, worker = run_agent('pusher', on_error='continue'), run_gated()
    worker.connect(pusher.bind('PUSH', alias='out', hwm=2, serializer='raw'), handler=receive_number, hwm=2)
    with held(worker), pytest.raises(TimeoutError):
        pusher.execute_as_method(send)
    pusher.send('out', b'\xff')
    assert wait_agent_attr(worker, data=255, timeout=10)
    *numbers, _ = worker.received
    assert numbers == list(range(len(numbers)))
    assert 2 <= len(numbers) < 50


def test_the_default_mark_holds_where_none_is_given(nsproxy):
    """1,000 messages on this side, as in ZeroMQ."""
    pusher = run_agent('pusher')
    pusher.bind('PUSH', alias='out')
    pusher.connect(other_end('PULL'), alias='connected')

    def count(agent):
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 3000:
                agent.send('connected', sent, timeout=0)
                sent += 1
        return sent

    assert pusher.execute_as_method(count) == 1000


def other_end(kind):
    """An address where nobody is."""
    from osbrain import AgentAddress

    return AgentAddress('tcp', '127.0.0.1:9', kind, 'server', 'pickle')


@pytest.mark.parametrize('hwm, room', [(1, 1), (7, 7), (0, 3000)])
def test_a_mark_counts_the_messages_for_a_peer_that_is_not_there_yet(nsproxy, hwm, room):
    def count(agent):
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 3000:
                agent.send('out', sent, timeout=0)
                sent += 1
        return sent

    pusher = run_agent('pusher')
    pusher.connect(other_end('PULL'), alias='out', hwm=hwm)
    assert pusher.execute_as_method(count) == room
    pusher.close('out', linger=0)


def test_without_a_limit_a_pusher_never_waits_for_a_worker(nsproxy):
    pusher, worker = run_agent('pusher'), run_gated()
    worker.connect(pusher.bind('PUSH', alias='out', hwm=0), handler=receive_number, hwm=1)
    with held(worker):
        assert pusher.execute_as_method(fill) == 100
    assert wait_agent_attr(worker, length=100, timeout=10)
    assert worker.received == list(range(100))


def test_a_mark_may_be_any_whole_number(nsproxy):
    numpy = pytest.importorskip('numpy')
    agent = run_agent('agent')
    agent.execute_as_method(lambda agent: agent.bind('PUSH', alias='out', hwm=numpy.int64(3)) and None)
    assert agent.has_socket('out')


# --- hwm: who publishes drops -----------------------------------------------------------------------


def published(kind='PUB', mark=None, transport='ipc', **options):
    """A publisher with the *mark*, and a subscriber with *options* that keeps numbers and the end."""
    publisher, subscriber = run_gated('publisher'), run_gated('subscriber')
    handler = receive if kind == 'SYNC_PUB' else None
    address = publisher.bind(kind, alias='out', handler=handler, hwm=mark, transport=transport)
    subscriber.connect(address, handler=receive_number, **options)
    return publisher, subscriber


def heard(publisher, subscriber):
    """What the subscriber has got of the numbers, once publications arrive again."""

    def arrives():
        publisher.send('out', ('end',))
        return 'end' in subscriber.get_attr('received')

    assert wait_condition(arrives, timeout=20)
    return [number for number in subscriber.received if number != 'end']


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
def test_a_publisher_with_a_small_mark_waits_for_nobody_and_drops(nsproxy, kind, transport):
    publisher, subscriber = published(kind, 2, transport, hwm=2)
    with held(subscriber):
        publisher.execute_as_method(large, range(100))
    numbers = heard(publisher, subscriber)
    assert 1 <= len(numbers) < 50
    assert numbers == sorted(set(numbers))


def test_without_a_limit_a_publisher_drops_nothing(nsproxy):
    publisher, subscriber = published(mark=0)
    with held(subscriber):
        publisher.execute_as_method(large, range(100))
    assert heard(publisher, subscriber) == list(range(100))


def test_without_a_limit_a_burst_of_small_publications_arrives_whole(nsproxy):
    """Far more than the default marks hold."""
    publisher, subscriber = published(mark=0)

    def burst(agent):
        for number in range(20_000):
            agent.send('out', (number,))

    with held(subscriber):
        publisher.execute_as_method(burst)
    assert wait_agent_attr(subscriber, length=20_000, timeout=20)
    assert subscriber.received == list(range(20_000))


# --- hwm: mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', ['PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP', 'SYNC_PUB'])
@pytest.mark.parametrize('hwm', [-1, 1.5, '10', True, 2**31, [1]], ids=str)
def test_a_mark_that_is_none_is_refused_before_anything_is_bound(nsproxy, kind, hwm):
    agent = run_gated('agent')
    handler = None if kind in ('PUSH', 'PUB', 'REQ') else receive
    with pytest.raises(ValueError, match='hwm must be a whole number of messages') as caught:
        agent.bind(kind, alias='out', handler=handler, addr='place', hwm=hwm)
    assert type(caught.value).__name__ == 'OptionInvalid'
    with pytest.raises(KeyError):
        agent.addr('out')
    agent.bind(kind, alias='out', handler=handler, addr='place', hwm=5)


def test_a_mark_that_is_none_is_refused_before_anything_is_connected(nsproxy):
    agent, peer = run_gated('agent'), run_gated('peer')
    for kind in ('PUSH', 'PUB', 'SYNC_PUB'):
        address = peer.bind(kind, handler=receive)
        with pytest.raises(ValueError, match='hwm must be'):
            agent.connect(address, alias='in', handler=receive, hwm=-1)
        assert not agent.has_socket('in')
        agent.connect(address, alias='in', handler=receive, hwm=5)
        agent.close('in')


def test_requests_have_a_limit_of_their_own(nsproxy):
    agent, peer = run_gated('agent'), run_gated('peer')
    with pytest.raises(NotImplementedError, match='REQUEST_LIMIT') as caught:
        agent.bind('ASYNC_REP', alias='x', handler=receive, hwm=5)
    assert type(caught.value).__name__ == 'KindUnsupported'
    with pytest.raises(NotImplementedError, match='REQUEST_LIMIT'):
        agent.connect(peer.bind('ASYNC_REP', handler=receive), alias='x', handler=receive, hwm=5)
    assert not agent.has_socket('x')


# --- conflate ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('bound', ['PUB', 'SUB'])
def test_a_slow_subscriber_sees_the_newest_of_each_topic(nsproxy, bound, transport):
    publisher, subscriber = run_gated('publisher'), run_gated('subscriber')
    handlers = {'a': receive, 'b': receive}
    if bound == 'PUB':
        address = publisher.bind('PUB', alias='out', transport=transport)
        subscriber.connect(address, handler=handlers, conflate=True)
    else:
        publisher.connect(subscriber.bind('SUB', handler=handlers, conflate=True, transport=transport), alias='out')

    def burst(agent):
        for number in range(400):
            for topic in 'abc':
                agent.send('out', (topic, number), topic=topic)

    with held(subscriber):
        publisher.execute_as_method(burst)
    for topic in 'ab':
        assert wait_agent_attr(subscriber, data=(topic, 399), timeout=10)
    for topic in 'ab':
        numbers = [number for name, number in subscriber.received if name == topic]
        assert numbers == sorted(numbers)
        assert numbers[-1] == 399
        assert len(numbers) < 40
    assert all(topic != 'c' for topic, _ in subscriber.received)


def test_who_keeps_up_misses_nothing(nsproxy):
    publisher, subscriber = published(conflate=True)
    for number in range(20):
        publisher.send('out', (number,))
        assert wait_agent_attr(subscriber, data=number)
    assert subscriber.received == list(range(20))


def test_of_topics_that_begin_alike_each_has_its_newest(nsproxy):
    """The topic that was sent counts, not the prefix that is subscribed."""
    publisher, subscriber = published(conflate=True)

    def burst(agent):
        for number in range(100):
            agent.send('out', ('share.A', number), topic='share.A')
            agent.send('out', ('share.AA', number), topic='share.AA')

    subscriber.connect(publisher.bind('PUB', alias='out'), handler={'share.': receive}, conflate=True)
    with held(subscriber):
        publisher.execute_as_method(burst)
    assert wait_agent_attr(subscriber, data=('share.A', 99))
    assert wait_agent_attr(subscriber, data=('share.AA', 99))


def test_of_raw_publications_the_newest_of_all_counts(nsproxy):
    """Where a topic ends cannot be seen."""
    publisher, subscriber = run_gated('publisher'), run_gated('subscriber')
    address = publisher.bind('PUB', alias='out', serializer='raw')
    subscriber.connect(address, handler=receive, conflate=True)
    with held(subscriber):
        for number in range(100):
            publisher.send('out', b'%d' % number, topic='a')
            publisher.send('out', b'%d' % number, topic='b')
    assert wait_agent_attr(subscriber, data=b'b99')
    assert len(subscriber.received) < 10


@pytest.mark.parametrize('many', [False, True])
@pytest.mark.parametrize('pusher_does, worker_does', [(True, False), (False, True), (True, True)])
def test_a_slow_worker_gets_the_newest(nsproxy, pusher_does, worker_does, many):
    pusher, worker = run_gated('pusher'), run_gated()
    address = worker.bind('PULL', handler=receive, conflate=worker_does)
    pusher.connect(address, alias='out', conflate=pusher_does, hwm=0 if worker_does else None)

    def burst(agent):
        if many:
            agent.send_many('out', list(range(500)))
            agent.send_many('out', list(range(500, 1000)))
        else:
            for number in range(1000):
                agent.send('out', number)

    with held(worker):
        pusher.execute_as_method(burst)
    assert wait_agent_attr(worker, data=999, timeout=10)
    assert worker.received == sorted(worker.received)
    if worker_does:
        assert len(worker.received) < 40


def test_a_pusher_that_keeps_the_newest_never_waits(nsproxy):
    """Not even for a worker that is not there: it gets the newest when it comes."""
    pusher, worker = run_gated('pusher'), run_gated()
    address = pusher.bind('PUSH', alias='out', conflate=True)
    worker.connect(address, alias='in', handler=receive)
    assert worker.received == []
    pusher.connect(other_end('PULL'), alias='nobody', conflate=True)

    def burst(agent):
        for number in range(5000):
            agent.send('nobody', number, timeout=0)

    pusher.execute_as_method(burst)
    pusher.close('nobody', linger=0)
    pusher.send('out', 'end')
    assert wait_agent_attr(worker, value=['end'])


@pytest.mark.parametrize('way', ['PUSH', 'PULL', 'SUB'])
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_large_arrays_can_be_the_newest_too(nsproxy, way, transport):
    numpy = pytest.importorskip('numpy')
    size = 125_000  # times 8 bytes

    def note(agent, array):
        agent.received.append((array.shape, set(array.tolist())))

    def burst(agent):
        for number in range(50):
            agent.send('out', numpy.full(size, float(number)))

    sender, receiver = run_gated('sender'), run_gated()
    address = sender.bind('PUB' if way == 'SUB' else 'PUSH', alias='out', transport=transport, conflate=way == 'PUSH')
    receiver.connect(address, handler=note, conflate=way != 'PUSH')
    with held(receiver):
        sender.execute_as_method(burst)
    assert wait_agent_attr(receiver, data=((size,), {49.0}), timeout=20)
    shapes, values = zip(*receiver.received)
    assert set(shapes) == {(size,)}
    assert all(len(one) == 1 for one in values)
    assert [min(one) for one in values] == sorted(min(one) for one in values)
    assert len(values) < 50


def test_a_handler_that_wants_lists_gets_one_of_the_newest_of_each_topic(nsproxy):
    publisher, subscriber = published(conflate=True, batch=True)
    address = publisher.bind('PUB', alias='out')
    subscriber.connect(address, handler=receive, conflate=True, batch=True)

    def burst(agent):
        for number in range(400):
            agent.send('out', ('a', number), topic='a')
            agent.send('out', ('b', number), topic='b')

    with held(subscriber):
        publisher.execute_as_method(burst)
    assert wait_condition(lambda: ('b', 399) in [one for some in subscriber.get_attr('received') for one in some])
    for some in subscriber.received:
        assert len({topic for topic, _ in some}) == len(some)


@pytest.mark.parametrize('kind', ['PUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_PUB'])
def test_kinds_that_cannot_keep_the_newest_refuse(nsproxy, kind):
    agent = run_gated('agent')
    handler = None if kind in ('PUB', 'REQ') else receive
    with pytest.raises(NotImplementedError, match='conflate=True') as caught:
        agent.bind(kind, alias='x', handler=handler, addr='place', conflate=True)
    assert type(caught.value).__name__ == 'KindUnsupported'
    assert not agent.has_socket('x')
    agent.bind(kind, alias='x', handler=handler, addr='place')


@pytest.mark.parametrize('kind', ['REQ', 'REP', 'SUB', 'ASYNC_REP', 'SYNC_PUB'])
def test_connecting_refuses_as_well(nsproxy, kind):
    agent, peer = run_gated('agent'), run_gated('peer')
    address = peer.bind(kind, handler=None if kind == 'REQ' else receive)
    with pytest.raises(NotImplementedError, match='conflate=True'):
        agent.connect(address, alias='x', handler=None if kind in ('REP', 'SUB') else receive, conflate=True)
    assert not agent.has_socket('x')


@pytest.mark.parametrize('conflate', [1, 'newest', None])
def test_conflate_is_true_or_false(nsproxy, conflate):
    agent = run_gated('agent')
    with pytest.raises(ValueError, match='conflate must be True or False'):
        agent.bind('PULL', alias='x', handler=receive, conflate=conflate)
    assert not agent.has_socket('x')


def test_a_bare_subscriber_is_dropped_for_but_never_waited_for(nsproxy, open_to_strangers):
    """A program that does not read costs the publisher no more memory than its mark."""
    publisher = run_agent('publisher')
    address = publisher.bind('PUB', alias='out', hwm=5, transport='tcp').address
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger, socket.rcvhwm = 0, 5
        socket.connect(f'tcp://{address.host}:{address.port}')
        socket.subscribe(b'')
        publisher.wait_for_subscribers('out', 1)
        publisher.execute_as_method(large, range(200))
        count = 0
        while socket.poll(500):
            socket.recv_multipart()
            count += 1
        assert 5 <= count < 100
