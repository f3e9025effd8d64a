"""A publisher knows who listens: it counts them, waits for them, and writes nothing for nobody."""

import contextlib
import os
import signal
import threading

import pytest
import zmq

from osbrain import Agent, Proxy, run_agent
from osbrain.helper import wait_agent_attr, wait_condition

pytestmark = pytest.mark.new


def receive(agent, message):
    agent.received.append(message)


def answer(agent, request):
    return request


def run_publisher(kind='PUB', name='publisher', **kwargs):
    publisher = run_agent(name)
    publisher.bind(kind, alias='pub', handler=answer if kind == 'SYNC_PUB' else None, **kwargs)
    return publisher


def run_subscriber(name='subscriber', **attributes):
    return run_agent(name, attributes={'received': [], **attributes})


def place(kind, name):
    """The address that a socket will have which is bound later, with the address name *name*."""
    helper = run_agent('helper')
    address = helper.bind(kind, alias='x', handler=receive, addr=name, transport='ipc')
    helper.close('x')
    return address


def counts(publisher, number, timeout=5):
    """Whether the publisher has *number* subscribers soon."""
    return wait_condition(lambda: publisher.subscribers('pub') == number, timeout=timeout)


@pytest.fixture
def bare():
    """Make SUB sockets without osbrain for an address, each with the topics given."""
    with zmq.Context() as context:
        sockets = []

        def connect(address, *topics):
            socket = context.socket(zmq.SUB)
            sockets.append(socket)
            socket.linger, socket.rcvtimeo = 0, 5000
            for topic in topics:
                socket.subscribe(topic)
            host = 'ipc://' if address.transport == 'ipc' else 'tcp://'
            socket.connect(host + str(address.address))
            return socket

        yield connect
        for socket in sockets:
            socket.close()


# --- Counting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
@pytest.mark.usefixtures('patient_connects')
def test_subscribers_are_counted_as_they_come_and_go(nsproxy, kind, transport):
    publisher = run_publisher(kind, transport=transport)
    address = publisher.addr('pub')
    assert publisher.subscribers('pub') == 0
    agents = [run_subscriber('subscriber%d' % n) for n in range(4)]
    for number, agent in enumerate(agents, start=1):
        agent.connect(address, alias='in', handler=receive)
        # connect() came back, so the publisher knows.
        assert publisher.subscribers('pub') == number
    agents[0].close('in')
    assert counts(publisher, 3)
    agents[1].shutdown()
    assert counts(publisher, 2)
    agents[2].kill()
    assert counts(publisher, 1)
    os.kill(nsproxy.status()['subscriber3'].pid, signal.SIGKILL)
    assert counts(publisher, 0)
    agents[0].connect(address, alias='in', handler=receive)
    assert publisher.subscribers('pub') == 1


@pytest.mark.parametrize('handlers', [{}, {'a': receive}, {'a': receive, 'b': receive, '': receive}], ids=len)
@pytest.mark.usefixtures('patient_connects')
def test_a_subscriber_counts_once_whatever_its_topics_are(nsproxy, handlers):
    publisher, subscriber = run_publisher(), run_subscriber()
    subscriber.connect(publisher.addr('pub'), alias='in', handler=handlers)
    assert publisher.subscribers('pub') == 1
    subscriber.subscribe('in', {'c': receive, 'd': receive})
    subscriber.subscribe('in', {'e': receive}, exact=True)
    subscriber.unsubscribe('in', ['c', *handlers])

    def heard():
        publisher.send('pub', 'x', topic='e')
        return subscriber.get_attr('received')

    assert wait_condition(heard)
    assert publisher.subscribers('pub') == 1


@pytest.mark.usefixtures('patient_connects')
def test_it_counts_sockets_not_agents(nsproxy):
    publisher, subscriber = run_publisher(), run_subscriber()
    subscriber.connect(publisher.addr('pub'), handler=receive)
    publisher.connect(subscriber.bind('SUB', alias='bound', handler=receive), alias='other')
    other = run_publisher(name='other')
    subscriber.connect(other.addr('pub'), handler=receive)
    assert (publisher.subscribers('pub'), publisher.subscribers('other'), other.subscribers('pub')) == (1, 1, 1)


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.usefixtures('patient_connects')
def test_a_publisher_that_connects_counts_too(nsproxy, transport):
    subscriber = run_subscriber()
    address = subscriber.bind('SUB', alias='in', handler={'a': receive}, transport=transport)
    publishers = [run_agent('publisher%d' % n) for n in range(2)]
    for publisher in publishers:
        publisher.connect(address, alias='pub')
        assert publisher.subscribers('pub') == 1
        assert publisher.wait_for_subscribers('pub', 1, wait=0) == 1
    subscriber.close('in')
    # One that may come back: what is published meanwhile waits for it, as it always has.
    for publisher in publishers:
        assert publisher.subscribers('pub') == 1


