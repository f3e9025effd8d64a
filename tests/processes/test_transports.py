"""Where sockets of real agents are, how they end, and that bare ZeroMQ understands them."""

import os
import pickle
import tempfile
import time
from pathlib import Path

import pytest
import zmq

import osbrain
from osbrain import Agent, AgentAddress, AgentProcess, Proxy, SocketAddress, run_agent
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition
from tests.ports import free_port


def receive(agent, message):
    agent.received.append(message)


def double(agent, message):
    return message * 2


def run_receiver(name, **kwargs):
    """Start an agent that has an empty list `received`."""
    return run_agent(name, attributes={'received': []}, **kwargs)


def received(agent, **conditions):
    """Wait until the messages that arrived at the agent meet the conditions."""
    return wait_agent_attr(agent, timeout=5, **conditions)


def talk(sender, receiver, address):
    """Check that messages from one agent arrive at the other's bound PULL."""
    alias = 'talk %s' % address.address
    sender.connect(address, alias=alias)
    sender.send(alias, alias)
    return received(receiver, data=alias)


@pytest.fixture
def ipc_dir(monkeypatch):
    """Give agents started from here on their own folder; its path is short, as sockets demand."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setitem(osbrain.config, 'IPC_DIR', Path(folder))
        yield Path(folder)


def files(folder):
    """Return the names of the files in the folder."""
    return sorted(path.name for path in folder.iterdir())


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'config, agent, bind, expected',
    [
        (None, None, None, 'ipc'),
        ('tcp', None, None, 'tcp'),
        ('tcp', 'ipc', None, 'ipc'),
        ('tcp', 'ipc', 'inproc', 'inproc'),
        (None, 'tcp', None, 'tcp'),
        (None, 'tcp', 'ipc', 'ipc'),
    ],
)
def test_bind_chooses_before_agent_before_config(nsproxy, monkeypatch, config, agent, bind, expected):
    """A client follows the server."""
    if config:
        monkeypatch.setitem(osbrain.config, 'TRANSPORT', config)
    server, client = run_agent('server', transport=agent), run_agent('client', transport='tcp')
    address = server.bind('PUSH', transport=bind)
    assert address.transport == expected
    if expected != 'inproc':
        assert client.connect(address, handler=receive).transport == expected
    for kind in ('ASYNC_REP', 'SYNC_PUB'):
        channel = server.bind(kind, handler=double, transport=bind)
        assert channel.transport == channel.receiver.transport == expected


def test_tcp_without_address_takes_the_host_of_the_agent_and_a_free_port(nsproxy):
    agent, sender = run_receiver('agent'), run_agent('sender')
    addresses = [agent.bind('PULL', handler=receive, transport='tcp') for _ in range(3)]
    assert len({address.address.port for address in addresses}) == 3
    for address in addresses:
        assert isinstance(address.address, SocketAddress)
        assert address.address.host == '127.0.0.1'
        assert talk(sender, agent, address)


def test_the_host_given_to_run_agent_is_the_default_of_bind(nsproxy):
    agent, sender = run_receiver('agent', addr='127.0.0.2:%s' % free_port()), run_agent('sender')
    address = agent.bind('PULL', handler=receive, transport='tcp')
    assert address.address.host == '127.0.0.2'
    assert talk(sender, agent, address)


@pytest.mark.parametrize('host', ['127.0.0.1', '127.0.0.3', '0.0.0.0'])
def test_tcp_with_a_host_keeps_it_and_takes_a_free_port(nsproxy, host):
    agent, sender = run_receiver('agent'), run_agent('sender')
    address = agent.bind('PULL', handler=receive, transport='tcp', addr=host)
    assert address.address.host == host
    assert address.address.port > 0
    assert talk(sender, agent, address)


@pytest.mark.parametrize('form', [str, lambda address: address], ids=['text', 'SocketAddress'])
def test_tcp_with_host_and_port_is_exactly_that(nsproxy, form):
    agent, sender = run_receiver('agent'), run_agent('sender')
    wanted = SocketAddress('127.0.0.1', free_port())
    address = agent.bind('PULL', handler=receive, transport='tcp', addr=form(wanted))
    assert address.address == wanted
    assert talk(sender, agent, address)


def test_a_port_in_use_is_an_error_until_its_owner_has_ended(nsproxy):
    first, second, sender = run_receiver('first'), run_receiver('second'), run_agent('sender')
    address = first.bind('PULL', alias='in', handler=receive, transport='tcp')
    for agent in (first, second):
        with pytest.raises(zmq.ZMQError, match='Address already in use'):
            agent.unsafe.bind('PULL', alias='x', handler=receive, transport='tcp', addr=address.address)
        assert not agent.has_socket('x')
    first.shutdown()
    assert agent_dies('first', nsproxy, timeout=3)

    def bound():
        try:
            return second.unsafe.bind('PULL', handler=receive, transport='tcp', addr=address.address)
        except zmq.ZMQError:
            return False

    assert wait_condition(bound, timeout=2)
    assert talk(sender, second, address)


def test_a_client_reconnects_to_a_server_that_comes_back(nsproxy):
    first, sender = run_receiver('first'), run_agent('sender')
    address = first.bind('PULL', handler=receive, transport='tcp')
    assert talk(sender, first, address)
    first.shutdown()
    assert agent_dies('first', nsproxy, timeout=3)
    second = run_receiver('second')
    second.bind('PULL', handler=receive, transport='tcp', addr=address.address)
    sender.send(address.twin(), 'again')
    assert received(second, data='again')


@pytest.mark.new
@pytest.mark.parametrize('addr', ['localhost', 'localhost:{port}'])
def test_a_host_name_is_resolved(nsproxy, addr):
    agent, sender, port = run_receiver('agent'), run_agent('sender'), free_port()
    address = agent.bind('PULL', handler=receive, transport='tcp', addr=addr.format(port=port))
    assert address.address.host in ('127.0.0.1', '::1')
    assert (address.address.port == port) == ('port' in addr)
    assert talk(sender, agent, address)


@pytest.mark.parametrize('name', [None, 'osbrain-test-name'])
def test_ipc_is_a_socket_file_in_the_folder_of_the_config(nsproxy, ipc_dir, name):
    """Its path is absolute, so that the working directories of the agents do not matter."""
    agent, sender = run_receiver('agent'), run_agent('sender')
    address = agent.bind('PULL', alias='in', handler=receive, transport='ipc', addr=name)
    path = address.address
    assert isinstance(path, Path) and path.is_absolute() and path.is_socket()
    assert path.parent == ipc_dir
    if name:
        assert path.name == name
    for who, folder in ((agent, '/'), (sender, tempfile.gettempdir())):
        who.execute_as_function(os.chdir, folder)
    assert talk(sender, agent, address)
    assert AgentAddress('ipc', path, 'PULL', 'server', 'pickle') == address
    agent.close('in')
    assert wait_condition(path.exists, negate=True, timeout=3)


def test_ipc_names_are_unique(nsproxy, ipc_dir):
    agents = [run_agent('agent%d' % i) for i in range(2)]
    addresses = [agent.bind('PUSH', transport='ipc') for agent in agents for _ in range(3)]
    assert len({address.address for address in addresses}) == len(files(ipc_dir)) == 6


def test_inproc_is_known_inside_one_agent_only(nsproxy):
    agent, other = run_receiver('agent'), run_receiver('other')
    address = agent.bind('PULL', handler=receive, transport='inproc')
    named = agent.bind('PULL', alias='named', handler=receive, transport='inproc', addr='here')
    assert isinstance(address.address, str)
    assert named.address == 'here'
    assert address.address != agent.bind('PULL', handler=receive, transport='inproc').address
    assert talk(agent, agent, address)
    assert talk(agent, agent, named)
    with pytest.raises(zmq.ZMQError):
        agent.unsafe.bind('PULL', alias='x', handler=receive, transport='inproc', addr='here')
    assert not agent.has_socket('x')
    other.bind('PULL', handler=receive, transport='inproc', addr='here')
    assert talk(other, other, named)
    assert not any('here' in message for message in agent.get_attr('received')[2:])


@pytest.mark.parametrize('transport', ['nope', 'udp', 'TCP'])
def test_an_unknown_transport_is_refused(nsproxy, transport):
    agent = run_agent('agent')
    with pytest.raises((zmq.ZMQError, ValueError)):
        agent.unsafe.bind('PUSH', alias='x', transport=transport)
    assert not agent.has_socket('x')


# --- Linger ---------------------------------------------------------------------------------------


def push_to_nobody(nsproxy):
    """Have an agent push to a puller that has gone; return it and the address to bind again."""
    puller = run_receiver('puller', transport='tcp')
    address = puller.bind('PULL', handler=receive)
    pusher = run_agent('pusher')
    pusher.connect(address, alias='out')
    pusher.send('out', 'heard')
    assert received(puller, value=['heard'])
    puller.shutdown()
    assert agent_dies('puller', nsproxy, timeout=3)
    pusher.send('out', 'late')
    return pusher, address


@pytest.mark.parametrize('way', ['config', 'argument', 'close_all argument'])
@pytest.mark.parametrize('linger, delivered', [(2, True), (-1, True), (0.5, False), (0, False)])
def test_a_closed_socket_delivers_for_as_long_as_it_lingers(nsproxy, monkeypatch, way, linger, delivered):
    """What was sent before is delivered to a puller that appears a second later, or is lost."""
    monkeypatch.setitem(osbrain.config, 'LINGER', float(linger) if way == 'config' else 30.0)
    pusher, address = push_to_nobody(nsproxy)
    started = time.monotonic()
    if way == 'config':
        pusher.close_all()
    elif way == 'argument':
        pusher.close('out', linger=linger)
    else:
        pusher.close_all(linger=linger)
    assert time.monotonic() - started < 1.5, 'close must not block'
    assert not pusher.has_socket('out')
    puller = run_receiver('puller')
    # The second is what the test is about: time that a lingering socket has to survive.
    time.sleep(max(0, started + 1 - time.monotonic()))
    puller.bind('PULL', handler=receive, transport='tcp', addr=address.address)
    assert wait_agent_attr(puller, value=['late'], timeout=3 if delivered else 0.5) == delivered


def test_messages_sent_just_before_the_end_still_arrive(nsproxy):
    class Hasty(Agent):
        def send_and_go(self):
            for number in range(100):
                self.send('out', number)
            self.shutdown()

    pusher, puller = run_agent('pusher', base=Hasty), run_receiver('puller')
    pusher.connect(puller.bind('PULL', handler=receive, transport='tcp'), alias='out')
    pusher.after(0, 'send_and_go')
    assert received(puller, length=100)
    assert puller.get_attr('received') == list(range(100))


def test_close_all_closes_what_the_user_made_and_nothing_else(nsproxy):
    agent, other = run_receiver('agent'), run_receiver('other')
    address = other.bind('PULL', handler=receive)
    for kind in ('PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_PUB'):
        agent.bind(kind, alias=kind, handler=receive)
    agent.connect(address, alias='client')
    names = ['PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_PUB', 'client']
    assert all(agent.has_socket(name) for name in names)
    agent.close_all()
    assert not any(agent.has_socket(name) for name in names)
    assert agent.has_socket('_loopback_safe')
    assert talk(agent, other, address)


@pytest.mark.parametrize('by', ['alias', 'address'])
def test_closing_forgets_every_name_of_a_socket(nsproxy, by):
    agent = run_receiver('agent')
    before = agent.execute_as_method(polled)
    address = agent.bind('PULL', alias='one', handler=receive)
    assert len(agent.execute_as_method(polled) - before) == 1
    agent.close('one' if by == 'alias' else address)
    assert not agent.has_socket('one')
    assert not agent.has_socket(address)
    assert agent.execute_as_method(polled) == before
    with pytest.raises(KeyError):
        agent.unsafe.close('one')
    with pytest.raises(KeyError):
        agent.unsafe.close('never there')


def polled(agent):
    """Return what the agent listens to."""
    return {str(socket) for socket in agent._poller.sockets}


# --- ipc files ------------------------------------------------------------------------------------

KINDS = ['PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_PUB']


def bind_everything(agent):
    """Bind a socket of each kind over ipc."""
    for kind in KINDS:
        agent.bind(kind, alias=kind, handler=receive, transport='ipc')


@pytest.mark.parametrize('end', ['close', 'close_all', 'shutdown', 'kill', 'name server'])
def test_ipc_files_exist_until_their_agent_closes_them_or_ends(nsproxy, ipc_dir, end):
    agent = run_receiver('agent')
    bind_everything(agent)
    assert len(files(ipc_dir)) == len(KINDS) + 1  # SYNC_PUB has two sockets
    if end == 'close':
        for kind in KINDS:
            agent.close(kind)
    elif end == 'close_all':
        agent.close_all()
    elif end == 'shutdown':
        agent.shutdown()
    elif end == 'kill':
        agent.oneway.kill()
    else:
        nsproxy.shutdown_agents()
    assert wait_condition(files, ipc_dir, negate=True, timeout=3)


@pytest.mark.parametrize('state', ['crashed', 'stopped', 'not running', 'blocked'])
@pytest.mark.parametrize('end', ['kill', 'name server'])
def test_ipc_files_vanish_whatever_state_their_agent_was_in(nsproxy, ipc_dir, state, end):
    """It crashed, was stopped, never ran or was blocked in a send."""

    class Bound(Agent):
        def on_init(self):
            bind_everything(self)

        def block(self):
            self.blocked = True
            while True:
                self.send('PUSH', 'x')

    if state == 'not running':
        AgentProcess('agent', base=Bound).start()
        agent = Proxy('agent')
    else:
        agent = run_agent('agent', base=Bound)
    if state == 'crashed':
        with pytest.raises(RuntimeError):
            agent.raise_exception()
    elif state == 'stopped':
        agent.stop()
    elif state == 'blocked':
        agent.set_attr(blocked=False)
        agent.after(0, 'block')
        assert wait_agent_attr(agent, name='blocked', value=True, timeout=3)
    if state != 'blocked':
        assert wait_condition(agent.is_running, negate=True, timeout=3)
    assert len(files(ipc_dir)) == len(KINDS) + 1
    if end == 'kill':
        agent.oneway.kill()
        assert agent_dies('agent', nsproxy, timeout=3)
    else:
        nsproxy.shutdown_agents(timeout=2)
    assert wait_condition(files, ipc_dir, negate=True, timeout=3)


def test_a_client_never_removes_the_file_of_its_server(nsproxy, ipc_dir):
    server, client, other = run_receiver('server'), run_receiver('client'), run_agent('other')
    address = server.bind('PULL', handler=receive, transport='ipc')
    client.connect(address, alias='out')
    client.close('out')
    assert address.address.exists()
    client.connect(address, alias='out')
    client.shutdown()
    assert agent_dies('client', nsproxy, timeout=3)
    assert address.address.exists()
    assert talk(other, server, address)


# --- The wire -------------------------------------------------------------------------------------


@pytest.fixture
def bare(open_to_strangers):
    """Return a function that connects a bare ZeroMQ socket of some type to an agent's address."""
    context = zmq.Context()
    sockets = []

    def connect(kind, address):
        bare_socket = context.socket(kind)
        sockets.append(bare_socket)
        bare_socket.rcvtimeo = 5000
        if kind == zmq.SUB:
            bare_socket.subscribe(b'')
        bare_socket.connect('tcp://%s:%s' % (address.address.host, address.address.port))
        return bare_socket

    yield connect
    for each in sockets:
        each.close(linger=0)
    context.term()


