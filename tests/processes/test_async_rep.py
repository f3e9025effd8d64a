"""ASYNC_REP between real agents: replies that come back as messages, and what if none comes."""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

import pytest

import osbrain
from osbrain import Agent, run_agent, run_logger
from osbrain.address import AgentChannel
from osbrain.helper import (
    agent_dies,
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)


def receive(agent, reply):
    agent.received.append(reply)


def tagging(tag):
    """Make a handler that keeps each reply with a tag."""
    return lambda agent, reply: agent.received.append((tag, reply))


def note_error(agent):
    """Serve as on_error: keep that it was called."""
    agent.errors.append('failed')


class Client(Agent):
    """Keep replies and errors, with methods too."""

    def on_init(self):
        self.received = []
        self.errors = []

    def take(self, reply):
        self.received.append(reply)

    def fail(self):
        self.errors.append('failed')

    def request_with_methods(self, message, **kwargs):
        self.send('server', message, handler=self.take, on_error=self.fail, **kwargs)

    def connect_method(self, channel):
        return self.connect(channel, alias='server', handler=self.take)

    def request_many(self, number, wait=None):
        for i in range(number):
            self.send('server', i, wait=wait)


def double(agent, message):
    agent.received.append(message)
    return message * 2


def slow(agent, message):
    """Take as many seconds as the message says, and reply with it."""
    time.sleep(message)
    return message


def yield_early(agent, message):
    """Reply at once and work afterwards."""
    yield message * 2
    agent.received.append('begin')
    time.sleep(0.5)
    agent.received.append('end')


def run_client(name='client', **kwargs):
    return run_agent(name, base=Client, **kwargs)


def connected_pair(handler, default=receive, **kwargs):
    """Return a client and the server that its alias `server` is connected to."""
    server, client = run_agent('server', base=Client, **kwargs), run_client()
    channel = server.bind('ASYNC_REP', alias='rep', handler=handler)
    client.connect(channel, alias='server', handler=default)
    return client, server


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
    """Wait until the replies that arrived at the agent meet the conditions."""
    return wait_agent_attr(agent, timeout=5, **conditions)


def pending(agent):
    """Return how many requests of the agent are open."""
    return len(agent.get_attr('_pending_requests'))


