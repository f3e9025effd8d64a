"""Agents of this process over tcp: who has the key of the cluster is let in, and who has not is told so."""

import gc
import os
import threading
import time
from pathlib import Path

import pytest
import zmq

import osbrain
from osbrain import Agent, AgentAddress
from osbrain._agent.core import core_of
from osbrain._config import ipc_dir
from osbrain._io.curve import client_pair, protect_connected, server_pair
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, write_keyring
from osbrain.errors import KeyUnusable, OptionInvalid, SerializerForbidden, Unprotected, WaitTimeout

LIMIT = 5
EXECUTING = ['pickle', 'cloudpickle', 'dill']


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


@pytest.fixture(scope='module', autouse=True)
def ipc_folder():
    """Make the folder of ipc sockets, which stays, before anybody looks what tests leave."""
    ipc_dir()


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Have this process use a key file with the keys given, the first of them in use."""
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'cluster.key'))

    def use(*ring):
        write_keyring(tmp_path / 'cluster.key', Keyring(ring))
        return ring[0]

    use(ClusterKey.new())
    return use


@pytest.fixture
def puller(new_agent, running):
    """A running agent that keeps what it pulls over tcp, with its address."""
    agent = new_agent(name='puller')
    agent.got = []

    def bind(transport='tcp', **options):
        # In the loop's thread: it is just beginning to look after the sockets that there are.
        keep = {'handler': lambda agent, message: agent.got.append(message)}
        return agent.safe_call('bind', 'PULL', transport=transport, **keep, **options)

    with running(agent):
        agent.open = bind
        yield agent


@pytest.fixture
def pusher(new_agent):
    return new_agent(name='pusher')


@pytest.fixture
def bare():
    """Make ZeroMQ sockets without osbrain that are connected to an address, with the keys given."""
    with zmq.Context() as context:
        sockets = []

        def connect(address, kind=zmq.PUSH, server=None, client=None):
            socket = context.socket(kind)
            sockets.append(socket)
            socket.linger = 0
            if server is not None:
                protect_connected(socket, server)
                socket.curve_publickey, socket.curve_secretkey = client
            socket.connect(f'tcp://{address.address}')
            return socket

        yield connect
        for socket in sockets:
            socket.close()


def handmade(address, **options):
    """The address as programs of 0.6.5 write it."""
    return AgentAddress('tcp', address.address, address.kind, 'server', address.serializer, **options)


# -- The rule -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', EXECUTING)
@pytest.mark.parametrize('addr', ['127.0.0.1', '0.0.0.0', '::1'])
def test_what_runs_code_takes_messages_from_key_holders_only(keys, puller, pusher, serializer, addr):
    key = keys(ClusterKey.new())
    address = puller.open(serializer=serializer, addr=addr)
    assert (address.security, address.key) == ('curve', key.identifier)
    pusher.connect(address, 'out', ready=LIMIT)
    pusher.send('out', 'hello')
    assert until(lambda: puller.got) == ['hello']


@pytest.mark.parametrize('serializer', ['raw', 'json'])
def test_what_executes_nothing_is_open_on_loopback_only(keys, puller, pusher, serializer):
    assert puller.open(serializer=serializer).security == 'none'
    for number, addr in enumerate(['0.0.0.0', '::']):
        address = puller.open(serializer=serializer, addr=addr, advertise='127.0.0.1' if number else None)
        assert address.security == 'curve'


def test_ipc_and_inproc_are_open(keys, new_agent):
    agent = new_agent()
    assert {agent.bind('PUSH', transport=transport).security for transport in ('ipc', 'inproc')} == {'none'}


@pytest.mark.parametrize('kind', ['ASYNC_REP', 'SYNC_PUB', 'ACK_PUSH'])
@pytest.mark.parametrize('serializer, security', [('pickle', 'curve'), ('json', 'none')])
def test_every_socket_of_a_channel_follows_the_rule(keys, new_agent, kind, serializer, security):
    handler = None if kind == 'ACK_PUSH' else print
    channel = new_agent().bind(kind, handler=handler, transport='tcp', serializer=serializer)
    addresses = [one for one in (channel.sender, channel.receiver) if one is not None]
    assert {one.security for one in addresses} == {security}
    assert {one.security for one in (channel.twin().sender, channel.twin().receiver) if one} == {security}


def test_an_agent_without_curve_has_no_thread_for_it(keys, new_agent):
    agent, before = new_agent(), threading.active_count()
    agent.bind('PUSH', transport='tcp', serializer='json')
    agent.bind('PUSH')
    assert (threading.active_count(), agent.counters()['refused']) == (before, 0)


# -- What is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('value', ['CURVE', 'off', 1, ''])
def test_a_misspelt_protection_is_an_error_wherever_it_is_written(keys, new_agent, monkeypatch, value):
    agent = new_agent()
    for refused in (lambda: agent.bind('PUSH', transport='tcp', security=value), lambda: Agent('a', security=value)):
        with pytest.raises(OptionInvalid, match="'curve', 'none'"):
            refused()
    if value:
        monkeypatch.setitem(osbrain.config, 'SECURITY', value)
        with pytest.raises(OptionInvalid, match='SECURITY'):
            agent.bind('PUSH', transport='tcp')


def test_a_sockets_own_wish_comes_before_its_agents_and_that_before_the_configuration(keys, new_agent, monkeypatch):
    def security(agent, **options):
        return agent.bind('PUSH', transport='tcp', serializer='json', **options).security

    monkeypatch.setitem(osbrain.config, 'SECURITY', 'curve')
    assert security(new_agent()) == 'curve'
    agent = new_agent(security='none')
    assert security(agent) == 'none'
    assert security(agent, security='curve') == 'curve'


@pytest.mark.parametrize('serializer', EXECUTING)
def test_strangers_run_code_only_where_somebody_said_so(keys, new_agent, monkeypatch, serializer):
    agent = new_agent()
    options = {'transport': 'tcp', 'serializer': serializer, 'security': 'none'}
    with pytest.raises(Unprotected, match='LET_STRANGERS_RUN_CODE'):
        agent.bind('PUSH', **options)
    with pytest.raises(Unprotected):
        agent.connect(AgentAddress('tcp', '127.0.0.1:1', 'PULL', 'server', serializer, security='none'))
    monkeypatch.setitem(osbrain.config, 'LET_STRANGERS_RUN_CODE', True)
    assert agent.bind('PUSH', **options).security == 'none'


def test_an_open_socket_is_open(keys, puller, bare):
    bare(puller.open(serializer='json', security='none')).send(b'1')
    assert until(lambda: puller.got) == [1]


def test_curve_on_ipc_works_and_on_inproc_is_an_error(keys, puller, pusher):
    address = puller.open(transport='ipc', security='curve')
    pusher.connect(address, 'out', ready=LIMIT)
    pusher.send('out', 1)
    assert until(lambda: puller.got) == [1]
    with pytest.raises(OptionInvalid, match='inproc'):
        pusher.bind('PUSH', transport='inproc', security='curve')
    # As an agent's default it says nothing of sockets that nobody else reaches.
    assert Agent('b', transport='inproc', security='curve').bind('PUSH').security == 'none'


def test_what_is_asked_for_at_connect_has_to_fit_the_address(keys, puller, pusher):
    address = puller.open()
    with pytest.raises(OptionInvalid, match="must be 'curve', as AgentAddress"):
        pusher.connect(address, security='none')
    pusher.connect(address, 'out', ready=LIMIT, security='curve')
    open_to_all = puller.open(serializer='json')
    with pytest.raises(OptionInvalid, match="must be 'none'"):
        pusher.connect(open_to_all, security='curve')


def test_an_address_that_does_not_say_is_taken_as_the_rule_has_it(keys, puller, pusher):
    pusher.connect(handmade(puller.open()), 'first', ready=LIMIT)
    pusher.connect(handmade(puller.open(serializer='json')), 'second', ready=LIMIT)
    pusher.connect(handmade(puller.open(serializer='json', security='curve')), 'third', ready=LIMIT, security='curve')
    for alias in ('first', 'second', 'third'):
        pusher.send(alias, alias)
    assert until(lambda: sorted(puller.got) == ['first', 'second', 'third'])


# -- Strangers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def printed(capfd):
    """Wait until a text is printed; return everything that was."""
    found = []

    def one(*texts):
        def is_there():
            found.extend(capfd.readouterr())
            return any(text in ''.join(found) for text in texts)

        assert until(is_there), ''.join(found)
        return ''.join(found)

    return one


def test_a_peer_that_shows_no_key_is_refused(keys, puller, bare, printed):
    bare(puller.open()).send(b'never read')
    # Who reads first decides which it is.
    printed('refused a peer that shows no cluster key', 'lost a peer before it had shown the cluster key')
    assert puller.counters()['refused'] > 0
    assert puller.got == []


def test_a_peer_with_another_key_is_refused_and_both_ends_say_so(keys, puller, pusher, printed):
    address = puller.open()
    keys(ClusterKey.new())
    with pytest.raises(WaitTimeout, match='refused the connection: it belongs to another cluster'):
        pusher.connect(handmade(address), ready=1)
    # Its address is not known if it had gone before the thread at the gate looked; it comes again.
    text = printed('refused a peer with another cluster key: 127.0.0.1:')
    assert text.count('ERROR') == 1 and 'refused the connection' in text
    assert pusher.counters()['refused'] > 1
    assert puller.got == []


def test_a_peer_that_expects_no_curve_is_told_of(keys, puller, pusher):
    with pytest.raises(WaitTimeout, match='expects no CURVE'):
        pusher.connect(handmade(puller.open(serializer='json'), security='curve'), ready=LIMIT)


def test_a_subscriber_that_is_refused_hears_why(keys, new_agent, running):
    publisher, subscriber = new_agent(name='publisher'), new_agent(name='subscriber')
    with running(publisher):
        address = publisher.safe_call('bind', 'PUB', transport='tcp')
        keys(ClusterKey.new())
        with pytest.raises(WaitTimeout, match='refused the connection'):
            subscriber.connect(handmade(address), handler=print, ready=0.5)


def test_a_client_key_that_is_not_accepted_any_more_is_refused(keys, puller, bare, capfd):
    old, new = ClusterKey.new(), ClusterKey.new()
    keys(new, old)
    address = puller.open()
    keys(new)
    bare(address, server=new, client=client_pair(old)).send(b'x')
    assert until(lambda: puller.counters()['refused'])
    assert 'another cluster key: 127.0.0.1' in capfd.readouterr().out


# -- Keys that change -----------------------------------------------------------------------------------------------


def test_while_keys_change_old_and_new_go_side_by_side(keys, puller, pusher, new_agent):
    old, new = ClusterKey.new(), ClusterKey.new()
    keys(old)
    before = puller.open()
    pusher.connect(before, 'before', ready=LIMIT)
    keys(new, old)
    after = puller.open()
    assert (before.key, after.key) == (old.identifier, new.identifier)
    later = new_agent(name='later')
    later.connect(before, 'before', ready=LIMIT)
    later.connect(after, 'after', ready=LIMIT)
    pusher.send('before', 1)
    later.send('before', 2)
    later.send('after', 3)
    assert until(lambda: sorted(puller.got) == [1, 2, 3])


def test_a_key_that_this_process_has_not_got_is_named(keys, puller, pusher):
    old = keys(ClusterKey.new())
    address = puller.open()
    keys(ClusterKey.new())
    with pytest.raises(KeyUnusable, match=f'{old.fingerprint}.*osbrain keys copy-instructions'):
        pusher.connect(address)


def test_who_takes_anothers_place_has_its_key_as_long_as_it_is_accepted(keys, new_agent):
    class Recall:
        def __init__(self, kept):
            self.kept = kept

        def bound(self, key, make):
            return until(lambda: made(make, self.kept))

    def made(make, kept):
        # ZeroMQ's thread gives the address back in its own time.
        try:
            return make(kept)
        except zmq.ZMQError:
            return None

    old, new = ClusterKey.new(), ClusterKey.new()
    keys(old)
    first, second, third = new_agent(name='a'), new_agent(name='b'), new_agent(name='c')
    kept = first.bind('PUSH', 'out', transport='tcp')
    first.close('out', 0)
    keys(new, old)
    core_of(second).recall = Recall(kept)
    assert second.bind('PUSH', 'out', transport='tcp').key == old.identifier
    second.close('out', 0)
    keys(new)
    core_of(third).recall = Recall(kept)
    assert third.bind('PUSH', 'out', transport='tcp').key == new.identifier


def test_a_key_file_that_has_become_unusable_shuts_nobody_out(keys, puller, pusher, new_agent, capfd, monkeypatch):
    address = puller.open()
    pusher.connect(address, 'out', ready=LIMIT)
    later = new_agent(name='later')
    path = Path(os.environ['OSBRAIN_KEY_FILE'])
    # Prepared while the key is good, connected after it is not.
    wire = core_of(later).wires.make(zmq.PUSH)
    core_of(later).wires.protect_connected(wire, ClusterKey(bytes.fromhex(path.read_text().splitlines()[-1])))
    path.chmod(0o644)
    wire.connect(f'tcp://{address.address}', LIMIT)
    wire.close(0)
    assert 'let in before' in capfd.readouterr().err


# -- Which serializers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', EXECUTING)
def test_where_pickles_are_forbidden_no_socket_reads_them(keys, new_agent, monkeypatch, serializer):
    monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', 'off')
    agent = new_agent()
    for kind in ('PULL', 'PUSH', 'ASYNC_REP', 'SYNC_PUB', 'ACK_PUSH'):
        handler = None if 'PUSH' in kind else print
        with pytest.raises(SerializerForbidden, match='OSBRAIN_ALLOW_PICKLE=off'):
            agent.bind(kind, handler=handler, serializer=serializer)
    with pytest.raises(SerializerForbidden):
        agent.connect(AgentAddress('inproc', 'x', 'PULL', 'server', serializer))
    assert agent.bind('PUSH', serializer='json')


# -- Nothing is left ------------------------------------------------------------------------------------------------


def descriptors():
    return len(list(Path('/proc/self/fd').iterdir()))


def test_a_thousand_sockets_that_are_closed_leave_nothing(keys, new_agent):
    agent = new_agent()
    agent.bind('PUSH', transport='tcp')
    before = descriptors()
    for _ in range(1000):
        agent.bind('PUSH', 'out', transport='tcp')
        agent.close('out', 0)
    # As many as before, but for those that ZeroMQ's thread has not come to.
    assert until(lambda: descriptors() <= before + 2)


def test_an_agent_that_is_just_forgotten_ends_its_thread(keys):
    before = set(threading.enumerate())
    agent = Agent('forgotten')
    agent.bind('PUSH', transport='tcp')
    assert {thread.name for thread in set(threading.enumerate()) - before} == {'osbrain-gate'}
    del agent
    gc.collect()
    assert until(lambda: set(threading.enumerate()) <= before)


def test_no_secret_travels_with_an_address(keys, new_agent):
    key = keys(ClusterKey.new())
    address = new_agent().bind('PUSH', transport='tcp')
    written = repr(address) + repr(vars(address))
    for secret in (key.written(), server_pair(key).secret.decode(), client_pair(key).secret.decode()):
        assert secret not in written
