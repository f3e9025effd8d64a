"""The entrance of a daemon that a thread of this process serves: who is let in, who is not, and what they are told."""

import contextlib
import gc
import logging
import socket
import ssl
import threading
from types import SimpleNamespace

import Pyro4
import Pyro4.errors
import pytest

import osbrain
from osbrain._io.poller import wait_readable
from osbrain._remote import channel, daemon, entrance
from osbrain._remote.daemon import Daemon
from osbrain._remote.errors import AnotherCluster
from osbrain._remote.handshake import ANSWER_SIZE, FULL, HELLO_SIZE, STRANGER, VERSION, ClientHandshake
from osbrain._remote.link import Link
from osbrain._remote.servant import Servant
from osbrain._security import certificates
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, keyring, write_keyring
from osbrain._security.refusals import Refusals
from osbrain.errors import CertificateUnusable, KeyUnusable, MessageTooLarge, OptionInvalid
from osbrain.helper import wait_condition

LIMIT = 5


class Target:
    """What is served."""

    def __init__(self):
        self.seen = []

    def ping(self):
        return 'pong'

    def take(self, value):
        self.seen.append(value)
        return len(value)

    def give(self, size):
        return bytes(size)


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """A key file of the test's own, which it may change."""
    path = tmp_path / 'cluster.key'
    write_keyring(path, Keyring((ClusterKey.new(),)))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    return path


@pytest.fixture
def refusals(monkeypatch, caplog):
    said = Refusals()
    for module in (channel, entrance):
        monkeypatch.setattr(module, 'refusals', said)
    with caplog.at_level(logging.WARNING, 'osbrain'):
        yield caplog


@pytest.fixture
def target():
    return Target()


@pytest.fixture
def served(key_file, refusals, serve, target):
    made, link = serve(target)
    return SimpleNamespace(
        daemon=made, link=link, pool=made.transportServer.pool, address=made.transportServer.sock.getsockname()
    )


def connected(served):
    sock = socket.create_connection(served.address, LIMIT)
    sock.settimeout(LIMIT)
    return sock


def told(refusals, words):
    """Whether that was logged, which it is by a thread of the other end, perhaps after this one has heard of it."""
    return wait_condition(lambda: words in refusals.text, timeout=LIMIT)


def rest(sock):
    """What comes until the other end closes."""
    came = b''
    while chunk := sock.recv(4096):
        came += chunk
    return came


def ping(link):
    return link.call('unsafe', 'ping', (), {}, timeout=LIMIT)


def test_who_has_the_key_is_served(served):
    assert ping(served.link) == 'pong'


# -- Who has not ----------------------------------------------------------------------------------------------------


def test_a_peer_with_another_key_is_refused_and_both_ends_say_so(served, key_file, refusals, monkeypatch):
    hello = ClientHandshake(ClusterKey.new(), 1).hello
    with connected(served) as sock:
        sock.sendall(hello)
        assert rest(sock) == STRANGER
    assert told(refusals, 'refused a peer with another cluster key')
    assert told(refusals, '127.0.0.1')


def test_a_client_with_another_key_gets_an_error_that_names_its_own(served, monkeypatch, tmp_path):
    ours, theirs = keyring(), Keyring((ClusterKey.new(),))
    monkeypatch.setattr('osbrain._remote.connecting.keyring', lambda: theirs)
    with pytest.raises(AnotherCluster) as caught:
        ping(served.link)
    assert theirs.current.fingerprint in str(caught.value)
    assert ours.current.fingerprint not in str(caught.value)
    assert isinstance(caught.value, (TimeoutError, Pyro4.errors.ConnectionClosedError))


def test_a_client_shows_older_keys_where_the_new_one_is_not_known_yet(served, key_file, monkeypatch):
    both = Keyring((ClusterKey.new(), *keyring().keys))
    monkeypatch.setattr('osbrain._remote.connecting.keyring', lambda: both)
    assert ping(served.link) == 'pong'