@pytest.fixture
def ipc_dir(monkeypatch):
    """Give agents started from here on their own folder; its path is short, as sockets demand."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setitem(osbrain.config, 'IPC_DIR', Path(folder))
        yield Path(folder)


# --- Requests and replies -------------------------------------------------------------------------


def test_bind_returns_a_channel_with_a_receiver_only(nsproxy):
    agent = run_client()
    channel = agent.bind('ASYNC_REP', alias='rep', handler=double)
    assert isinstance(channel, AgentChannel)
    assert channel.kind == 'ASYNC_REP'
    assert channel.receiver.role == 'server'
    assert channel.sender is None
    assert agent.addr('rep') == channel
    assert agent.has_socket('rep')


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_a_reply_comes_back_over_every_transport_and_serializer(nsproxy, transport, serializer):
    server = run_agent('server', transport=transport, serializer=serializer)
    client = run_client()
    channel = server.bind('ASYNC_REP', handler=lambda agent, message: {'got': message})
    assert (channel.transport, channel.serializer) == (transport, serializer)
    client.connect(channel, alias='server', handler=receive)
    assert client.send('server', (1, b'two')) is None
    assert received(client, value=[{'got': (1, b'two')}])


@pytest.mark.parametrize(
    'handler, reply',
    [
        pytest.param(double, 4, id='function'),
        pytest.param(lambda agent, message: message * 2, 4, id='lambda'),
        pytest.param('reply', 4, id='name'),
        pytest.param('reply_early', 4, id='name-yield'),
        pytest.param(yield_early, 4, id='yield'),
        pytest.param(lambda agent, message: None, None, id='none'),
    ],
)
def test_the_server_replies_with_what_its_handler_returns_or_yields(nsproxy, handler, reply):
    class Server(Client):
        def reply(self, message):
            return message * 2

        def reply_early(self, message):
            yield message * 2

    server, client = run_agent('server', base=Server), run_client()
    client.connect(server.bind('ASYNC_REP', handler=handler), alias='server', handler=receive)
    client.send('server', 2)
    assert received(client, value=[reply])


@pytest.mark.parametrize(
    'handler, kept',
    [
        pytest.param(receive, 4, id='function'),
        pytest.param(lambda agent, reply: agent.received.append(reply), 4, id='lambda'),
        pytest.param(tagging('closure'), ('closure', 4), id='closure'),
        pytest.param('take', 4, id='name'),
    ],
)
@pytest.mark.parametrize('given', ['connect', 'send'])
def test_a_reply_goes_to_the_handler_of_its_request_or_the_default(nsproxy, handler, kept, given):
    if given == 'connect':
        client, server = connected_pair(double, default=handler)
        client.send('server', 2)
    else:
        client, server = connected_pair(double, default=tagging('default'))
        client.send('server', 2, handler=handler)
    assert received(client, value=[kept])
    for name in ('receive', '<lambda>', 'double'):
        for agent in (client, server):
            with pytest.raises(AttributeError):
                agent.get_attr(name)


@pytest.mark.new
def test_bound_methods_handle_replies_and_errors(nsproxy):
    server, client = run_client('server'), run_client()
    client.connect_method(server.bind('ASYNC_REP', handler=double))
    client.send('server', 1)
    assert received(client, value=[2])
    client.request_with_methods(2)
    assert received(client, value=[2, 4])
    client.send('server', 3)
    assert received(client, value=[2, 4, 6])


@pytest.mark.new
def test_connect_returns_the_twin(nsproxy):
    server, client = run_client('server'), run_client()
    channel = server.bind('ASYNC_REP', handler=double)
    assert client.connect(channel, alias='server', handler=receive) == channel.twin()


def test_requests_are_handled_in_order_one_at_a_time(nsproxy):
    def handle(agent, message):
        assert not agent.busy
        agent.busy = True
        time.sleep(0.002)
        agent.received.append(message)
        agent.busy = False
        return message

    client, server = connected_pair(handle)
    server.set_attr(busy=False)
    client.request_many(100)
    assert received(client, length=100)
    assert server.get_attr('received') == client.get_attr('received') == list(range(100))


def test_several_requests_may_be_open_at_several_servers(nsproxy):
    """The client is free in between, and replies come as they are ready."""
    client = run_client()
    for name in ('one', 'two'):
        server = run_client(name)
        client.connect(server.bind('ASYNC_REP', handler=slow), alias=name, handler=receive)
    started = time.monotonic()
    client.send('one', 2)
    client.send('two', 0.1)
    client.send('two', 0.2)
    assert client.ping() == 'pong'
    assert time.monotonic() - started < 1.5
    assert pending(client) >= 1
    assert received(client, length=3)
    assert client.get_attr('received') == [0.1, 0.2, 2]
    assert wait_condition(pending, client, negate=True, timeout=10)


def test_a_reply_leaves_before_the_next_request_is_handled(nsproxy):
    client, _ = connected_pair(slow)
    started = time.monotonic()
    client.send('server', 0)
    client.send('server', 3)
    assert wait_agent_attr(client, data=0, timeout=2.5)
    assert time.monotonic() - started < 2.5
    assert received(client, value=[0, 3])


def test_a_yielded_reply_leaves_before_the_rest_of_the_handler_runs(nsproxy):
    def yield_and_wait(agent, message):
        yield message * 2
        agent.received.append('begin')
        agent.gate.wait(30)
        agent.received.append('end')

    client, server = connected_pair(yield_and_wait)
    server.execute_as_method(lambda agent: setattr(agent, 'gate', threading.Event()))
    client.send('server', 1)
    assert received(client, value=[2])
    assert server.get_attr('received') in ([], ['begin'])
    server.unsafe.execute_as_method(lambda agent: agent.gate.set())
    client.send('server', 2)
    assert received(client, value=[2, 4])
    assert server.get_attr('received')[:2] == ['begin', 'end']


def test_a_second_yield_stops_the_server_after_the_first_reply(nsproxy):
    def twice(agent, message):
        yield 'first'
        yield 'second'

    client, server = connected_pair(twice)
    logger = log_of(server)
    client.send('server', None)
    assert received(client, value=['first'])
    assert wait_condition(server.is_running, negate=True, timeout=3)
    assert logger_received(logger, 'yielded more than once', log_name='log_history_error')
    assert client.is_running()


def test_request_and_reply_take_a_tenth_of_a_second_at_most(nsproxy):
    """The best of a few: this machine may be busy."""
    client, _ = connected_pair(double)
    latencies = []
    for number in range(5):
        started = time.monotonic()
        client.send('server', number)
        assert received(client, data=2 * number)
        latencies.append(time.monotonic() - started)
    assert min(latencies) < 0.2


def test_a_client_connects_to_a_channel_once(nsproxy):
    client, server = connected_pair(double)
    with pytest.raises((NotImplementedError, AssertionError)):
        client.unsafe.connect(server.addr('rep'), alias='again', handler=receive)
    client.send('server', 1)
    assert received(client, value=[2])


@pytest.mark.parametrize('handler', [1234, object()])
def test_other_handlers_are_refused(nsproxy, handler):
    server = run_client()
    with pytest.raises(TypeError, match='Unknown handler type'):
        server.unsafe.bind('ASYNC_REP', alias='rep', handler=handler)


@pytest.mark.parametrize('serializer, message', [('json', 'x'), ('raw', b'x')])
def test_a_serializer_that_cannot_carry_requests_is_an_error_at_send(nsproxy, serializer, message):
    """Or it can carry them after all, then the reply arrives."""
    server, client = run_agent('server', serializer=serializer), run_client()
    channel = server.bind('ASYNC_REP', handler=lambda agent, message: message)
    try:
        client.unsafe.connect(channel, alias='server', handler=receive)
        client.unsafe.send('server', message)
    except TypeError:
        return
    assert received(client, value=[message])


@pytest.mark.new
def test_a_request_whose_reply_nobody_handles_harms_nobody(nsproxy):
    """It is refused at send; 0.6.5 crashed the client when the reply came."""
    client, server = connected_pair(double, default=None)
    with pytest.raises(ValueError):
        client.send('server', 1)
    assert pending(client) == 0
    client.send('server', 2, handler=receive)
    assert received(client, value=[4])
    assert client.is_running() and server.is_running()


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_closing_makes_the_channel_unknown_and_removes_its_files(nsproxy, transport):
    server, client = run_agent('server', base=Client, transport=transport), run_client()
    channel = server.bind('ASYNC_REP', alias='rep', handler=double)
    client.connect(channel, alias='server', handler=receive)
    client.send('server', 1)
    assert received(client, value=[2])
    client.close('server')
    server.close('rep')
    assert not client.has_socket('server')
    assert not server.has_socket('rep')
    if transport == 'ipc':
        assert wait_condition(channel.receiver.address.exists, negate=True, timeout=3)


@pytest.mark.new
def test_a_client_that_closes_its_end_harms_no_other_and_may_come_back(nsproxy):
    """0.6.5 removed the server's file and refused to connect again."""
    client, server = connected_pair(double)
    channel = server.addr('rep')
    client.close('server')
    assert channel.receiver.address.exists()
    for who, message in ((run_client('other'), 1), (client, 2)):
        who.connect(channel, alias='server', handler=receive)
        who.send('server', message)
        assert received(who, value=[2 * message])


