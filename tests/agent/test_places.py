"""Where sockets are bound: what a person writes, and what others are to connect to."""

import errno
import socket
import tempfile
from pathlib import Path

import pytest

import osbrain
from osbrain._agent.places import (
    Place,
    bound_address,
    endpoint_of,
    numeric_host,
    place_to_bind,
    tcp_endpoint,
)
from osbrain._io.errors import BindFailed
from osbrain.address import AgentAddress, SocketAddress
from osbrain.errors import AddressInvalid


@pytest.fixture
def directory(monkeypatch):
    """The folder of sockets, with a path that leaves room for their names, which pytest's own may not."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setitem(osbrain.config, 'IPC_DIR', Path(name) / 'ipc')
        yield Path(name) / 'ipc'


@pytest.mark.parametrize(
    'addr, endpoint, chosen',
    [
        (None, 'tcp://127.0.0.1:*', False),
        ('0.0.0.0', 'tcp://0.0.0.0:*', False),
        ('127.0.0.2:1234', 'tcp://127.0.0.2:1234', True),
        (SocketAddress('127.0.0.2', 1234), 'tcp://127.0.0.2:1234', True),
        (AgentAddress('tcp', '127.0.0.2:1234', 'PUSH', 'server', 'json'), 'tcp://127.0.0.2:1234', True),
        ('[::1]:1234', 'tcp://[::1]:1234', True),
        ('::1', 'tcp://[::1]:*', False),
        ('::', 'tcp://[::]:*', False),
        ('localhost:1234', 'tcp://127.0.0.1:1234', True),
    ],
)
def test_tcp_takes_a_host_a_host_and_port_or_nothing(addr, endpoint, chosen):
    assert place_to_bind('tcp', addr, '127.0.0.1') == Place(endpoint, None, chosen)


def test_a_host_that_nobody_knows_is_an_error_that_names_it(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', unknown)
    with pytest.raises(AddressInvalid, match=r'not known.*nowhere'):
        place_to_bind('tcp', 'nowhere:1234', '127.0.0.1')


def test_a_host_with_addresses_of_both_kinds_is_taken_by_its_ipv4_one(monkeypatch):
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, '', ('::1', 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, '', ('192.0.2.1', 0)),
    ]
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *args, **kwargs: list(found))
    assert numeric_host('both') == '192.0.2.1'
    del found[1]
    assert numeric_host('six') == '::1'


def test_a_numeric_host_needs_no_question():
    assert (numeric_host('192.0.2.1'), numeric_host('::1')) == ('192.0.2.1', '::1')


def test_ipc_is_a_file_in_the_folder_of_the_configuration(directory):
    place = place_to_bind('ipc', 'name', '')
    assert place == Place(f'ipc://{directory / "name"}', str(directory / 'name'), True)
    assert directory.stat().st_mode & 0o777 == 0o700


def test_ipc_and_inproc_make_up_a_name_that_nobody_has(directory):
    for transport in ('ipc', 'inproc'):
        one, other = (place_to_bind(transport, None, '') for _ in range(2))
        assert one != other
        assert not one.chosen


def test_inproc_is_a_name_inside_the_process():
    assert place_to_bind('inproc', 'name', '') == Place('inproc://name', None, True)


@pytest.mark.parametrize('transport', ['ipc', 'inproc'])
@pytest.mark.parametrize('addr', [1234, SocketAddress('127.0.0.1', 1), b'name'], ids=str)
def test_the_name_of_a_place_is_a_text(directory, transport, addr):
    with pytest.raises(AddressInvalid, match='is a text'):
        place_to_bind(transport, addr, '')


def test_a_path_that_is_too_long_for_the_system_is_an_error_that_says_what_to_shorten(directory):
    with pytest.raises(AddressInvalid, match=r'107 bytes.*IPC_DIR'):
        place_to_bind('ipc', 'x' * 107, '')


def test_a_file_that_is_no_socket_is_left_alone(directory):
    directory.mkdir(mode=0o700)
    (directory / 'name').write_text('precious')
    with pytest.raises(AddressInvalid, match='no socket'):
        place_to_bind('ipc', 'name', '')
    assert (directory / 'name').read_text() == 'precious'


def test_a_socket_that_somebody_listens_on_is_in_use(directory):
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / 'name'))
        server.listen()
        with pytest.raises(BindFailed, match='in use') as caught:
            place_to_bind('ipc', 'name', '')
    assert caught.value.errno == errno.EADDRINUSE


def test_a_socket_that_nobody_listens_on_is_taken_over(directory):
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / 'name'))
    assert (directory / 'name').is_socket()
    assert place_to_bind('ipc', 'name', '').path == str(directory / 'name')


@pytest.mark.parametrize(
    'endpoint, addr, advertise, expected',
    [
        ('tcp://127.0.0.1:1234', None, None, '127.0.0.1:1234'),
        ('tcp://[::1]:1234', None, None, '[::1]:1234'),
        ('tcp://127.0.0.1:1234', '127.0.0.1', None, '127.0.0.1:1234'),
        ('tcp://0.0.0.0:1234', '0.0.0.0', '192.0.2.1', '192.0.2.1:1234'),
        ('tcp://[::]:1234', '[::]', '::1', '[::1]:1234'),
    ],
)
def test_others_connect_to_the_host_that_was_given_or_advertised_and_the_port_that_it_became(
    endpoint, addr, advertise, expected
):
    place = place_to_bind('tcp', addr, '127.0.0.1')
    assert bound_address('tcp', place, endpoint, addr, advertise) == expected


def test_others_connect_to_the_file_or_to_the_name(directory):
    place = place_to_bind('ipc', 'name', '')
    assert bound_address('ipc', place, place.endpoint, 'name', None) == directory / 'name'
    place = place_to_bind('inproc', 'name', '')
    assert bound_address('inproc', place, place.endpoint, 'name', None) == 'name'


@pytest.mark.parametrize(
    'transport, address, endpoint',
    [
        ('tcp', '127.0.0.1:1234', 'tcp://127.0.0.1:1234'),
        ('tcp', '[::1]:1234', 'tcp://[::1]:1234'),
        ('ipc', Path('/somewhere/name'), 'ipc:///somewhere/name'),
        ('inproc', 'name', 'inproc://name'),
    ],
)
def test_an_address_is_an_endpoint_to_connect_to(transport, address, endpoint):
    assert endpoint_of(AgentAddress(transport, address, 'PUSH', 'server', 'json')) == endpoint


def test_ipv6_is_written_in_brackets():
    assert tcp_endpoint('::1', 1) == 'tcp://[::1]:1'
    assert tcp_endpoint('192.0.2.1', '*') == 'tcp://192.0.2.1:*'
