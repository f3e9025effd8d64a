"""Real name servers and agents, and strangers on the same machine who call them: nobody without the key gets in."""

import contextlib
import os
import pickle
import socket
import threading
import time
from pathlib import Path

import Pyro4
import Pyro4.errors
import Pyro4.message
import Pyro4.util
import pytest

import osbrain
from osbrain import NSProxy, Proxy, run_agent, run_nameserver
from osbrain._remote.errors import AnotherCluster
from osbrain._remote.handshake import HELLO_SIZE, ClientHandshake
from osbrain._remote.link import NAMESERVER_SERVANT, Link, nameserver_link
from osbrain._security import certificates
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, keyring, write_keyring
from osbrain.address import SocketAddress
from osbrain.errors import CertificateUnusable, MessageTooLarge
from osbrain.proxy import locate_ns
from tests.ports import free_port

LIMIT = 10
LOOPBACK = '127.0.0.1'


@pytest.fixture
def use_key(tmp_path, monkeypatch):
    """Use a cluster's key from now on, here and in what is started; make it if it is new."""

    def use(name):
        path = tmp_path / f'{name}.key'
        if not path.exists():
            write_keyring(path, Keyring((ClusterKey.new(),)))
        monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
        return keyring().current

    return use


@pytest.fixture
def ns(use_key):
    use_key('ours')
    made = run_nameserver()
    yield made
    use_key('ours')
    made.shutdown()


@pytest.fixture
def agent(ns):
    return run_agent('agent')


def address_of(uri):
    host, _, port = uri.partition('@')[2].rpartition(':')
    return host, int(port)


def wait_until(condition, seconds=LIMIT):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def connected(address):
    sock = socket.create_connection(address, LIMIT)
    sock.settimeout(LIMIT)
    return sock


def answer_to(address, said):
    """What comes back, until the end of the connection."""
    came = b''
    with contextlib.suppress(ConnectionError), connected(address) as sock:
        sock.sendall(said)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        while chunk := sock.recv(65536):
            came += chunk
    return came


def listening(pids):
    """Every TCP address on which processes listen."""
    inodes = set()
    for pid in pids:
        for entry in Path(f'/proc/{pid}/fd').iterdir():
            with contextlib.suppress(OSError):
                inodes.add(str(entry.readlink()).removeprefix('socket:[').rstrip(']'))
    for line in Path('/proc/net/tcp').read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == '0A' and fields[9] in inodes:
            yield LOOPBACK, int(fields[1].rpartition(':')[2], 16)


def pids(ns):
    """The processes of a system, its name server's among them."""
    host, port = ns.addr().host, ns.addr().port
    known = {record.pid for record in ns.status().values()}
    for entry in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            if (host, port) in set(listening([entry.name])):
                known.add(int(entry.name))
    return known


# -- Bare clients ---------------------------------------------------------------------------------------------------


def test_a_bare_pyro_client_gets_a_readable_error_and_nothing_else(ns, agent):
    uris = [str(agent._link.uri), f'PYRO:{NAMESERVER_SERVANT}@{ns.addr()}', f'PYRO:Pyro.NameServer@{ns.addr()}']
    for uri in uris:
        for serializer in ('pickle', 'serpent'):
            with Pyro4.Proxy(uri) as proxy:
                proxy._pyroSerializer, proxy._pyroTimeout = serializer, LIMIT
                with pytest.raises(Pyro4.errors.CommunicationError, match='only who shows the cluster key'):
                    proxy.ping()
    with pytest.raises(Pyro4.errors.NamingError):
        Pyro4.locateNS(ns.addr().host, ns.addr().port)
    assert agent.ping() == 'pong'


@pytest.mark.parametrize('said', [b'', b'\n', b'GET / HTTP/1.1\r\n\r\n', b'\xff' * 10_000, b'osbrain\x01' * 1000])
def test_a_bare_tcp_client_is_told_nothing(ns, agent, said):
    for address in (address_of(agent._link.uri), (ns.addr().host, ns.addr().port)):
        assert answer_to(address, said) in (b'', b'stranger')
    assert agent.ping() == 'pong'


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_what_would_run_when_it_is_unpickled_never_does(ns, agent, tmp_path):
    mark = tmp_path / 'mark'
    payload = pickle.dumps(Bomb(mark))
    serializer = Pyro4.util.get_serializer('pickle').serializer_id
    message = Pyro4.message
    calls = [
        message.Message(kind, payload, serializer, 0, 1).to_bytes()
        for kind in (message.MSG_CONNECT, message.MSG_INVOKE, message.MSG_RESULT, message.MSG_PING)
    ]
    hello = ClientHandshake(keyring().current, 2**26).hello
    record = len(payload).to_bytes(8, 'big') + bytes(16) + payload
    others = [hello + bytes(32) + record, hello + record, record, payload, b'osbrain\x01' + payload]
    addresses = set(listening(pids(ns)))
    assert len(addresses) >= 2
    for address in addresses:
        for said in (*calls, *others, *(hello + bytes(32) + call for call in calls)):
            answer_to(address, said)
    assert agent.ping() == 'pong'
    assert not mark.exists()
    pickle.loads(payload)
    assert mark.exists()


