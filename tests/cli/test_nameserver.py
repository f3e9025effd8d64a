"""A name server in the foreground, here of the tests' own process: where it may listen, and how it ends."""

import errno
import gc
import os
import signal
import socket
import threading

import pytest

from osbrain import NSProxy
from osbrain._security import certificates
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, keyring, write_keyring
from osbrain.cli.exits import Exit
from osbrain.proxy import locate_ns

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def meanwhile(free_port):
    """Do something, in a thread, to the name server at the address that this returns, once it answers."""
    address = f'127.0.0.1:{free_port}'
    threads = []

    def start(action):
        def wait_and_act():
            locate_ns(address, timeout=20)
            action(address)

        threads.append(threading.Thread(target=wait_and_act))
        threads[-1].start()
        return address

    yield start
    for thread in threads:
        thread.join()


def tell_to_end(address):
    with NSProxy(address) as ns:
        ns.shutdown()


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_ends_it_cleanly(osbrain, meanwhile, number):
    address = meanwhile(lambda address: os.kill(os.getpid(), number))
    result = osbrain('nameserver', address)
    assert result.code == Exit.OK
    assert result.out == f'{address}\n'
    assert result.err.endswith(f'The name server at {address} has ended.\n')


def test_whoever_may_shut_it_down_ends_it_too(osbrain, meanwhile):
    address = meanwhile(tell_to_end)
    assert osbrain('nameserver', address).code == Exit.OK


def test_it_says_how_others_find_it(osbrain, meanwhile):
    address = meanwhile(tell_to_end)
    assert f'export OSBRAIN_NAMESERVER_ADDRESS={address}\n' in osbrain('nameserver', address).err


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Give this machine a certificate."""
    authority = pytest.importorskip('osbrain._security.authority')
    path = tmp_path / 'cluster.key'
    write_keyring(path, Keyring((ClusterKey.new(),)))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    authority.write_certificates(keyring(), certificates.files(), 30, 'here')


def test_it_says_what_others_need_to_reach_it(osbrain, meanwhile, certificate):
    port = meanwhile(tell_to_end).rpartition(':')[2]
    result = osbrain('nameserver', f'0.0.0.0:{port}', '--advertise', 'lab3.example.org')
    assert result.out == f'lab3.example.org:{port}\n'
    assert 'Other machines need its key and a certificate' in result.err


def test_it_does_not_speak_of_others_who_cannot_reach_it(osbrain, meanwhile):
    assert 'Other machines' not in osbrain('nameserver', meanwhile(tell_to_end)).err


@pytest.mark.parametrize('host', ['0.0.0.0', '[::]'])
def test_without_a_certificate_it_listens_nowhere_else(osbrain, free_port, tmp_path, monkeypatch, host):
    write_keyring(tmp_path / 'cluster.key', Keyring((ClusterKey.new(),)))
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'cluster.key'))
    result = osbrain('nameserver', f'{host}:{free_port}')
    assert (result.code, result.out, result.err.count('\n')) == (Exit.CERTIFICATE_UNUSABLE, '', 1)
    assert str(tmp_path) in result.err and 'osbrain keys certificate' in result.err
    gc.collect()


def test_afterwards_the_port_is_free(osbrain, meanwhile):
    address = meanwhile(tell_to_end)
    osbrain('nameserver', address)
    host, port = address.split(':')
    socket.create_server((host, int(port))).close()


def test_agents_that_are_not_to_be_ended_are_named(osbrain, meanwhile):
    def register_and_interrupt(address):
        with NSProxy(address) as ns:
            ns.register('alice', 'PYRO:a@127.0.0.1:1')
        os.kill(os.getpid(), signal.SIGINT)

    result = osbrain('nameserver', meanwhile(register_and_interrupt), '--leave-agents')
    assert result.code == Exit.OK
    assert 'Left without a name server: alice.' in result.err


def test_agents_that_do_not_end_are_named_and_have_an_exit_code(osbrain, meanwhile, silent):
    def register_and_interrupt(address):
        with NSProxy(address) as ns:
            ns.register('mute', f'PYRO:a@{silent}')
        os.kill(os.getpid(), signal.SIGINT)

    result = osbrain('nameserver', meanwhile(register_and_interrupt), '--timeout', '0.5')
    assert result.code == Exit.AGENTS_LEFT
    assert 'Ending 1 agent within 0.5 s' in result.err
    assert 'Left without a name server: mute.' in result.err


# -- Where it cannot listen ----------------------------------------------------------------------------------------


# Pyro4 leaves the socket that could not be bound to the garbage collector.
leaves_a_socket = pytest.mark.filterwarnings('ignore:unclosed <socket:ResourceWarning')


def refused(result, code, *fragments):
    assert result.code == code
    assert result.out == ''
    assert result.err.startswith('osbrain nameserver: ')
    assert result.err.count('\n') == 1
    assert all(fragment in result.err for fragment in fragments)
    gc.collect()


@leaves_a_socket
def test_a_port_that_is_in_use_is_told(osbrain, silent):
    result = osbrain('nameserver', silent)
    refused(result, Exit.PORT_TAKEN, f'port {silent.port} of 127.0.0.1 is in use (')


@leaves_a_socket
def test_a_port_that_a_name_server_uses_is_told(osbrain, server):
    result = osbrain('nameserver', server.local)
    refused(result, Exit.PORT_TAKEN, 'is in use by a name server')


@leaves_a_socket
def test_an_address_of_another_machine_is_told(osbrain):
    # Reserved for documentation (RFC 5737): no machine has it.
    refused(osbrain('nameserver', '192.0.2.1:9090'), Exit.NOT_THIS_MACHINE, '192.0.2.1 is not an address')


def test_an_address_that_leads_nowhere_is_told(osbrain, monkeypatch, free_port, certificate):
    monkeypatch.setattr('osbrain.cli.foreground._ANSWER', 0.3)
    refused(osbrain('nameserver', f'255.255.255.255:{free_port}'), Exit.NOT_THIS_MACHINE, '255.255.255.255')


ERRORS = {
    errno.EACCES: (Exit.PORT_FORBIDDEN, 'port 80 is forbidden'),
    errno.EPERM: (Exit.PORT_FORBIDDEN, 'port 80 is forbidden'),
    errno.EAFNOSUPPORT: (Exit.NOT_THIS_MACHINE, 'no addresses like 127.0.0.1'),
    errno.ENOBUFS: (Exit.FAILED, 'cannot listen at 127.0.0.1:80'),
}


@pytest.mark.parametrize('number', ERRORS)
def test_what_the_system_refuses_is_told(osbrain, monkeypatch, number):
    def refuse(self):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr('osbrain.cli.foreground.Foreground.listen', refuse)
    code, fragment = ERRORS[number]
    refused(osbrain('nameserver', ':80'), code, fragment)