def listening():
    """Return how many tcp sockets this process listens on."""
    own = set()
    for descriptor in list(Path('/proc/self/fd').iterdir()):
        with contextlib.suppress(FileNotFoundError):
            own.add(str(descriptor.resolve().name))
    lines = [line.split() for line in Path('/proc/net/tcp').read_text().splitlines()[1:]]
    return sum(line[3] == '0A' and 'socket:[%s]' % line[9] in own for line in lines)


@pytest.mark.new
def test_replies_travel_over_the_connection_of_the_request(nsproxy, ipc_dir):
    """The client opens nothing that would have to be reachable, whatever its own transport."""
    server = run_agent('server', base=Client, transport='tcp')
    channel = server.bind('ASYNC_REP', handler=double)
    for transport in ('ipc', 'tcp'):
        client = run_client(transport, transport=transport)
        before = client.execute_as_function(listening)
        assert before >= 1, 'the one that serves proxies'
        client.connect(channel, alias='server', handler=receive)
        client.send('server', 1)
        assert received(client, value=[2])
        assert client.execute_as_function(listening) == before
    assert list(ipc_dir.iterdir()) == []


# --- Waiting --------------------------------------------------------------------------------------


def test_open_requests_are_counted_until_their_reply_comes(nsproxy):
    client, _ = connected_pair(slow)
    for seconds in (2, 0, 0):
        client.send('server', seconds)
    assert pending(client) == 3
    assert received(client, length=3)
    assert wait_condition(pending, client, negate=True, timeout=10)