def test_a_bare_req_asks_a_raw_rep(nsproxy, bare):
    agent = run_agent('agent')
    req = bare(zmq.REQ, agent.bind('REP', handler=double, transport='tcp', serializer='raw'))
    for message in (b'x', b'', b'\x80' * 10):
        req.send(message)
        assert req.recv_multipart() == [message * 2]


def test_a_bare_push_feeds_a_raw_pull(nsproxy, bare):
    agent = run_receiver('agent')
    push = bare(zmq.PUSH, agent.bind('PULL', handler=receive, transport='tcp', serializer='raw'))
    messages = [b'x', b'', bytes(range(256)), b'y' * 10**6]
    for message in messages:
        push.send(message)
    assert received(agent, value=messages)
    assert {type(message) for message in agent.get_attr('received')} == {bytes}


def test_a_bare_pub_feeds_a_raw_sub(nsproxy, bare):
    agent = run_receiver('agent')
    pub = bare(zmq.PUB, agent.bind('SUB', handler={'a': receive}, transport='tcp', serializer='raw'))

    def live():
        pub.send(b'a probe')
        return wait_agent_attr(agent, length=1, timeout=0.1)

    assert wait_condition(live, timeout=5)
    for message in (b'b no', b'no', b'', b'a', b'ab \x80yes'):
        pub.send(message)
    assert received(agent, endswith=[b'a', b'ab \x80yes'])


