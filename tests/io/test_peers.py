"""Who is connected to a bound socket, as the system tells it."""

from pathlib import Path

import pytest
import zmq

from osbrain._io import peers
from osbrain._io.peers import with_peers

needs_proc = pytest.mark.skipif(not Path('/proc/net/unix').exists(), reason='only Linux tells')


@needs_proc
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_a_socket_has_peers_while_somebody_is_connected(new_wire, places, transport):
    pull, push = new_wire(zmq.PULL), new_wire(zmq.PUSH)
    endpoint = pull.bind(*places[transport])
    assert with_peers({endpoint}) == set()
    push.connect(endpoint, ready=5)
    assert with_peers({endpoint, 'tcp://127.0.0.1:1', 'ipc:///nowhere'}) == {endpoint}


def test_where_nobody_can_say_everybody_may_have_peers(monkeypatch):
    def no_proc():
        raise FileNotFoundError('/proc/net/unix')

    monkeypatch.setattr(peers, '_connected_paths', no_proc)
    assert with_peers(['ipc:///nowhere', 'tcp://127.0.0.1:1']) == {'ipc:///nowhere', 'tcp://127.0.0.1:1'}


@needs_proc
def test_sockets_inside_the_process_may_always_have_peers():
    assert with_peers(['inproc://place']) == {'inproc://place'}
    assert with_peers([]) == set()