def test_after_the_wait_on_error_is_called(nsproxy):
    client, _ = connected_pair(slow)
    logger = log_of(client)
    client.send('server', 3, wait=1.5, on_error=note_error)
    assert pending(client) == 1
    assert not wait_agent_attr(client, name='errors', length=1, timeout=0.3)
    assert wait_agent_attr(client, name='errors', value=['failed'], timeout=10)
    assert pending(client) == 0
    assert warned(logger, 'Received response for an unknown request!', timeout=10)
    assert client.get_attr('received') == []
    assert not warned(logger, 'Did not receive', timeout=0.1)


def test_without_on_error_a_warning_is_logged(nsproxy):
    client, _ = connected_pair(slow)
    logger = log_of(client)
    client.send('server', 2, wait=0.1)
    assert warned(logger, r'Did not receive request .+ after 0\.1 seconds', timeout=10)
    assert pending(client) == 0
    assert warned(logger, r'Received response for an unknown request! .+', timeout=10)
    assert client.get_attr('received') == []
    assert client.is_running()


def test_a_reply_in_time_cancels_the_wait(nsproxy):
    client, _ = connected_pair(slow)
    logger = log_of(client)
    client.send('server', 0, wait=1, on_error=note_error)
    client.send('server', 0, wait=1)
    assert received(client, value=[0, 0])
    assert not warned(logger, '.', timeout=1.5)
    assert client.get_attr('errors') == []


@pytest.mark.parametrize('wait', [None, 0])
def test_without_wait_there_is_no_limit(nsproxy, wait):
    client, _ = connected_pair(slow)
    client.send('server', 0.4, wait=wait, on_error=note_error)
    assert received(client, value=[0.4])
    assert client.get_attr('errors') == []


def test_a_reply_to_a_forgotten_request_is_logged_and_not_handled(nsproxy):
    client, _ = connected_pair(slow)
    logger = log_of(client)
    client.send('server', 2)
    client.set_attr(_pending_requests={})
    assert warned(logger, 'Received response for an unknown request!', timeout=10)
    assert client.get_attr('received') == []
    client.send('server', 0)
    assert received(client, value=[0])


def test_on_error_runs_when_the_server_is_gone(nsproxy):
    client, server = connected_pair(double)
    server.shutdown()
    assert agent_dies('server', nsproxy, timeout=3)
    client.send('server', 1, wait=0.2, on_error=note_error)
    assert wait_agent_attr(client, name='errors', value=['failed'], timeout=3)


@pytest.mark.parametrize(
    'on_error',
    [
        pytest.param(note_error, id='function'),
        pytest.param(lambda agent: agent.errors.append('failed'), id='lambda'),
        pytest.param('fail', id='name', marks=pytest.mark.new),
        pytest.param('bound', id='bound-method', marks=pytest.mark.new),
    ],
)
def test_on_error_takes_every_form_of_a_handler(nsproxy, on_error):
    """A name and a bound method as well as a function, which is given the agent."""
    client, _ = connected_pair(slow)
    if on_error == 'bound':
        client.request_with_methods(0.5, wait=0.1)
    else:
        client.send('server', 0.5, wait=0.1, on_error=on_error)
    assert wait_agent_attr(client, name='errors', value=['failed'], timeout=3)
    assert client.is_running()


