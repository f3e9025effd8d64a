"""An agent that was killed and started again is wired as before, and its peers go on by themselves."""

import os
import signal
import time

import pytest

from osbrain import Agent, AgentProcess, run_agent, run_logger
from osbrain._memory import Memory
from osbrain.helper import logger_received, wait_agent_attr

LIMIT = 10  # seconds for what takes a tenth of one
TRANSPORTS = ['ipc', 'tcp']


def keep(agent, message):
    agent.received.append(message)


def double(agent, message):
    return 2 * message


def ask(agent, message):
    agent.send('it', message, handler=keep, wait=1, on_error=lambda agent: None)


class Remembered:
    """One agent through all of its processes."""

    def __init__(self, ns, name='phoenix', **arguments):
        self.ns = ns
        self.memory = Memory()
        self.process = AgentProcess(name, ns.addr(), memory=self.memory, **arguments)
        self.start()

    def start(self):
        self.process.run_at_once = True
        self.process.start()
        self.process.wait_for_word(LIMIT)
        self.agent = self.ns.proxy(self.process.name)

    def die(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(LIMIT)
        self.ns.reap()

    def rise(self):
        """Kill the agent and start it again; return its new proxy."""
        self.die()
        self.process = self.process.again()
        self.start()
        return self.agent


@pytest.fixture
def remembered(nsproxy):
    made = []

    def one(*args, **kwargs):
        made.append(Remembered(nsproxy, *args, **kwargs))
        return made[-1]

    yield one
    nsproxy.shutdown_agents()
    for each in made:
        each.process.join(LIMIT)
        each.memory.discard_state()


def until(condition):
    """Look at *condition* until it is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Server(Agent):
    """Bound in on_init, at addresses that nobody has chosen."""

    def on_init(self):
        self.bind('PULL', alias='pull', handler=keep)
        self.bind('PUSH', alias='push')
        self.bind('PUB', alias='pub')
        self.bind('SUB', alias='sub', handler=keep)
        self.bind('REP', alias='rep', handler=double)
        self.bind('ASYNC_REP', alias='async', handler=double)
        self.bind('SYNC_PUB', alias='sync', handler=double)


def received(agent):
    return agent.get_attr('received')


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def pair(remembered, transport):
    server = remembered(base=Server, transport=transport, attributes={'received': []})
    client = run_agent('client', attributes={'received': []})
    return server, client


class TestServer:
    def test_what_is_pushed_to_it_arrives(self, pair):
        server, client = pair
        client.connect(server.agent.addr('pull'), alias='it')
        client.send('it', 'before')
        assert wait_agent_attr(server.agent, 'received', value=['before'], timeout=LIMIT)
        agent = server.rise()
        client.send('it', 'after')
        assert wait_agent_attr(agent, 'received', value=['after'], timeout=LIMIT)

    def test_what_is_pushed_while_it_is_dead_arrives_later(self, pair):
        server, client = pair
        client.connect(server.agent.addr('pull'), alias='it')
        client.send('it', 'before')
        assert wait_agent_attr(server.agent, 'received', value=['before'], timeout=LIMIT)
        server.die()
        # The first may be on its way into the dead process.
        for number in range(10):
            client.send('it', number)
        server.process = server.process.again()
        server.start()
        assert wait_agent_attr(server.agent, 'received', data=9, timeout=LIMIT)
        assert received(server.agent)[-8:] == [2, 3, 4, 5, 6, 7, 8, 9]

    def test_what_it_pushes_arrives(self, pair):
        server, client = pair
        client.connect(server.agent.addr('push'), alias='it', handler=keep)
        server.agent.send('push', 'before')
        assert wait_agent_attr(client, 'received', value=['before'], timeout=LIMIT)
        server.rise().send('push', 'after')
        assert wait_agent_attr(client, 'received', value=['before', 'after'], timeout=LIMIT)

    def test_what_it_publishes_is_heard(self, pair):
        server, client = pair
        client.connect(server.agent.addr('pub'), alias='it', handler={'news': keep})
        server.agent.send('pub', 'before', topic='news')
        assert wait_agent_attr(client, 'received', value=['before'], timeout=LIMIT)
        agent = server.rise()
        agent.wait_for_subscribers('pub', 1, LIMIT)
        agent.send('pub', 'nobody hears this', topic='other')
        agent.send('pub', 'after', topic='news')
        assert wait_agent_attr(client, 'received', value=['before', 'after'], timeout=LIMIT)

    def test_what_is_published_to_it_is_heard(self, pair):
        server, client = pair
        client.connect(server.agent.addr('sub'), alias='it')
        client.send('it', 'before')
        assert wait_agent_attr(server.agent, 'received', value=['before'], timeout=LIMIT)
        agent = server.rise()
        until(lambda: client.send('it', 'after') or 'after' in received(agent))

    def test_it_replies(self, pair):
        server, client = pair
        client.connect(server.agent.addr('rep'), alias='it')
        assert client.send_recv('it', 3) == 6
        server.rise()
        assert client.send_recv('it', 4, timeout=LIMIT) == 8

    def test_it_replies_on_its_channel(self, pair):
        server, client = pair
        client.connect(server.agent.addr('async'), alias='it', handler=keep)
        client.send('it', 3)
        assert wait_agent_attr(client, 'received', value=[6], timeout=LIMIT)
        server.rise()
        client.send('it', 4)
        assert wait_agent_attr(client, 'received', value=[6, 8], timeout=LIMIT)

    def test_its_publications_and_replies_are_heard(self, pair):
        server, client = pair
        client.connect(server.agent.addr('sync'), alias='it', handler=keep)
        server.agent.send('sync', 'before')
        assert wait_agent_attr(client, 'received', value=['before'], timeout=LIMIT)
        client.execute_as_method(ask, 3)
        assert wait_agent_attr(client, 'received', value=['before', 6], timeout=LIMIT)
        agent = server.rise()
        agent.wait_for_subscribers('sync', 1, LIMIT)
        agent.send('sync', 'after')
        assert wait_agent_attr(client, 'received', value=['before', 6, 'after'], timeout=LIMIT)
        client.execute_as_method(ask, 4)
        assert wait_agent_attr(client, 'received', value=['before', 6, 'after', 8], timeout=LIMIT)

    def test_again_and_again(self, pair):
        server, client = pair
        client.connect(server.agent.addr('pull'), alias='it')
        for number in range(3):
            client.send('it', number)
            assert wait_agent_attr(server.agent, 'received', value=[number], timeout=LIMIT)
            server.rise()


class TestClient:
    """Connected from outside to an agent that goes on living."""

    @pytest.fixture
    def pair(self, remembered, transport):
        server = run_agent('server', base=Server, transport=transport, attributes={'received': []})
        client = remembered(attributes={'received': []})
        return server, client

    def test_it_pushes(self, pair):
        server, client = pair
        client.agent.connect(server.addr('pull'), alias='it')
        client.rise().send('it', 'after')
        assert wait_agent_attr(server, 'received', value=['after'], timeout=LIMIT)

    def test_it_takes_what_is_pushed(self, pair):
        server, client = pair
        client.agent.connect(server.addr('push'), alias='it', handler=keep)
        agent = client.rise()
        server.send('push', 'after')
        assert wait_agent_attr(agent, 'received', value=['after'], timeout=LIMIT)

    def test_it_is_subscribed_to_what_it_was_at_the_end(self, pair):
        server, client = pair
        client.agent.connect(server.addr('pub'), alias='it', handler={'old': keep})
        client.agent.subscribe('it', {'new': keep})
        client.agent.unsubscribe('it', 'old')
        agent = client.rise()
        server.wait_for_subscribers('pub', 1, LIMIT)
        server.send('pub', 'not heard', topic='old')
        server.send('pub', 'heard', topic='new')
        assert wait_agent_attr(agent, 'received', value=['heard'], timeout=LIMIT)

    def test_it_publishes(self, pair):
        server, client = pair
        client.agent.connect(server.addr('sub'), alias='it')
        client.rise().send('it', 'after')
        assert wait_agent_attr(server, 'received', value=['after'], timeout=LIMIT)

    def test_it_asks(self, pair):
        server, client = pair
        client.agent.connect(server.addr('rep'), alias='it')
        assert client.rise().send_recv('it', 4, timeout=LIMIT) == 8

    def test_it_asks_on_the_channel(self, pair):
        server, client = pair
        client.agent.connect(server.addr('async'), alias='it', handler=keep)
        agent = client.rise()
        agent.send('it', 4)
        assert wait_agent_attr(agent, 'received', value=[8], timeout=LIMIT)

    def test_it_hears_publications_and_asks(self, pair):
        server, client = pair
        client.agent.connect(server.addr('sync'), alias='it', handler=keep)
        agent = client.rise()
        server.wait_for_subscribers('sync', 1, LIMIT)
        server.send('sync', 'after')
        assert wait_agent_attr(agent, 'received', value=['after'], timeout=LIMIT)
        agent.execute_as_method(ask, 4)
        assert wait_agent_attr(agent, 'received', value=['after', 8], timeout=LIMIT)


class TestConfiguration:
    def test_it_is_the_same_agent_with_the_same_name_base_and_attributes(self, remembered, nsproxy):
        it = remembered(name='', base=Server, attributes={'x': [1]})
        name = it.process.name
        agent = it.rise()
        assert it.process.name == name
        assert agent.x == [1]
        assert nsproxy.agents() == [name]

    def test_what_was_configured_last_counts_and_order_is_kept(self, remembered):
        it = remembered(attributes={'x': 0})
        it.agent.set_attr(x=1)
        it.agent.x = 2
        it.agent.unsafe.set_method(double=double)
        it.agent.bind('REP', alias='it', handler='double')
        it.agent.set_method(double=lambda agent, message: 3 * message)
        it.agent.oneway.set_attr(y=3)
        # Nobody waits for the outcome of such a call, so nobody knows when it is remembered.
        until(lambda: it.process.catch_up() or any('y' in call.sets for call in it.memory.calls()))
        agent = it.rise()
        assert (agent.x, agent.y, agent.double(2)) == (2, 3, 6)
        peer = run_agent('peer')
        peer.connect(agent.addr('it'), alias='it')
        assert peer.send_recv('it', 2) == 4

    def test_what_the_agent_does_itself_is_left_to_it(self, remembered):
        it = remembered(attributes={'x': 0})
        it.agent.execute_as_method(lambda agent: agent.set_attr(x=1))
        assert it.agent.x == 1
        assert it.rise().x == 0

    def test_an_answered_call_is_remembered_however_soon_the_agent_dies(self, remembered):
        it = remembered(attributes={'x': -1})
        for number in range(10):
            it.agent.set_attr(x=number)
            assert it.rise().x == number

    def test_timers_run_again(self, remembered):
        class Ticking(Agent):
            def on_init(self):
                self.ticks, self.own, self.shots = 0, 0, 0
                self.each(0.01, 'tick_of_its_own', alias='own')

            def tick(self):
                self.ticks += 1

            def tick_of_its_own(self):
                self.own += 1

            def shot(self):
                self.shots += 1

        it = remembered(base=Ticking)
        alias = it.agent.each(0.01, 'tick')
        it.agent.after(0.0, 'shot')
        late = it.agent.after(3600, 'shot')
        assert wait_agent_attr(it.agent, 'shots', value=1, timeout=LIMIT)
        it.agent.stop_timer('own')
        agent = it.rise()
        until(lambda: agent.ticks > 3)
        assert agent.shots == agent.own == 0
        assert set(agent.list_timers()) == {alias, late}
        agent.stop_timer(alias)
        assert it.rise().list_timers() == [late]

    def test_the_logger_is_told_again(self, remembered):
        logger = run_logger('logger')
        it = remembered()
        it.agent.set_logger(logger)
        agent = it.rise()
        agent.log_info('here I am')
        assert logger_received(logger, log_name='log_history_info', message='here I am')

    def test_a_call_that_fails_now_is_logged_and_counted(self, remembered, capfd):
        it = remembered()
        it.agent.execute_as_method(lambda agent: agent.set_attr(handle=agent.ping))
        it.agent.each(1000, 'handle')
        it.agent.set_attr(x=1)
        agent = it.rise()
        assert agent.x == 1
        assert agent.counters()['errors'] == 1
        assert 'each(), which was called before this agent was restarted, fails now' in capfd.readouterr().err

    def test_two_agents_that_die_together_find_each_other(self, remembered):
        one, other = remembered(name='one', attributes={'received': []}), remembered(name='other')
        other.agent.connect(one.agent.bind('PULL', alias='it', handler=keep), alias='it', ready=LIMIT)
        one.die()
        other.die()
        for each in (other, one):
            each.process = each.process.again()
            each.start()
        other.agent.send('it', 'after')
        assert wait_agent_attr(one.agent, 'received', value=['after'], timeout=LIMIT)

    def test_an_address_that_somebody_has_taken_is_an_error_that_says_so(self, remembered, nsproxy):
        class Bound(Agent):
            def on_init(self):
                self.bind('PULL', alias='it', handler=keep, transport='tcp')

        it = remembered(base=Bound)
        address = it.agent.addr('it').address
        it.die()
        thief = run_agent('thief')
        thief.bind('PULL', alias='it', handler=keep, transport='tcp', addr=f'127.0.0.1:{address.port}')
        with pytest.raises(RuntimeError, match='the agent had this address before it was restarted'):
            it.process.again().start()

    def test_a_starter_that_never_listens_does_not_hold_the_agent_up(self, remembered, capfd):
        it = remembered()
        began = time.monotonic()
        for _ in range(30):
            it.agent.set_attr(x=b'x' * 10_000)
        assert time.monotonic() - began < LIMIT
        assert it.agent.ping() == 'pong'
        assert capfd.readouterr().out.count('its starter does not listen') == 1

    def test_without_a_memory_nothing_is_noted(self, nsproxy):
        process = AgentProcess('plain', nsproxy.addr())
        process.run_at_once = True
        process.start()
        process.wait_for_word(LIMIT)
        nsproxy.proxy('plain').set_attr(x=1)
        assert not process._ahead.poll(0)
        assert nsproxy.proxy('plain').execute_as_method(lambda agent: agent._Agent__core.recall) is None