# -- Another key ----------------------------------------------------------------------------------------------------


def test_two_systems_with_different_keys_on_one_host_do_not_see_each_other(ns, agent, use_key):
    ours = keyring().current
    theirs = use_key('theirs')
    other = run_nameserver()
    try:
        run_agent('agent')
        for key, foreign in ((theirs, ns), (ours, other)):
            use_key('theirs' if key is theirs else 'ours')
            began = time.monotonic()
            for reach in (NSProxy, locate_ns, lambda addr: Proxy('agent', addr), lambda addr: run_agent('b', addr)):
                with pytest.raises((TimeoutError, RuntimeError), match='belongs to another cluster') as caught:
                    reach(foreign.addr())
                assert key.fingerprint in str(caught.value)
            # Each of the four would have waited for three seconds.
            assert time.monotonic() - began < LIMIT
        use_key('ours')
        assert ns.agents() == ['agent']
        assert NSProxy(ns.addr()).agents() == ['agent']
        use_key('theirs')
        assert NSProxy(other.addr()).agents() == ['agent']
    finally:
        use_key('theirs')
        other.shutdown()


def test_a_name_server_of_another_cluster_is_not_used_again(ns, use_key):
    use_key('theirs')
    with pytest.raises(AnotherCluster):
        run_nameserver(ns.addr(), reuse=True)


def test_an_agent_of_another_cluster_is_not_called(agent, use_key):
    uri = agent._link.uri
    use_key('theirs')
    with pytest.raises(AnotherCluster):
        Link(uri, 'agent').call('unsafe', 'ping', (), {}, timeout=LIMIT)


# -- What was recorded ----------------------------------------------------------------------------------------------


class Wiretap:
    """Passes on what clients and a server say to each other, and keeps what clients said."""

    def __init__(self, address):
        self._address = address
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self.said = []
        self._threads = []
        self._start(self._accept)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = connected(self._address)
                self._start(self._pass, client, server, self.said)
                self._start(self._pass, server, client, [])

    def _pass(self, source, target, kept):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                kept.append(chunk)
                target.sendall(chunk)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT)


def replay(address, said):
    """Say again what was said, as it was said: each part after an answer, or none."""
    with contextlib.suppress(OSError), connected(address) as sock:
        sock.settimeout(0.2)
        for part in said:
            sock.sendall(part)
            with contextlib.suppress(TimeoutError):
                sock.recv(65536)


def test_a_recorded_shutdown_is_of_no_use_to_whoever_says_it_again(use_key):
    use_key('ours')
    port = free_port()
    with run_nameserver(port):
        tap = Wiretap((LOOPBACK, port))
        try:
            link = nameserver_link(SocketAddress(LOOPBACK, tap.port))
            link.call('unsafe', 'daemon_shutdown', (), {}, timeout=LIMIT)
            link.release()
        finally:
            tap.close()
    assert sum(map(len, tap.said)) > HELLO_SIZE
    with run_nameserver(port) as again:
        replay((LOOPBACK, port), tap.said)
        replay((LOOPBACK, port), [b''.join(tap.said)])
        whole = b''.join(tap.said)
        replay((LOOPBACK, port), [whole[:HELLO_SIZE], whole[HELLO_SIZE:]])
        assert again.agents() == []
        assert NSProxy(port).agents() == []


def test_a_recorded_call_is_not_carried_out_again_by_the_same_agent(agent):
    agent.set_attr(count=0)
    agent.set_method(increment=increment)
    tap = Wiretap(address_of(agent._link.uri))
    try:
        link = Link(agent._link.uri.rpartition(':')[0] + f':{tap.port}', 'agent')
        link.call('unsafe', 'increment', (), {}, timeout=LIMIT)
        link.release()
    finally:
        tap.close()
    assert agent.count == 1
    for said in (tap.said, [b''.join(tap.said)]):
        replay(address_of(agent._link.uri), said)
    assert agent.count == 1


