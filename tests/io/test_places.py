"""Where a wire is bound and connected: addresses are free again when it closes, and errors say what is wrong."""

import socket
import threading
import time

import pytest
import zmq

from osbrain._io.errors import BindFailed
from osbrain.errors import WaitTimeout

LIMIT = 5  # seconds for what takes milliseconds


def raised_after(seconds, call, *args, **kwargs):
    """See that the call times out, and not before *seconds* are over."""
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        call(*args, **kwargs)
    assert seconds <= time.monotonic() - began < seconds + LIMIT
    assert isinstance(caught.value, TimeoutError)
    return caught.value


def test_close_frees_a_name_inside_the_process(new_wire, places):
    for _ in range(1000):
        wire = new_wire(zmq.PULL)
        wire.bind(*places['inproc'])
        wire.close(0)


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_close_frees_the_address(new_wire, places, transport):
    endpoint, *rest = places[transport]
    for _ in range(10):
        wire = new_wire(zmq.PULL)
        endpoint = wire.bind(endpoint, *rest)
        wire.close(0)


def test_close_removes_the_file_of_the_server_and_not_that_of_a_client(pair, places, folder):
    server, client = pair(zmq.PULL, zmq.PUSH, 'ipc')
    file = folder / 's'
    assert file.is_socket()
    client.close(0)
    assert file.is_socket()
    server.close(0)
    assert not file.exists()


def test_a_file_can_be_removed_without_touching_the_socket(pair, folder):
    server, client = pair(zmq.PULL, zmq.PUSH, 'ipc')
    client.send(b'x')
    assert server.receive_one(LIMIT) == b'x'
    server.remove_file()
    server.remove_file()
    assert not (folder / 's').exists()


def test_a_closed_wire_gives_nothing_and_closes_again_without_harm(new_wire, places):
    pull = new_wire(zmq.PULL)
    pull.bind(*places['inproc'])
    pull.close(0)
    pull.close(0)
    assert pull.take(1) == ([], False)
    with pytest.raises(WaitTimeout, match='closed'):
        pull.receive_one(0)


def test_a_closed_wire_is_forgotten_by_whoever_keeps_the_sockets(new_wire):
    kept = []
    wire = new_wire(zmq.PULL, forget=kept.append)
    wire.close(0)
    assert kept == [wire]


def test_the_system_chooses_a_port(new_wire):
    endpoint = new_wire(zmq.PULL).bind('tcp://127.0.0.1:*')
    assert int(endpoint.rpartition(':')[2]) > 0


def test_an_address_in_use_is_an_error_that_says_so(new_wire):
    endpoint = new_wire(zmq.PULL).bind('tcp://127.0.0.1:*')
    with pytest.raises(BindFailed, match=r'Address already in use.*choose another port') as caught:
        new_wire(zmq.PULL).bind(endpoint)
    assert caught.value.errno == zmq.EADDRINUSE
    assert endpoint in str(caught.value)


def test_an_address_of_another_machine_cannot_be_bound(new_wire):
    with pytest.raises(BindFailed, match='address of this machine'):
        new_wire(zmq.PULL).bind('tcp://192.0.2.1:12345')


def test_ipv6_works_where_the_system_has_it(new_wire):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(('::1', 0))
    except OSError:
        pytest.skip('no IPv6 here')
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    push.connect(pull.bind('tcp://[::1]:*'))
    push.send(b'x')
    assert pull.receive_one(LIMIT) == b'x'


def test_a_connection_inside_the_process_that_has_to_be_ready_is(new_wire, places):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    push.connect(pull.bind(*places['inproc']), ready=0.1)


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_a_connection_that_has_to_be_ready_is_when_somebody_is_there(new_wire, places, transport):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    push.connect(pull.bind(*places[transport]), ready=LIMIT)
    push.send(b'x')
    assert pull.receive_one(LIMIT) == b'x'


@pytest.mark.parametrize(
    'transport',
    [
        'inproc',
        'ipc',
    ],
)
def test_a_connection_that_has_to_be_ready_is_an_error_when_nobody_is_there(new_wire, places, transport):
    endpoint = places[transport][0]
    least = 0 if transport == 'inproc' else 0.05  # inside a process nobody comes while this one waits
    error = raised_after(least, new_wire(zmq.PUSH).connect, endpoint, ready=0.05)
    assert endpoint in str(error)


def test_linger_of_an_unsent_message_ends_with_the_close(context, new_wire):
    push = new_wire(zmq.PUSH, linger=-1)
    push.connect('tcp://127.0.0.1:1')
    push.send(b'to nobody')
    push.close(0)
    ended = threading.Thread(target=context.term)
    ended.start()
    ended.join(LIMIT)
    assert not ended.is_alive()
