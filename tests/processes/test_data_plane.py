"""Real systems over tcp: whoever has not the key of the cluster is refused on every socket, and nothing of his runs."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
import zmq
from zmq.utils.monitor import parse_monitor_message

import osbrain
from osbrain import Agent, AgentProcess, run_agent, run_agents, run_logger
from osbrain._memory import Memory
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, keyring, write_keyring
from osbrain.helper import wait_agent_attr

LIMIT = 10
BOUND = ['PULL', 'REP', 'SUB', 'PUSH', 'REQ', 'PUB']
CHANNELS = ['ASYNC_REP', 'SYNC_PUB', 'ACK_PUSH']
TWINS = {'PULL': zmq.PUSH, 'REP': zmq.REQ, 'SUB': zmq.PUB, 'PUSH': zmq.PULL, 'REQ': zmq.REP, 'PUB': zmq.SUB}
OF_CHANNELS = {'ASYNC_REP': zmq.DEALER, 'ACK_PUSH': zmq.DEALER}


class Trap:
    """Writes a file as soon as somebody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def keep(agent, message):
    agent.received.append(message)


def double(agent, message):
    return 2 * message


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def open_all(agent, serializer='pickle'):
    """Bind a socket of each kind; return every address with the ZeroMQ type of who would talk to it."""
    found = []
    for kind in BOUND:
        address = agent.bind(kind, handler=keep if kind in ('PULL', 'SUB') else double, serializer=serializer)
        found.append((address, TWINS[kind]))
    for kind in CHANNELS:
        channel = agent.bind(kind, handler=None if kind == 'ACK_PUSH' else double, serializer=serializer)
        addresses = [address for address in (channel.sender, channel.receiver) if address is not None]
        found += [(address, OF_CHANNELS.get(kind) or TWINS[address.kind.split('_')[0]]) for address in addresses]
    return found


class Stranger:
    """A bare ZeroMQ socket, and whether hands were shaken."""

    def __init__(self, context, kind, address):
        self.socket = context.socket(kind)
        self.socket.linger = 0
        failed = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        self.news = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | failed)
        if kind == zmq.SUB:
            self.socket.subscribe(b'')
        self.socket.connect(f'tcp://{address.address}')

    def send(self, frames):
        for _ in range(3):
            try:
                self.socket.send_multipart(frames, zmq.NOBLOCK)
            except zmq.ZMQError:
                return

    def is_let_in(self):
        assert self.news.poll(LIMIT * 1000), 'nothing happened'
        return parse_monitor_message(self.news.recv_multipart())['event'] == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def close(self):
        self.socket.disable_monitor()
        self.news.close(0)
        self.socket.close()


@pytest.fixture
def stranger():
    with zmq.Context() as context:
        made = []

        def one(kind, address):
            made.append(Stranger(context, kind, address))
            return made[-1]

        yield one
        for each in made:
            each.close()


def run_receiver(name, **options):
    return run_agent(name, transport='tcp', attributes={'received': []}, **options)


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_a_bare_peer_is_refused_on_every_socket_and_nothing_of_his_runs(nsproxy, stranger, tmp_path, serializer):
    agent = run_receiver('agent')
    trap = tmp_path / 'sprung'
    payload = pickle.dumps(Trap(trap))
    for address, kind in open_all(agent, serializer):
        one = stranger(kind, address)
        for frames in ([payload], [b'', payload], [b'\x80' + payload], [b'osbrain', payload], [b'x'] * 5):
            one.send(frames)
        assert not one.is_let_in(), address
    assert agent.ping() == 'pong'
    assert agent.counters()['undecodable'] == 0
    assert agent.received == []
    assert until(lambda: agent.counters()['refused'] >= len(BOUND))
    assert not trap.exists()