@pytest.mark.parametrize(
    'serializer, frame',
    [
        ('raw', b'text'),
        ('json', b'"text"'),
        ('pickle', pickle.dumps('text', -1)),
        ('cloudpickle', pickle.dumps('text', -1)),
        ('dill', pickle.dumps('text', -1)),
    ],
)
def test_every_message_is_one_frame(nsproxy, bare, serializer, frame):
    """The serialized object, if published after topic and separator; a bare peer understands it."""
    agent = run_receiver('agent', transport='tcp', serializer=serializer)
    message = b'text' if serializer == 'raw' else 'text'
    pull = bare(zmq.PULL, agent.bind('PUSH', alias='push'))
    agent.send('push', message)
    (got,) = pull.recv_multipart()
    assert got == frame if serializer in ('raw', 'json') else pickle.loads(got) == message
    agent.bind('PUB', alias='pub')
    sub = bare(zmq.SUB, agent.addr('pub'))

    def heard():
        agent.send('pub', message, topic='top')
        return sub.poll(100)

    assert wait_condition(heard, timeout=5)
    assert sub.recv_multipart() == [b'top' + (b'' if serializer == 'raw' else b'\x80') + got]
    rep = bare(zmq.REP, agent.bind('REQ', alias='req'))
    agent.send('req', message)
    assert rep.recv_multipart() == [got]
    rep.send(got)
    assert agent.recv('req') == message


