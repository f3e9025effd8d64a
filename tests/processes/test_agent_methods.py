"""The public methods of an agent, called from outside, on running agents."""

import os
import threading

import pytest

from osbrain import Agent, AgentProcess, Proxy, run_agent
from osbrain.address import AgentAddress
from osbrain.helper import agent_dies, wait_agent_attr

# fmt: off
PUBLIC_METHODS = [
    'bind', 'connect', 'addr', 'has_socket', 'close', 'close_all',
    'send', 'recv', 'send_recv', 'subscribe', 'unsubscribe',
    'each', 'after', 'stop_timer', 'stop_all_timers', 'list_timers',
    'set_attr', 'get_attr', 'set_method', 'execute_as_function', 'execute_as_method', 'safe_call',
    'set_logger', 'log_debug', 'log_info', 'log_warning', 'log_error',
    'is_running', 'run', 'stop', 'shutdown', 'kill', 'ping', 'raise_exception',
    'on_init', 'before_loop', 'idle',
]
# fmt: on


@pytest.fixture
def agent(nsproxy):
    return run_agent('a0')


def remember(agent, message):
    agent.received.append(message)


def test_every_public_method_is_offered_by_the_class_and_by_the_proxy(agent):
    offered = set(dir(agent))
    for name in PUBLIC_METHODS:
        assert callable(getattr(Agent, name))
        assert name in offered


# ---- attributes and methods ----------------------------------------------------------------


def test_attributes_are_set_and_read_from_outside(agent):
    assert agent.set_attr(a=1, _private=[1, {'b': 2}], function=lambda x: x + 1) is None
    assert agent.get_attr('a') == 1
    assert agent.get_attr('_private') == [1, {'b': 2}]
    assert agent.get_attr('function')(1) == 2
    assert agent.get_attr('name') == 'a0'
    with pytest.raises(AttributeError, match='object has no attribute') as error:
        agent.get_attr('missing')
    assert 'missing' in str(error.value)
    assert agent.ping() == 'pong'


def test_what_is_read_is_a_copy(agent):
    original = [1, 2]
    agent.set_attr(numbers=original)
    original.append(3)
    agent.get_attr('numbers').append(4)
    assert agent.get_attr('numbers') == [1, 2]


@pytest.mark.new
def test_any_proxy_reads_any_public_attribute(nsproxy):
    class Trader(Agent):
        currency = 'EUR'

        def on_init(self):
            self.positions = {'ACME': 3}

    run_agent('trader', base=Trader)
    proxy, other = Proxy('trader'), nsproxy.proxy('trader')
    assert proxy.name == other.name == 'trader'
    assert proxy.positions == {'ACME': 3}
    assert proxy.currency == 'EUR'
    other.set_attr(cash=100)
    assert proxy.cash == 100
    proxy.cash = 50
    assert other.cash == 50
    for missing in ('_running', 'nonsense'):
        with pytest.raises(AttributeError):
            getattr(proxy, missing)
    assert proxy.is_running()


def test_functions_lambdas_and_closures_become_methods(agent):
    step = 10

    def count(self, by=1):
        self.total = getattr(self, 'total', 0) + by * step
        return self.total

    def shout(self, *words, end='!'):
        return ' '.join((self.name, *words)) + end

    assert agent.set_method(count, shout) == 'shout'
    assert agent.set_method(add=count, half=lambda self: self.total / 2) == 'half'
    assert (agent.count(), agent.add(by=2), agent.half()) == (10, 30, 15)
    assert agent.shout('is', 'here', end='.') == 'a0 is here.'
    agent.set_method(shout=lambda self: 'quiet')
    assert agent.shout() == 'quiet'
    assert agent.unsafe.shout() == 'quiet'
    assert agent.safe_call('add', by=0) == 30


def test_a_method_may_replace_one_of_the_class_and_use_the_others(nsproxy):
    class Greeter(Agent):
        def greet(self):
            return 'hello from ' + self.signature()

        def signature(self):
            return self.name

    agent, other = run_agent('a0', base=Greeter), run_agent('a1', base=Greeter)
    agent.set_method(signature=lambda self: 'somebody')
    assert agent.greet() == 'hello from somebody'
    assert other.greet() == 'hello from a1'


@pytest.mark.new
def test_set_method_without_a_function_is_the_callers_mistake(agent):
    with pytest.raises((TypeError, ValueError)):
        agent.set_method()
    assert agent.ping() == 'pong'