def test_a_server_accepts_older_keys_as_long_as_they_are_in_its_file(served, key_file, monkeypatch):
    old = keyring()
    monkeypatch.setattr('osbrain._remote.connecting.keyring', lambda: old)
    new = ClusterKey.new()
    write_keyring(key_file, Keyring((new, *old.keys)))
    assert ping(served.link) == 'pong'
    served.link.release()
    write_keyring(key_file, Keyring((new,)))
    with pytest.raises(AnotherCluster):
        ping(served.link)


def test_a_client_that_is_refused_looks_whether_its_key_has_changed(served, monkeypatch):
    rings = [Keyring((ClusterKey.new(),)), keyring()]
    monkeypatch.setattr('osbrain._remote.connecting.keyring', lambda: rings.pop(0) if len(rings) > 1 else rings[0])
    assert ping(served.link) == 'pong'


def test_a_bare_pyro_client_is_told_in_its_own_words(served, target, refusals):
    for serializer in ('serpent', 'pickle', 'marshal', 'json'):
        with Pyro4.Proxy(served.daemon.uri('target')) as proxy:
            proxy._pyroSerializer = serializer
            proxy._pyroTimeout = LIMIT
            with pytest.raises(Pyro4.errors.CommunicationError, match='only who shows the cluster key'):
                proxy.answer(b'')
    assert told(refusals, 'it speaks Pyro4 without the cluster key')


@pytest.mark.parametrize('said', [b'GET / HTTP/1.1\r\n\r\n', b'\0' * 8, b'osbrain!' * 100, bytes(range(256)) * 500])
def test_whatever_else_is_said_closes_the_connection(served, said, until):
    with connected(served) as sock, contextlib.suppress(ConnectionError):  # closed before all of it was read
        sock.sendall(said)
        assert rest(sock) in (b'', VERSION)
    assert until(lambda: served.pool.num_workers() == 0)


def test_who_connects_and_leaves_is_not_worth_a_word(served, refusals, until):
    connected(served).close()
    assert until(lambda: served.pool.num_workers() == 0)
    assert not refusals.records


def test_a_proof_that_is_none_closes_the_connection(served, refusals):
    with connected(served) as sock:
        sock.sendall(ClientHandshake(keyring().current, 1).hello)
        sock.recv(ANSWER_SIZE, socket.MSG_WAITALL)
        sock.sendall(bytes(32) + b'PYRO' * 100)
        with contextlib.suppress(ConnectionError):
            assert rest(sock) == b''
    assert told(refusals, 'not shown that it has the cluster key')