def test_bare_peers_may_send_what_the_serializer_understands(nsproxy, bare):
    agent = run_receiver('agent', transport='tcp')
    bare(zmq.PUSH, agent.bind('PULL', handler=receive, serializer='json')).send(b'{"a": [1]}')
    assert received(agent, value=[{'a': [1]}])
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        bare(zmq.PUSH, agent.bind('PULL', handler=receive)).send(pickle.dumps((1, b'x'), protocol))
        assert received(agent, endswith=[(1, b'x')])
        agent.set_attr(received=[])


# --- Nothing is left behind -----------------------------------------------------------------------


def descriptors(agent):
    """Return how many file descriptors the process of the agent has open."""
    return len(list(Path('/proc/self/fd').iterdir()))


@pytest.mark.new
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_a_thousand_rounds_of_opening_and_closing_leave_nothing(nsproxy, ipc_dir, transport):
    """Close, unsubscribe, bind the alias again, connect twice: neither sockets nor files pile up."""

    class Busy(Agent):
        def on_init(self):
            self.received = []

        def open_and_close(self, peer_pub, peer_pull, peer_rep, peer_sync):
            for kind in KINDS:
                self.bind(kind, alias=kind, handler=receive, transport=transport)
                self.close(kind)
            self.bind('PULL', alias='again', handler=receive, transport=transport)
            self.close('again')
            self.bind('PUB', alias='again', transport=transport)
            self.close('again', linger=0)
            self.connect(peer_pull, alias='one')
            self.connect(peer_pull, alias='two')
            self.send('two', 'x')
            self.close('one')
            self.connect(peer_pub, alias='sub', handler={'a': receive})
            self.subscribe('sub', {'b': receive, 'c': receive})
            self.unsubscribe('sub', ['a', 'c'])
            self.close('sub')
            self.connect(peer_rep, alias='async', handler=receive)
            self.send('async', 1)
            self.close('async')
            self.connect(peer_sync, alias='sync', handler=receive)
            self.send('sync', 1, handler=receive)
            self.close('sync')

    busy, peer = run_agent('busy', base=Busy), run_receiver('peer', transport=transport)
    servers = [
        peer.bind('PUB'),
        peer.bind('PULL', handler=receive),
        peer.bind('ASYNC_REP', handler=double),
        peer.bind('SYNC_PUB', handler=double),
    ]
    busy.open_and_close(*servers)
    polled_before, files_before = busy.execute_as_method(polled), files(ipc_dir)

    def settled():
        """ZeroMQ closes in the background: wait until two looks at an interval agree."""
        before = busy.execute_as_method(descriptors)
        return not wait_condition(lambda: busy.execute_as_method(descriptors) != before, timeout=0.3)

    assert wait_condition(settled, timeout=10)
    open_before = busy.execute_as_method(descriptors)
    for _ in range(999):
        busy.open_and_close(*servers)
    assert wait_condition(lambda: busy.execute_as_method(descriptors) <= open_before + 5, timeout=10)
    assert busy.execute_as_method(polled) == polled_before
    assert files(ipc_dir) == files_before
    assert received(peer, length=1000)
    assert busy.is_running() and peer.is_running()