def test_every_kind_works_between_key_holders(nsproxy):
    server, client = run_receiver('server'), run_receiver('client')
    client.connect(server.bind('REP', handler=double), 'rep', ready=LIMIT)
    assert client.send_recv('rep', 4) == 8
    client.connect(server.bind('PULL', handler=keep), 'pull')
    client.send('pull', 1)
    client.connect(server.bind('PUB', 'pub'), handler=keep, ready=LIMIT)
    server.send('pub', 2)
    client.connect(server.bind('ASYNC_REP', handler=double), 'async', handler=keep)
    client.send('async', 3)
    client.connect(server.bind('SYNC_PUB', 'news', handler=double), 'news', handler=keep, ready=LIMIT)
    server.send('news', 4)
    client.connect(server.bind('ACK_PUSH', 'work'), handler=keep)
    server.send('work', 5)
    assert wait_agent_attr(server, 'received', data=1, timeout=LIMIT)
    for value in (2, 6, 4, 5):
        assert wait_agent_attr(client, 'received', data=value, timeout=LIMIT)
    assert server.counters()['refused'] == client.counters()['refused'] == 0


@pytest.mark.parametrize('serializer', ['raw', 'json'])
def test_what_executes_nothing_stays_open_to_bare_peers_of_this_machine(nsproxy, stranger, serializer):
    agent = run_receiver('agent')
    for address, kind in open_all(agent, serializer):
        assert stranger(kind, address).is_let_in(), address


def test_bound_to_every_interface_even_raw_is_closed(nsproxy, stranger):
    agent = run_receiver('agent', addr='127.0.0.1')
    address = agent.bind('PULL', handler=keep, serializer='raw', addr='0.0.0.0', advertise='127.0.0.1')
    assert not stranger(zmq.PUSH, address).is_let_in()
    peer = run_agent('peer')
    peer.connect(address, 'out', ready=LIMIT)
    peer.send('out', b'hello')
    assert wait_agent_attr(agent, 'received', data=b'hello', timeout=LIMIT)


def test_security_is_a_default_of_agents_however_they_are_started(nsproxy):
    agents = [
        run_agent('one', transport='tcp', serializer='json', security='curve'),
        *run_agents([{'name': 'two', 'transport': 'tcp', 'serializer': 'json', 'security': 'curve'}]),
    ]
    assert {agent.bind('PUSH').security for agent in agents} == {'curve'}
    process = AgentProcess('three', transport='tcp', serializer='json', security='curve')
    process.start()
    assert nsproxy.proxy('three').unsafe.bind('PUSH').security == 'curve'


def test_a_base_that_takes_the_arguments_of_old_is_still_good(nsproxy):
    class Old(Agent):
        def __init__(self, name='', host=None, serializer=None, transport=None, attributes=None):
            super().__init__(name, host, serializer, transport, attributes)

    assert run_agent('old', base=Old).ping() == 'pong'


@pytest.mark.parametrize('start', [run_agent, lambda name, **more: run_agents([{'name': name, **more}])])
def test_a_misspelt_protection_is_an_error_before_anything_is_started(nsproxy, monkeypatch, start):
    with pytest.raises(ValueError, match="security must be 'curve', 'none'"):
        start('a', security='cruve')
    monkeypatch.setitem(osbrain.config, 'SECURITY', 'cruve')
    with pytest.raises(ValueError, match=r"config\['SECURITY'\] must be"):
        start('a')
    assert nsproxy.agents() == []


_OTHER_SYSTEM = '''
import json, sys
from osbrain import Agent, AgentAddress
from osbrain.errors import WaitTimeout
agent = Agent('stranger')
try:
    agent.connect(AgentAddress('tcp', sys.argv[1], 'PULL', 'server', 'pickle'), 'out', ready=2)
except WaitTimeout as error:
    print(json.dumps([str(error), agent.counters()['refused'] > 0]))
'''