def test_of_other_programs_the_most_common_topic_counts(nsproxy, bare):
    publisher = run_publisher(transport='tcp', serializer='raw')
    address = publisher.addr('pub')
    bare(address, b'a')
    assert counts(publisher, 1)
    bare(address, b'b')
    first = bare(address, b'a', b'c')
    assert publisher.wait_for_subscribers('pub', 2) == 2
    bare(address, b'a')
    assert publisher.wait_for_subscribers('pub', 3) == 3
    first.close()
    assert counts(publisher, 2)


def test_agents_and_other_programs_are_counted_beside_each_other(nsproxy, bare):
    publisher, subscriber = run_publisher(serializer='json'), run_subscriber()
    subscriber.connect(publisher.addr('pub'), handler={'a': receive})
    socket = bare(publisher.addr('pub'), b'a')
    assert publisher.wait_for_subscribers('pub', 2) == 2
    publisher.send('pub', 1, topic='a')
    assert socket.recv() == b'a\x801'
    assert wait_agent_attr(subscriber, value=[1])


def test_a_socket_that_connects_again_and_again_is_counted_right(nsproxy):
    publisher, subscriber = run_publisher(), run_subscriber()

    def churn(agent, address):
        for _ in range(100):
            agent.connect(address, alias='in', handler=receive)
            agent.close('in')
        agent.connect(address, alias='in', handler=receive)

    subscriber.execute_as_method(churn, publisher.addr('pub'))
    assert counts(publisher, 1)


# --- Waiting ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def soon(action, *args):
    """Run *action* in another thread while the block waits for what it does."""
    thread = threading.Timer(0.2, action, args)
    thread.start()
    yield
    thread.join()


def connect_later(address, name='subscriber'):
    return soon(lambda: Proxy(name).connect(address, alias='in', handler=receive))


@pytest.mark.parametrize('mode', ['plain', 'safe', 'unsafe'])
def test_waiting_through_a_proxy_lets_the_agent_go_on(nsproxy, mode):
    publisher, _ = run_publisher(), run_subscriber()
    publisher.set_attr(ticks=0)
    publisher.each(0.01, lambda agent: setattr(agent, 'ticks', agent.ticks + 1))
    proxy = publisher if mode == 'plain' else getattr(publisher, mode)
    ticked = []

    def connect_once_it_has_ticked():
        before = publisher.ticks
        ticked.append(wait_condition(lambda: publisher.ticks - before > 5, timeout=10))
        Proxy('subscriber').connect(publisher.addr('pub'), alias='in', handler=receive)

    with soon(connect_once_it_has_ticked):
        assert proxy.wait_for_subscribers('pub', wait=30) == 1
    assert ticked == [True]
    with pytest.raises(TimeoutError):
        proxy.wait_for_subscribers('pub', 2, wait=0.2)
    assert publisher.is_running()