@pytest.mark.new
def test_a_wrong_on_error_is_an_error_at_send(nsproxy):
    client, _ = connected_pair(double)
    for on_error, error in [(1234, TypeError), ('missing', AttributeError)]:
        with pytest.raises(error):
            client.send('server', 1, wait=1, on_error=on_error)
    assert pending(client) == 0
    assert client.is_running()


# --- Failures -------------------------------------------------------------------------------------


def fail(agent, message):
    if message == 'good':
        return 'fine'
    raise ValueError('no such share: %s' % message)


@pytest.mark.new
@pytest.mark.parametrize(
    'on_error',
    [
        pytest.param('fail', id='name'),
        pytest.param(note_error, id='function'),
        pytest.param('bound', id='bound-method'),
    ],
)
@pytest.mark.parametrize('wait', [None, 30])
def test_on_error_is_called_when_the_handler_of_the_server_failed(nsproxy, on_error, wait):
    """At once, whether there is a limit or not; the server logs its error and stops."""
    client, server = connected_pair(fail)
    logger = log_of(server)
    if on_error == 'bound':
        client.request_with_methods('bad', wait=wait)
    else:
        client.send('server', 'bad', wait=wait, on_error=on_error)
    assert wait_agent_attr(client, name='errors', value=['failed'], timeout=3)
    assert pending(client) == 0
    assert client.get_attr('received') == []
    assert wait_condition(server.is_running, negate=True, timeout=3)
    assert logger_received(
        logger,
        'An exception occurred while running!.*no such share: bad',
        log_name='log_history_error',
    )


@pytest.mark.new
def test_an_on_error_with_two_parameters_gets_the_error(nsproxy):
    def keep(agent, error):
        agent.errors.append((type(error), str(error)))

    client, _ = connected_pair(fail)
    client.send('server', 'bad', on_error=keep)
    assert wait_agent_attr(client, name='errors', length=1, timeout=3)
    ((kind, text),) = client.get_attr('errors')
    assert issubclass(kind, ValueError)
    assert 'no such share: bad' in text


@pytest.mark.new
def test_with_on_error_continue_the_server_goes_on(nsproxy):
    client, server = connected_pair(fail, on_error='continue')
    logger = log_of(client)
    for message in ('bad', 'good', 'bad', 'good'):
        client.send('server', message, on_error=note_error)
    assert received(client, value=['fine', 'fine'])
    assert wait_agent_attr(client, name='errors', value=['failed', 'failed'], timeout=3)
    assert server.is_running()
    assert not warned(logger, '.', timeout=0.1)


@pytest.mark.new
def test_a_failed_request_without_on_error_is_a_warning(nsproxy):
    client, _ = connected_pair(fail, on_error='continue')
    logger = log_of(client)
    client.send('server', 'bad')
    assert warned(logger, 'no such share')
    assert pending(client) == 0
    assert client.is_running()


# --- Many -----------------------------------------------------------------------------------------


@pytest.mark.new
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_a_hundred_thousand_requests_in_both_directions_do_not_deadlock(nsproxy, transport):
    class Peer(Client):
        def on_init(self):
            super().on_init()
            self.sum = 0
            self.bind('ASYNC_REP', alias='rep', handler='reply')

        def reply(self, message):
            return message + 1

        def add(self, reply):
            self.sum += reply

    peers = [run_agent(name, base=Peer, transport=transport) for name in ('a', 'b')]
    for peer, other in (peers, reversed(peers)):
        peer.connect(other.addr('rep'), alias='server', handler='add')
    for peer in peers:
        peer.after(0, 'request_many', 100_000)
    for peer in peers:
        assert wait_agent_attr(peer, name='sum', value=sum(range(1, 100_001)), timeout=60)
        assert pending(peer) == 0
