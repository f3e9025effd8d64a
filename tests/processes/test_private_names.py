"""Private names that programs of osBrain 0.6.5 and their tests touch all the same."""

import threading
import time

import pytest

from osbrain import AgentProcess, Proxy, run_agent, run_logger
from osbrain.address import AgentAddress
from osbrain.helper import (
    agent_dies,
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)


@pytest.fixture
def agent(nsproxy):
    return run_agent('a0')


# ---- the agent -----------------------------------------------------------------------------


def test_the_uuid_is_bytes_and_unique(nsproxy):
    agents = [run_agent(), run_agent()]
    uuids = [agent.get_attr('_uuid') for agent in agents]
    assert all(isinstance(uuid, bytes) for uuid in uuids)
    assert uuids[0] != uuids[1]
    names = [agent.get_attr('name') for agent in agents]
    assert len(set(names)) == 2
    assert sorted(nsproxy.agents()) == sorted(names)


@pytest.mark.parametrize('kind', ['PULL', 'SUB', 'REP'])
def test_the_poller_has_one_socket_more_while_a_receiving_one_is_connected(nsproxy, kind):
    server, client = run_agent('server'), run_agent('client')

    def sockets():
        return client.execute_as_method(lambda agent: {str(socket) for socket in agent._poller.sockets})

    before = sockets()
    assert sockets() == before, 'the texts are stable'
    address = server.bind(AgentAddress('tcp', '127.0.0.1:1', kind, 'server', 'raw').twin().kind)
    client.connect(address, alias='in', handler=lambda agent, message: None)
    with_connection = sockets()
    assert before < with_connection
    assert len(with_connection) == len(before) + 1
    client.close('in')
    assert sockets() == before


def test_keep_alive_ends_the_loop_when_it_becomes_false(nsproxy, agent):
    assert agent.get_attr('_keep_alive') is True
    assert agent.get_attr('_running') is agent.is_running() is True
    agent.set_attr(_keep_alive=False)
    assert wait_agent_attr(agent, '_running', value=False)
    assert agent.is_running() is False
    assert 'a0' in nsproxy.agents()
    assert agent.unsafe.ping() == 'pong'


def test_running_is_false_before_the_agent_runs(nsproxy):
    AgentProcess('a0').start()
    agent = Proxy('a0')
    assert agent.get_attr('_running') is False
    assert agent.get_attr('_keep_alive') is True
    agent.run()
    assert wait_agent_attr(agent, '_running', value=True)


def test_debug_is_a_flag_that_each_debug_record_looks_at(agent):
    assert agent.get_attr('_DEBUG') is False
    agent.set_attr(_DEBUG=True)
    assert agent.get_attr('_DEBUG') is True


def test_pending_requests_are_a_dict_of_what_is_open(nsproxy):
    server, client = run_agent('server'), run_agent('client')
    client.set_attr(received=[])
    server.set_attr(hold=True)

    def answer(agent, message):
        deadline = time.monotonic() + 20
        while agent.hold and time.monotonic() < deadline:
            time.sleep(0.005)
        return message

    channel = server.bind('ASYNC_REP', handler=answer)
    client.connect(channel, alias='out', handler=lambda agent, x: agent.received.append(x))
    assert client.get_attr('_pending_requests') == {}

    for number in range(3):
        client.send('out', number)
    assert len(client.get_attr('_pending_requests')) == 3
    assert isinstance(client.get_attr('_pending_requests'), dict)
    server.unsafe.set_attr(hold=False)
    assert wait_agent_attr(client, length=3)
    assert client.get_attr('_pending_requests') == {}

    server.set_attr(hold=True)
    client.send('out', 'forgotten')
    client.set_attr(_pending_requests={})
    assert len(client.get_attr('_pending_requests')) == 0
    client.send('out', 'expected')
    assert len(client.get_attr('_pending_requests')) == 1
    server.unsafe.set_attr(hold=False)
    assert wait_agent_attr(client, data='expected')
    assert client.get_attr('received') == [0, 1, 2, 'expected']
    assert client.is_running()


def test_the_loopback_runs_methods_in_the_main_loop(agent):
    agent.set_method(
        where=lambda self, *args, **kwargs: (threading.get_ident(), args, kwargs),
        nothing=lambda self: None,
    )

    def loopback(self, *data):
        return self._loopback('EXECUTE_METHOD', data)

    def through_loopback(*data):
        return agent.unsafe.execute_as_method(loopback, *data)

    main = agent.safe.where()[0]
    assert through_loopback('where', (1,), {'two': 2}) == (main, (1,), {'two': 2})
    assert through_loopback('ping', (), {}) == 'pong'
    assert through_loopback('nothing', (), {}) is True, 'in place of a falsy result'
    assert through_loopback('set_attr', (), {'x': 5}) is True
    assert agent.get_attr('x') == 5