def test_nothing_is_unpickled_before_the_key_was_shown(served, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError('something was unpickled')

    for name in ('loads', 'Unpickler'):
        monkeypatch.setattr(f'pickle.{name}', never)
    monkeypatch.setattr(Servant, 'answer', never)
    monkeypatch.setattr(Daemon, 'handleRequest', never)
    for said in (b'PYRO' + bytes(4096), ClientHandshake(keyring().current, 1).hello + bytes(4096)):
        with connected(served) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(said)
            rest(sock)


# -- Time and room --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('said', [b'', b'osb', b'osbrain\x01'])
def test_who_does_not_show_the_key_in_time_is_shown_out(served, refusals, monkeypatch, said):
    monkeypatch.setitem(osbrain.config, 'HANDSHAKE_TIMEOUT', 0.05)
    with connected(served) as sock:
        sock.sendall(said)
        assert rest(sock) == b''
    assert told(refusals, 'had not shown the cluster key within 0.05 s')


def test_the_time_counts_for_the_whole_and_not_for_each_byte(served, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'HANDSHAKE_TIMEOUT', 0.2)
    pause = threading.Event()
    with connected(served) as sock, pytest.raises(ConnectionError):
        for byte in ClientHandshake(keyring().current, 1).hello * 10:
            sock.sendall(bytes([byte]))
            pause.wait(0.02)


def test_who_has_shown_the_key_may_be_idle_for_longer(served, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'HANDSHAKE_TIMEOUT', 0.1)
    ping(served.link)
    (connection,) = served.link._idle
    assert wait_readable([connection._pyroConnection.sock.fileno()], 0.3) == []
    ping(served.link)
    assert served.link._idle == [connection]


def test_when_many_do_not_show_the_key_the_oldest_has_to_leave(served, until):
    with connected(served) as first:
        assert until(lambda: served.pool.num_workers() == 1)
        others = [connected(served) for _ in range(daemon._MOST_STRANGERS)]
        assert rest(first) == b''
        assert ping(served.link) == 'pong'
        assert served.pool.num_workers() <= daemon._MOST_STRANGERS + 1
        for other in others:
            other.close()


def test_who_has_not_shown_the_key_takes_no_place_of_those_who_have(served, monkeypatch, until):
    monkeypatch.setitem(osbrain.config, 'MAX_CONNECTIONS', 1)
    strangers = [connected(served) for _ in range(5)]
    assert until(lambda: served.pool.num_workers() == 5)
    assert ping(served.link) == 'pong'
    with connected(served) as sock:
        sock.sendall(ClientHandshake(keyring().current, 1).hello)
        assert rest(sock) == FULL
    for stranger in strangers:
        stranger.close()


def test_a_system_without_threads_to_spare_costs_the_connection_and_not_the_daemon(served, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, 'start', start)
        with connected(served) as sock:
            assert rest(sock) == b''
    assert ping(served.link) == 'pong'


# -- Size -----------------------------------------------------------------------------------------------------------

SMALL = 65_536


def test_a_call_that_is_too_large_is_an_error_here_and_nothing_is_called(served, target, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'MAX_MESSAGE_SIZE', SMALL)
    with pytest.raises(MessageTooLarge, match=r'the call has 65,\d+ bytes, 65,536 are the most'):
        served.link.call('unsafe', 'take', (bytes(SMALL),), {})
    assert target.seen == []
    assert served.link.call('unsafe', 'take', (bytes(SMALL - 1000),), {}) == SMALL - 1000


def test_an_answer_that_is_too_large_is_an_error_of_the_caller_and_the_other_end_goes_on(served, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'MAX_MESSAGE_SIZE', SMALL)
    with pytest.raises(MessageTooLarge, match=r'the answer has 65,\d+ bytes, 65,536 are the most'):
        served.link.call('unsafe', 'give', (SMALL,), {})
    assert ping(served.link) == 'pong'


def test_the_first_call_may_be_large(served):
    assert served.link.call('unsafe', 'take', (bytes(1_000_000),), {}) == 1_000_000


# -- At the start ---------------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_served(monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'none'))
    with pytest.raises(KeyUnusable, match='there is no such file'):
        Daemon('127.0.0.1')


def test_without_a_key_nobody_is_called(served, monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'none'))
    with pytest.raises(KeyUnusable, match='there is no such file'):
        ping(served.link)


@pytest.mark.parametrize(
    'name, value',
    [('MAX_MESSAGE_SIZE', 1000), ('MAX_MESSAGE_SIZE', '1'), ('MAX_MESSAGE_SIZE', 2**40), ('HANDSHAKE_TIMEOUT', 0)],
)
def test_settings_of_no_use_are_an_error_at_the_start(monkeypatch, name, value):
    monkeypatch.setitem(osbrain.config, name, value)
    with pytest.raises(OptionInvalid, match=name):
        Daemon('127.0.0.1')


@pytest.mark.parametrize('host', ['0.0.0.0', '::'])
def test_an_address_that_others_reach_is_not_served_without_a_certificate(key_file, host):
    with pytest.raises(CertificateUnusable, match='osbrain keys certificate'):
        Daemon(host)
    gc.collect()


# -- TLS --------------------------------------------------------------------------------------------------------------


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


def certify(days=30):
    authority = pytest.importorskip('osbrain._security.authority')
    authority.write_certificates(keyring(), certificates.files(), days, 'here')