def test_functions_run_inside_the_agent_and_leave_nothing_behind(agent):
    def describe(*args, **kwargs):
        return os.getpid(), args, kwargs

    pid = agent.execute_as_function(os.getpid)
    assert pid != os.getpid()
    assert agent.execute_as_function(describe, 1, two=2) == (pid, (1,), {'two': 2})

    def mark(agent, *args, **kwargs):
        agent.mark = (os.getpid(), type(agent), args, kwargs)
        return agent.name

    assert agent.execute_as_method(mark, 1, two=2) == 'a0'
    assert agent.get_attr('mark') == (pid, Agent, (1,), {'two': 2})
    for name in ('describe', '<lambda>', 'getpid'):
        with pytest.raises(AttributeError):
            agent.get_attr(name)


def test_safe_call_runs_the_named_method_in_the_main_thread(agent):
    agent.set_method(where=lambda self, *args, **kwargs: (threading.get_ident(), args, kwargs))
    main, _, _ = agent.safe.where()
    assert agent.unsafe.safe_call('where', 1, two=2) == (main, (1,), {'two': 2})
    assert agent.unsafe.where()[0] != main
    assert agent.safe_call('ping') == 'pong'
    assert agent.safe_call('set_attr', x=5) is None
    assert agent.get_attr('x') == 5


# ---- sockets -------------------------------------------------------------------------------