def test_an_unknown_loopback_message_is_logged_and_answered(nsproxy):
    agent, logger = run_agent('a0'), run_logger('logger')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    text = 'Unrecognized loopback message: NONSENSE some data'
    answer = agent.unsafe.execute_as_method(lambda self: self._loopback('NONSENSE', 'some data'))
    assert answer == text
    assert logger_received(logger, text + '$', log_name='log_history_error') == 1
    assert agent.ping() == 'pong'


@pytest.mark.parametrize('state', ['not run', 'stopped'])
def test_the_loopback_of_an_agent_that_does_not_run_is_an_error(nsproxy, state):
    AgentProcess('a0').start()
    agent = Proxy('a0', safe=False)
    if state == 'stopped':
        agent.run()
        agent.wait_for_running()
        agent.stop()
        assert wait_agent_attr(agent, '_running', value=False)
    with pytest.raises(NotImplementedError):
        agent.execute_as_method(lambda self: self._loopback('EXECUTE_METHOD', ('ping', (), {})))


def test_the_aliases_of_the_loopbacks_survive(nsproxy):
    agent = run_agent('a0', serializer='raw', transport='ipc')
    for _ in range(2):
        safe, other = agent.addr('_loopback_safe'), agent.addr('loopback')
        assert safe == AgentAddress('inproc', '_loopback_safe', 'REP', 'server', 'pickle')
        assert (other.kind, other.transport) == ('REP', 'inproc')
        assert agent.has_socket('_loopback_safe')
        assert agent.has_socket('loopback')
        agent.close_all()
    assert agent.ping() == 'pong'


def test_the_defaults_given_at_the_start_can_be_read(nsproxy):
    plain, special = run_agent('plain'), run_agent('special', serializer='json', transport='tcp')
    for agent, expected in [(plain, (None, None)), (special, ('json', 'tcp'))]:
        assert isinstance(agent.get_attr('_host'), str)
        assert (agent.get_attr('_serializer'), agent.get_attr('_transport')) == expected
    assert plain.get_attr('_host') == '127.0.0.1'


# ---- the proxy -----------------------------------------------------------------------------


def modes(proxy):
    return proxy._safe, proxy._next_oneway, proxy._default_safe


@pytest.mark.parametrize('default', [True, False])
def test_a_proxy_tells_the_mode_of_the_next_call(agent, default):
    proxy = Proxy('a0', safe=default)
    assert modes(proxy) == (default, False, default)
    for mode, safe in [('safe', True), ('unsafe', False)]:
        view = getattr(proxy, mode)
        assert view._safe is safe
        assert view._default_safe is default
        assert view._next_oneway is False
        assert view.ping() == 'pong'
        assert modes(proxy) == (default, False, default)
    assert proxy.safe._safe is True
    assert proxy.unsafe._safe is False
    assert proxy.oneway._next_oneway is True
    assert proxy.oneway.ping() is None
    assert modes(proxy) == (default, False, default)


def test_the_mode_is_back_after_a_call_that_failed(agent):
    for proxy in (agent, Proxy('a0', safe=False)):
        default = proxy._default_safe
        with pytest.raises(RuntimeError):
            proxy.unsafe.raise_exception()
        assert modes(proxy) == (default, False, default)
    with pytest.raises(RuntimeError):
        agent.safe.raise_exception()
    assert modes(agent) == (True, False, True)
    agent.oneway.raise_exception()
    assert modes(agent) == (True, False, True)


def test_the_mode_is_known_without_asking_the_agent(nsproxy, agent):
    agent.shutdown()
    assert agent_dies('a0', nsproxy)
    assert modes(agent) == (True, False, True)
    assert agent.unsafe._safe is False


def test_pyro_release_is_release(nsproxy, agent):
    for proxy in (agent, nsproxy):
        assert proxy.ping() == 'pong'
        assert proxy._pyroRelease() is None
        assert proxy._pyroRelease() is None
        assert proxy.ping() == 'pong', 'it connects again by itself'
    assert wait_condition(lambda: nsproxy.agents() == ['a0'])