@pytest.fixture
def outside(key_file, refusals, target):
    """The target, served where other machines reach it."""
    certify()
    made = Daemon(HOST)
    made.register(Servant(target), 'target')
    made.start()
    link = Link(made.uri('target'), 'the other end')
    yield SimpleNamespace(
        daemon=made, link=link, pool=made.transportServer.pool, address=made.transportServer.sock.getsockname()
    )
    link.release()
    server = made.transportServer
    server.housekeeper.stop.set()
    server.shutting_down = True
    socket.create_connection(server.sock.getsockname(), LIMIT).close()
    made.close_listener()


@needs_network
def test_between_machines_everything_goes_through_tls(outside, target):
    assert ping(outside.link) == 'pong'
    (connection,) = outside.link._idle
    sock = connection._pyroConnection.sock
    assert isinstance(sock, ssl.SSLSocket)
    assert sock.version() == 'TLSv1.3'
    assert outside.link.call('unsafe', 'take', (bytes(1_000_000),), {}) == 1_000_000
    assert len(outside.link.call('unsafe', 'give', (1_000_000,), {})) == 1_000_000
    assert outside.link._idle == [connection]


@needs_network
def test_an_idle_connection_with_tls_shows_no_news(outside):
    ping(outside.link)
    (connection,) = outside.link._idle
    assert wait_readable([connection._pyroConnection.sock.fileno()], 0.1) == []
    assert not connection.has_news()


@needs_network
def test_who_speaks_no_tls_is_not_served_there(outside, refusals, until):
    with connected(outside) as sock:
        sock.sendall(ClientHandshake(keyring().current, 1).hello)
        with contextlib.suppress(ConnectionError):
            rest(sock)
    assert until(lambda: outside.pool.num_workers() == 0)
    assert told(refusals, 'does not begin TLS')


@needs_network
def test_who_begins_no_tls_in_time_is_shown_out(outside, monkeypatch, refusals):
    monkeypatch.setitem(osbrain.config, 'HANDSHAKE_TIMEOUT', 0.05)
    with connected(outside) as sock:
        assert rest(sock) == b''
    assert told(refusals, 'had not shown the cluster key within 0.05 s')


@needs_network
def test_a_certificate_without_the_key_is_not_enough(outside):
    context = certificates.client_context()
    with connected(outside) as sock, context.wrap_socket(sock) as secret:
        secret.sendall(ClientHandshake(ClusterKey.new(), 1).hello)
        assert secret.recv(100) == STRANGER


@needs_network
def test_who_has_no_certificate_is_not_served_there(outside, refusals):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connected(outside) as sock, contextlib.suppress(ssl.SSLError, ConnectionError):
        secret = context.wrap_socket(sock)
        with secret:
            secret.sendall(ClientHandshake(keyring().current, 1).hello)
            assert secret.recv(HELLO_SIZE) == b''
    assert told(refusals, 'TLS')


@needs_network
def test_a_certificate_of_another_authority_is_an_error_in_words(outside, monkeypatch, tmp_path):
    strange = tmp_path / 'strange'
    strange.mkdir(mode=0o700)
    write_keyring(strange / 'cluster.key', Keyring((ClusterKey.new(),)))
    with monkeypatch.context() as patch:
        patch.setenv('OSBRAIN_KEY_FILE', str(strange / 'cluster.key'))
        certify()
        context = certificates.client_context()
    monkeypatch.setattr('osbrain._security.certificates.client_context', lambda: context)
    with pytest.raises(AnotherCluster):
        ping(outside.link)


def test_an_address_that_leads_to_this_machine_needs_no_certificate_however_it_is_written(served):
    """Connecting to 0.0.0.0 is connecting to the loopback here: what counts is where a connection has led."""
    uri = f'PYRO:target@0.0.0.0:{served.address[1]}'
    link = Link(uri, 'the other end')
    try:
        assert ping(link) == 'pong'
    finally:
        link.release()


@needs_network
def test_a_client_without_a_certificate_is_told_which_command_makes_one(outside):
    for path in certificates.files():
        path.unlink()
    with pytest.raises(CertificateUnusable, match='osbrain keys certificate'):
        ping(outside.link)