def test_systems_with_other_keys_do_not_talk_to_each_other_and_say_so(nsproxy, tmp_path):
    logger, agent = run_logger('logger'), run_receiver('agent')
    agent.set_logger(logger)
    address = agent.bind('PULL', handler=keep)
    write_keyring(tmp_path / 'other.key', Keyring((ClusterKey.new(),)))
    environment = {**os.environ, 'OSBRAIN_KEY_FILE': str(tmp_path / 'other.key')}
    command = [sys.executable, '-c', _OTHER_SYSTEM, str(address.address)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    why, counted = json.loads(done.stdout.splitlines()[-1])
    assert 'refused the connection: it belongs to another cluster' in why
    assert counted and 'refused the connection' in done.stderr
    said = until(lambda: [line for line in logger.get_attr('log_history') if 'another cluster key: 127.0.0.1:' in line])
    assert len(said) == 1 and '(agent)' in said[0]
    assert agent.received == []


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """A key file of the whole system's own; to be asked for before the name server is."""
    path = tmp_path / 'cluster.key'
    write_keyring(path, Keyring((ClusterKey.new(),)))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    return path


def test_an_agent_that_is_started_again_finds_its_peers_although_keys_changed_meanwhile(key_file, nsproxy):
    """Its peers expect the key that it had; it has that one as long as it is accepted."""
    old, new = keyring().current, ClusterKey.new()
    process = AgentProcess('phoenix', memory=Memory(), transport='tcp', attributes={'received': []})
    process.run_at_once = True
    process.start()
    process.wait_for_word(LIMIT)
    address = nsproxy.proxy('phoenix').bind('PULL', 'in', handler=keep)
    peer = run_agent('peer')
    peer.connect(address, 'out', ready=LIMIT)
    write_keyring(key_file, Keyring((new, old)))
    os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT)
    nsproxy.reap()
    again = process.again()
    again.run_at_once = True
    again.start()
    again.wait_for_word(LIMIT)
    risen = nsproxy.proxy('phoenix')
    assert risen.addr('in').key == old.identifier
    peer.send('out', 'still here')
    assert wait_agent_attr(risen, 'received', data='still here', timeout=LIMIT)
    newcomer = run_agent('newcomer')
    newcomer.connect(risen.bind('PULL', handler=keep), 'out', ready=LIMIT)
    assert risen.bind('PUSH').key == new.identifier


_WITHOUT_PICKLES = '''
from osbrain import run_agent, run_logger, run_nameserver
from osbrain.helper import wait_agent_attr

def keep(agent, message):
    agent.received.append(message)

def double(agent, message):
    return 2 * message

if __name__ == '__main__':
    ns = run_nameserver()
    logger = run_logger('logger')
    a, b = (run_agent(name, attributes={'received': []}) for name in 'ab')
    a.set_logger(logger)
    for transport in ('ipc', 'tcp'):
        b.connect(a.bind('PULL', handler=keep, transport=transport), 'out')
        b.send('out', [1, {'x': None}])
        b.connect(a.bind('REP', handler=double, transport=transport), 'ask')
        assert b.send_recv('ask', 4) == 8
        channel = a.bind('ASYNC_REP', handler=double, transport=transport)
        assert channel.serializer == 'json'
        b.connect(channel, 'async', handler=keep)
        b.send('async', 7)
        b.connect(a.bind('SYNC_PUB', 'news' + transport, handler=double, transport=transport), handler=keep, ready=5)
        a.send('news' + transport, 'news')
        b.connect(a.bind('ACK_PUSH', 'work' + transport, transport=transport), handler=keep)
        a.send('work' + transport, 'work')
        for value in (14, 'news', 'work'):
            assert wait_agent_attr(b, 'received', data=value, timeout=5), value
    assert wait_agent_attr(a, 'received', length=2, timeout=5)
    a.log_info('said')
    assert wait_agent_attr(logger, 'log_history', length=1, timeout=5)
    for serializer in ('pickle', 'cloudpickle', 'dill'):
        try:
            a.bind('PUSH', serializer=serializer)
        except ValueError as error:
            print(type(error).__name__)
    ns.shutdown()
'''


def test_a_whole_system_works_without_pickles(tmp_path):
    (tmp_path / 'system.py').write_text(_WITHOUT_PICKLES)
    environment = {**os.environ, 'OSBRAIN_ALLOW_PICKLE': 'off'}
    command = [sys.executable, str(tmp_path / 'system.py')]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ['SerializerForbidden'] * 3), done.stderr