def test_an_address_is_known_under_its_alias_at_both_ends(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    server.set_attr(received=[])
    address = server.bind('PULL', alias='in', handler=remember)
    assert isinstance(address, AgentAddress)
    assert address.role == 'server'
    assert server.addr('in') == address == nsproxy.addr('server', 'in')
    assert client.connect(address, alias='out') == address.twin()
    assert client.addr('out') == address.twin()
    for agent, sockets in [(server, ('in', address)), (client, ('out', address.twin()))]:
        for socket in sockets:
            assert agent.has_socket(socket)
    assert not client.has_socket('in')

    client.send('out', 'by alias')
    client.send(address.twin(), 'by address', topic='ignored')
    assert wait_agent_attr(server, data='by address')
    assert server.get_attr('received') == ['by alias', 'by address']


def test_connecting_a_channel_returns_its_twin(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    channel = server.bind('SYNC_PUB', alias='sync', handler=lambda agent, message: None)
    assert client.connect(channel, alias='sync', handler=lambda agent, message: None) == channel.twin()
    assert server.addr('sync') == channel


@pytest.mark.new
def test_connecting_an_asynchronous_reply_channel_returns_its_twin(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    channel = server.bind('ASYNC_REP', alias='async', handler=lambda agent, message: None)
    twin = client.connect(channel, alias='async', handler=lambda agent, message: None)
    assert (twin.kind, twin.twin_uuid) == ('ASYNC_REQ', channel.uuid)


def test_request_and_reply_at_once_or_in_two_steps(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    address = server.bind('REP', alias='rep', handler=lambda agent, x: x * 2)
    client.connect(address, alias='req')
    assert client.send_recv('req', 21) == 42
    assert client.send('req', 'ab') is None
    assert client.recv('req') == 'abab'
    assert client.send_recv(address.twin(), [1]) == [1, 1]


def test_close_forgets_the_socket_under_all_its_names(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    address = server.bind('PULL', alias='in', handler=remember, transport='ipc')
    twin = client.connect(address, alias='out')
    client.connect(address, alias='also out')
    client.bind('PUSH', alias='another')

    assert client.close('also out') is None
    for name in ('out', 'also out', twin):
        assert not client.has_socket(name)
    assert client.has_socket('another')
    assert address.address.exists(), 'the file is the concern of the server'

    server.close(address, linger=0)
    assert not server.has_socket('in')
    assert not server.has_socket(address)
    assert not address.address.exists()


def test_close_all_spares_the_internal_sockets(agent):
    addresses = [agent.bind('PUB', alias='pub'), agent.bind('REQ'), agent.bind('PUSH')]
    addresses.append(agent.connect(addresses[-1], handler=lambda agent, message: None))
    assert agent.close_all(linger=0.1) is None
    assert not agent.has_socket('pub')
    for address in addresses:
        assert not agent.has_socket(address)
    assert agent.has_socket('_loopback_safe')
    assert agent.has_socket('loopback')
    assert agent.ping() == 'pong'
    assert agent.has_socket(agent.bind('PUB', alias='pub'))


def test_a_running_agent_has_two_sockets_of_its_own(nsproxy):
    agent = run_agent('a0', serializer='json', transport='tcp')
    safe = agent.addr('_loopback_safe')
    assert safe == AgentAddress('inproc', '_loopback_safe', 'REP', 'server', 'pickle')
    unsafe = agent.addr('loopback')
    assert (unsafe.transport, unsafe.kind, unsafe.role) == ('inproc', 'REP', 'server')
    for name in ('_loopback_safe', 'loopback', safe, unsafe):
        assert agent.has_socket(name)


@pytest.mark.parametrize(
    'mistake',
    [
        lambda agent: agent.unsafe.addr('typo'),
        lambda agent: agent.unsafe.close('typo'),
        lambda agent: agent.unsafe.send('typo', 'message'),
        pytest.param(lambda agent: agent.addr('typo'), marks=pytest.mark.new),
        pytest.param(lambda agent: agent.close('typo'), marks=pytest.mark.new),
        pytest.param(lambda agent: agent.send('typo', 'message'), marks=pytest.mark.new),
    ],
    ids=['addr', 'close', 'send', 'safe addr', 'safe close', 'safe send'],
)
def test_an_unknown_alias_is_a_key_error_and_harmless(agent, mistake):
    with pytest.raises(KeyError, match='typo'):
        mistake(agent)
    assert agent.ping() == 'pong'


# ---- states --------------------------------------------------------------------------------


def test_stop_ends_the_loop_and_nothing_else(nsproxy):
    agent, peer = run_agent('a0'), run_agent('peer')
    agent.set_attr(received=[])
    address = agent.bind('PULL', alias='in', handler=remember)
    peer.connect(address, alias='out')
    assert agent.is_running() is True

    assert agent.stop() == 'OK'
    assert agent.get_attr('_keep_alive') is False
    assert wait_agent_attr(agent, '_running', value=False)
    assert agent.is_running() is False
    assert 'a0' in nsproxy.agents()
    assert agent.unsafe.ping() == 'pong'
    assert agent.unsafe.has_socket('in')
    with pytest.raises(RuntimeError, match='Agent must be running to safely execute methods!'):
        agent.ping()
    with pytest.raises(RuntimeError, match='Agent must be running'):
        agent.safe_call('ping')
    peer.send('out', 'unheard')
    assert not wait_agent_attr(agent, length=1, timeout=0.3)


@pytest.mark.new
def test_a_stopped_agent_runs_again(nsproxy):
    agent, peer = run_agent('a0'), run_agent('peer')
    agent.set_attr(received=[], ticks=[])
    peer.connect(agent.bind('PULL', alias='in', handler=remember), alias='out')
    for round_number in range(3):
        agent.stop()
        assert wait_agent_attr(agent, '_running', value=False)
        peer.send('out', round_number)
        assert agent.run() is None
        agent.wait_for_running()
        assert agent.ping() == 'pong'
        assert wait_agent_attr(agent, length=round_number + 1)
    assert agent.get_attr('received') == [0, 1, 2]
    agent.set_method(tick=lambda agent: agent.ticks.append(1))
    agent.each(0.01, 'tick')
    assert wait_agent_attr(agent, 'ticks', length=5)
    agent.shutdown()
    assert agent_dies('a0', nsproxy, timeout=3)


def test_run_through_a_proxy_starts_the_loop_and_returns_at_once(nsproxy):
    AgentProcess('a0').start()
    agent = Proxy('a0')
    assert agent.is_running() is False
    assert agent.run() is None
    assert agent.wait_for_running() is agent
    assert agent.is_running() is True
    assert agent.has_socket('_loopback_safe')


@pytest.mark.parametrize(
    'end',
    [lambda agent: agent.shutdown(), lambda agent: agent.oneway.kill()],
    ids=['shutdown', 'kill'],
)
def test_shutdown_and_kill_take_the_agent_out_of_the_name_server(nsproxy, end):
    agent, other = run_agent('a0'), run_agent('a1')
    assert end(agent) is None
    assert agent_dies('a0', nsproxy, timeout=3)
    assert nsproxy.agents() == ['a1']
    assert other.ping() == 'pong'
    assert run_agent('a0').ping() == 'pong', 'the name is free again'


def test_raise_exception_is_there_for_diagnostics(agent):
    with pytest.raises(RuntimeError, match='User raised an exception!'):
        agent.unsafe.raise_exception()
    assert agent.is_running()