@pytest.mark.new
def test_binding_an_alias_again_and_again_keeps_a_few_sockets_at_most(nsproxy, ipc_dir):
    """The last one works; 0.6.5 kept them all. Closing everything takes the rest."""
    agent, sender = run_receiver('agent'), run_agent('sender')

    def bind_often():
        for _ in range(50):
            address = agent.bind('PULL', alias='same', handler=receive, transport='ipc')
        return address

    bind_often()
    left, before = len(files(ipc_dir)), agent.execute_as_method(descriptors)
    assert left <= 20
    address = bind_often()
    assert len(files(ipc_dir)) == left
    assert wait_condition(lambda: agent.execute_as_method(descriptors) <= before + 5, timeout=10)
    assert agent.addr('same') == address
    assert talk(sender, agent, address)
    agent.close_all()
    assert files(ipc_dir) == []


@pytest.mark.new
def test_rejected_calls_leave_neither_sockets_nor_files(nsproxy, ipc_dir):
    agent, peer = run_receiver('agent'), run_receiver('peer')
    address = peer.bind('PUB', transport='tcp')
    bad = [
        lambda: agent.bind('PULL', handler=1234),
        lambda: agent.bind('PULL'),
        lambda: agent.bind('SYNC_PUB', handler='missing'),
        lambda: agent.bind('REP', handler=receive, serializer='nope'),
        lambda: agent.bind('REP', handler=receive, transport='tcp', addr=address.address),
        lambda: agent.connect(address, handler=1234),
        lambda: agent.connect(address, handler={'a': receive, 'b': 'missing'}),
        lambda: agent.connect(address),
    ]

    def provoke():
        for call in bad:
            with pytest.raises((TypeError, ValueError, AttributeError, zmq.ZMQError)):
                call()

    provoke()
    polled_before = agent.execute_as_method(polled)
    before = agent.execute_as_method(descriptors)
    for _ in range(20):
        provoke()
    assert agent.execute_as_method(polled) == polled_before
    assert wait_condition(lambda: agent.execute_as_method(descriptors) <= before + 3, timeout=10)
    assert files(ipc_dir) == []