def test_who_waits_need_not_be_the_only_one(nsproxy):
    publisher, _ = run_publisher(), run_subscriber()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(Proxy('publisher').wait_for_subscribers('pub', 1)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    Proxy('subscriber').connect(publisher.addr('pub'), handler=receive)
    for thread in threads:
        thread.join(10)
    assert found == [1] * 5


@pytest.mark.usefixtures('patient_connects')
def test_it_returns_how_many_there_are(nsproxy):
    publisher = run_publisher()
    for number in range(3):
        run_subscriber('subscriber%d' % number).connect(publisher.addr('pub'), handler=receive)
    for n in range(4):
        assert publisher.wait_for_subscribers('pub', n, wait=0) == 3
    assert publisher.wait_for_subscribers('pub') == 3


@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
@pytest.mark.usefixtures('patient_connects')
def test_a_timeout_names_the_alias_and_both_numbers(nsproxy, mode):
    publisher, subscriber = run_publisher(), run_subscriber()
    subscriber.connect(publisher.addr('pub'), handler=receive)
    with pytest.raises(TimeoutError, match=r"'pub' of agent '[^']+' has 1 of 3 subscribers") as caught:
        getattr(publisher, mode).wait_for_subscribers('pub', 3, wait=0.1)
    assert type(caught.value).__name__ == 'WaitTimeout'
    assert publisher.ping() == 'pong'


class Waiting(Agent):
    """Wait in its own thread."""

    def on_init(self):
        self.found = None

    def wait(self):
        self.found = self.wait_for_subscribers('pub', 1, wait=10)
        self.send('pub', 'first')


@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
@pytest.mark.parametrize('way', ['method', 'handler', 'timer'])
def test_an_agent_may_wait_itself(nsproxy, way, kind):
    publisher, subscriber = run_agent('publisher', base=Waiting), run_subscriber()
    address = publisher.bind(kind, alias='pub', handler=answer if kind == 'SYNC_PUB' else None)
    if way == 'handler':
        other = run_agent('other')
        other.connect(publisher.bind('PULL', handler=lambda agent, message: agent.wait()), alias='go')
        other.send('go', 'now')
    elif way == 'timer':
        publisher.after(0, 'wait')
    else:
        publisher.oneway.wait()
    with connect_later(address):
        assert wait_agent_attr(subscriber, value=['first'], timeout=10)
    assert publisher.found == 1


def test_an_agent_may_wait_in_on_init(nsproxy):
    class Feed(Agent):
        def on_init(self):
            self.bind('PUB', alias='pub', addr='feed', transport='ipc')
            self.found = self.wait_for_subscribers('pub', 2, wait=10)
            self.send('pub', 'first')

    address = place('PUB', 'feed')
    subscribers = [run_subscriber('subscriber%d' % n) for n in range(2)]
    for subscriber in subscribers:
        subscriber.connect(address, handler=receive)
    feed = run_agent('feed', base=Feed)
    assert feed.found == 2
    for subscriber in subscribers:
        assert wait_agent_attr(subscriber, value=['first'])


def test_an_agent_that_waits_in_vain_gets_an_error_it_can_catch(nsproxy):
    class Feed(Agent):
        def on_init(self):
            self.bind('PUB', alias='pub')
            try:
                self.wait_for_subscribers('pub', 1, wait=0.1)
            except TimeoutError as error:
                self.text = str(error)

    feed = run_agent('feed', base=Feed)
    assert "'pub' of agent 'feed' has 0 of 1 subscribers" in feed.text


def test_an_agent_that_waits_can_be_ended(nsproxy):
    publisher = run_publisher()
    publisher.after(0, lambda agent: agent.wait_for_subscribers('pub', 1, wait=60))
    assert wait_condition(lambda: publisher.unsafe.ping() == 'pong')
    publisher.shutdown()
    assert wait_condition(lambda: 'publisher' not in nsproxy.agents(), timeout=10)


def test_a_publisher_that_connects_waits_for_a_subscriber_that_is_bound(nsproxy):
    publisher, subscriber = run_agent('publisher'), run_subscriber()
    publisher.connect(place('SUB', 'board'), alias='pub')
    assert publisher.subscribers('pub') == 0
    with soon(lambda: Proxy('subscriber').bind('SUB', handler=receive, addr='board', transport='ipc')):
        assert publisher.wait_for_subscribers('pub') == 1
    publisher.send('pub', 'first')
    assert wait_agent_attr(subscriber, value=['first'])


# --- Mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('n', [-1, 1.5, '1', True, None])
def test_n_is_a_number_of_subscribers(nsproxy, n):
    publisher = run_publisher()
    with pytest.raises(ValueError, match='n must be a number of subscribers') as caught:
        publisher.wait_for_subscribers('pub', n)
    assert type(caught.value).__name__ == 'OptionInvalid'


@pytest.mark.parametrize('wait', [-1, 'soon', float('nan'), None])
def test_wait_is_a_number_of_seconds(nsproxy, wait):
    publisher = run_publisher()
    with pytest.raises(ValueError, match='wait must be'):
        publisher.wait_for_subscribers('pub', 1, wait=wait)


@pytest.mark.parametrize('ask', ['subscribers', 'wait_for_subscribers'])
@pytest.mark.parametrize('kind', ['PUSH', 'PULL', 'SUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_SUB'])
def test_other_kinds_have_no_subscribers(nsproxy, ask, kind):
    agent = run_subscriber('agent')
    if kind == 'SYNC_SUB':
        agent.connect(run_publisher('SYNC_PUB').addr('pub'), alias='x', handler=receive)
    else:
        agent.bind(kind, alias='x', handler=None if kind in ('PUSH', 'REQ') else receive)
    with pytest.raises(NotImplementedError, match="'x' is no publisher") as caught:
        getattr(agent, ask)('x')
    assert type(caught.value).__name__ == 'KindUnsupported'
    with pytest.raises(KeyError, match="'typo'"):
        getattr(agent, ask)('typo')
    assert agent.is_running()


# --- Nothing is written for nobody ------------------------------------------------------------------


class Counted:
    """Count how often it is pickled."""

    def __init__(self, agent):
        self.agent = agent

    def __reduce__(self):
        self.agent.written += 1
        return str, ('x',)


@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
@pytest.mark.parametrize('many', [False, True])
@pytest.mark.usefixtures('patient_connects')
def test_what_nobody_listens_to_is_not_written(nsproxy, kind, many):
    publisher, subscribers = run_publisher(kind), [run_subscriber('subscriber%d' % n) for n in range(2)]
    publisher.set_attr(written=0)

    def publish(agent, topic):
        if many:
            agent.send_many('pub', [Counted(agent)], topic=topic)
        else:
            agent.send('pub', Counted(agent), topic=topic)

    def written(topic='ab'):
        publisher.set_attr(written=0)
        publisher.execute_as_method(publish, topic)
        return publisher.get_attr('written')

    assert written() == written('') == 0
    for subscriber in subscribers:
        subscriber.connect(publisher.addr('pub'), alias='in', handler={'a': receive})
    assert written('b') == 0
    assert written() == 1  # once, however many listen
    for subscriber in subscribers:
        assert wait_agent_attr(subscriber, value=['x'])
        subscriber.close('in')
    assert counts(publisher, 0)
    assert written() == 0


def test_messages_for_nobody_are_not_even_made(nsproxy):
    def send(agent):
        messages = iter([1, 2])
        agent.send_many('pub', messages)
        return list(messages)

    publisher = run_publisher()
    assert publisher.execute_as_method(send) == [1, 2]


def test_a_topic_that_is_wrong_is_an_error_even_if_nobody_listens(nsproxy):
    publisher = run_publisher()
    with pytest.raises(ValueError, match='topic'):
        publisher.send('pub', 1, topic=5)
    with pytest.raises(ValueError, match='topic'):
        publisher.send_many('pub', [1], topic='a\x80'.encode('latin-1'))


def test_raw_messages_are_checked_even_if_nobody_listens(nsproxy):
    publisher = run_publisher(serializer='raw')
    with pytest.raises(TypeError, match='raw carries bytes only'):
        publisher.send('pub', 'text')


def test_an_agent_that_hears_itself_is_a_subscriber(nsproxy):
    agent = run_subscriber('agent')
    agent.connect(agent.bind('PUB', alias='pub', transport='inproc'), handler=receive)
    assert agent.subscribers('pub') == 1
    agent.send('pub', 'hello')
    assert wait_agent_attr(agent, value=['hello'])


# --- The first publication --------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('kind', ['PUB', 'SYNC_PUB'])
@pytest.mark.parametrize('who_waits', ['connect', 'wait_for_subscribers'])
@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_is_never_lost(nsproxy, kind, transport, who_waits):
    publisher, subscriber = run_agent('publisher'), run_subscriber()
    if who_waits == 'wait_for_subscribers':

        def at_once(agent):
            from osbrain import config

            config['CONNECT_WAIT'] = 0

        subscriber.execute_as_method(at_once)
    for number in range(50):
        address = publisher.bind(kind, alias='pub', handler=answer, transport=transport)
        subscriber.connect(address, alias='in', handler={'a': receive})
        if who_waits == 'wait_for_subscribers':
            assert publisher.wait_for_subscribers('pub') == 1
        publisher.send('pub', number, topic='a')
        assert wait_agent_attr(subscriber, length=number + 1)
        subscriber.close('in')
        publisher.close('pub')
    assert subscriber.received == list(range(50))


@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_to_a_bound_subscriber_is_never_lost(nsproxy):
    subscriber = run_subscriber()
    address = subscriber.bind('SUB', handler={'a': receive})
    publisher = run_agent('publisher')
    for number in range(50):
        publisher.connect(address, alias='pub')
        publisher.send('pub', number, topic='a')
        assert wait_agent_attr(subscriber, length=number + 1)
        publisher.close('pub')
    assert subscriber.received == list(range(50))


@pytest.mark.usefixtures('patient_connects')
def test_the_first_publication_of_a_busy_publisher_is_never_lost(nsproxy):
    """Whose loop has no time to read who has subscribed."""

    class Busy(Agent):
        def on_init(self):
            self.bind('PUB', alias='pub')
            self.each(0, 'publish')

        def publish(self):
            self.wait_for_subscribers('pub', 1, wait=30)
            self.send('pub', 'x', topic='a')

    address = run_agent('busy', base=Busy).unsafe.addr('pub')
    subscriber = run_subscriber()
    for number in range(20):
        subscriber.set_attr(received=[])
        subscriber.connect(address, alias='in', handler={'a': receive})
        assert wait_agent_attr(subscriber, length=1), number
        subscriber.close('in')