def increment(agent):
    agent.count += 1


# -- Time, room, size -----------------------------------------------------------------------------------------------


def test_hundreds_who_never_show_the_key_do_not_stop_who_has_it(ns, agent):
    address = address_of(agent._link.uri)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(address)).sendall(b'o')
        for _ in range(20):
            link = Link(agent._link.uri, 'agent')
            assert link.call('unsafe', 'ping', (), {}, timeout=LIMIT) == 'pong'
            link.release()
        assert NSProxy(ns.addr()).agents() == ['agent']
        assert agent.ping() == 'pong'


def test_a_message_that_is_too_large_is_an_error_of_the_caller_and_the_agent_goes_on(ns, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'MAX_MESSAGE_SIZE', 100_000)
    agent = run_agent('limited')
    for mode in (agent.safe, agent.unsafe):
        with pytest.raises(MessageTooLarge, match=r'the call has 100,\d{3} bytes.*MAX_MESSAGE_SIZE'):
            mode.set_attr(value=bytes(100_000))
        with pytest.raises(MessageTooLarge, match=r'the answer has 100,\d{3} bytes.*MAX_MESSAGE_SIZE'):
            mode.execute_as_function(bytes, 100_000)
        assert len(mode.execute_as_function(bytes, 99_000)) == 99_000
    # The agent's limit counts for whoever has a higher one.
    monkeypatch.setitem(osbrain.config, 'MAX_MESSAGE_SIZE', 2**26)
    agent.release()
    with pytest.raises(MessageTooLarge, match='100,000 are the most'):
        agent.set_attr(value=bytes(100_000))
    assert agent.ping() == 'pong'


# -- No secret goes astray --------------------------------------------------------------------------------------------


def test_no_key_travels_with_proxies_or_processes(ns, agent):
    secret = keyring().current.written()
    forms = (bytes.fromhex(secret), secret.encode(), secret.upper().encode())
    for value in (agent, ns, agent.safe, ns.addr(), dict(osbrain.config)):
        for text in (pickle.dumps(value), repr(value).encode()):
            assert not any(form in text for form in forms)
    for pid in pids(ns):
        process = Path(f'/proc/{pid}')
        for name in ('environ', 'cmdline'):
            assert not any(form in (process / name).read_bytes() for form in forms)
    environment = agent.execute_as_function(environ).encode()
    assert not any(form in environment for form in forms)


def environ():
    return repr(dict(os.environ))


# -- Between machines -------------------------------------------------------------------------------------------------


def outward():
    """An address of this machine that others reach."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('192.0.2.1', 9))
        except OSError:
            return None
        return probe.getsockname()[0]


HOST = outward()
needs_network = pytest.mark.skipif(HOST is None, reason='this machine has no address but its own')


def certify():
    authority = pytest.importorskip('osbrain._security.authority')
    authority.write_certificates(keyring(), certificates.files(), 30, 'here')


@pytest.mark.parametrize('host', ['0.0.0.0', HOST or '0.0.0.0'])
def test_without_a_certificate_nothing_is_bound_where_others_reach_it(ns, host):
    began = time.monotonic()
    with pytest.raises(RuntimeError, match='osbrain keys certificate') as caught:
        run_nameserver(f'{host}:{free_port()}')
    assert isinstance(caught.value.__cause__, CertificateUnusable)
    with pytest.raises(RuntimeError, match='osbrain keys certificate') as caught:
        run_agent('outside', addr=host)
    assert isinstance(caught.value.__cause__, CertificateUnusable)
    assert time.monotonic() - began < LIMIT
    assert ns.agents() == []


@needs_network
def test_a_system_that_others_reach_works_as_one_that_they_do_not(use_key):
    use_key('ours')
    certify()
    with run_nameserver(f'{HOST}:{free_port(HOST)}') as ns:
        agent = run_agent('outside', addr=HOST)
        assert address_of(agent._link.uri)[0] == HOST
        assert agent.ping() == 'pong'
        agent.set_attr(value=bytes(500_000))
        assert len(agent.value) == 500_000
        with connected(address_of(agent._link.uri)) as sock:
            sock.sendall(ClientHandshake(keyring().current, 1).hello)
            with contextlib.suppress(ConnectionError):
                # An alert of TLS, or the end.
                assert not sock.recv(65536).startswith(b'osbrain')
        wait_until(lambda: ns.agents() == ['outside'])
