"""The thread at the gate lets in who has the key, says who was refused, and ends with its context."""

import threading
import time

import pytest
import zmq

from osbrain._io import gate
from osbrain._io.context import give_back, new_context
from osbrain._io.curve import protect_bound, protect_connected
from osbrain._io.gate import Gate
from osbrain._io.refusals import BoundEnd, ConnectedEnd
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring
from osbrain.errors import KeyUnusable

LIMIT = 5
KEY = ClusterKey(bytes(range(32)))


@pytest.fixture
def said():
    return []


@pytest.fixture
def ring(monkeypatch):
    """The keys that this process holds; to be changed at will."""
    held = [Keyring((KEY,))]
    monkeypatch.setattr(gate, 'keyring', lambda: held[0])
    return held


@pytest.fixture
def opened(ring, said):
    """A gate in a context of its own, with a socket behind it: ``opened(key)`` connects one that has *key*."""
    context, sockets = new_context(), set()
    guard = Gate(context, lambda level, text: said.append((level, text)))

    def socket(kind):
        made = context.socket(kind)
        made.linger = 0
        sockets.add(made)
        return made

    server = socket(zmq.PULL)
    protect_bound(server, KEY)
    guard.watch(server, BoundEnd())
    port = server.bind_to_random_port('tcp://127.0.0.1')

    def connect(key):
        client, end = socket(zmq.PUSH), ConnectedEnd()
        protect_connected(client, key)
        guard.watch(client, end)
        client.connect(f'tcp://127.0.0.1:{port}')
        return client, end

    connect.guard, connect.server, connect.context = guard, server, context
    yield connect
    give_back(context, sockets)
    guard.join(LIMIT)
    assert not guard.is_alive()


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def test_who_has_the_key_comes_in(opened, said):
    client, end = opened(KEY)
    assert end.settled.wait(LIMIT) and end.refusal is None
    client.send(b'hello')
    assert opened.server.recv() == b'hello'
    assert (said, opened.guard.refused) == ([], 0)


def test_who_has_another_one_does_not_and_it_is_said_at_both_ends_once(opened, said):
    _, end = opened(ClusterKey.new())
    assert until(lambda: end.refusal)
    assert until(lambda: opened.guard.refused > 4)
    assert until(lambda: [text for level, text in said if level == 'ERROR']) == [end.refusal]
    assert all('another cluster key' in text for level, text in said if level == 'WARNING')
    assert len(said) <= 3  # a second warning where the first could not tell the address


def test_a_key_that_is_taken_out_of_the_file_lets_nobody_in_any_more(opened, ring):
    ring[0] = Keyring((ClusterKey.new(),))
    _, end = opened(KEY)
    assert end.settled.wait(LIMIT)
    assert 'does not accept the cluster key' in end.refusal


def test_a_file_that_cannot_be_read_any_more_changes_nothing(opened, monkeypatch, said):
    _, end = opened(KEY)
    assert end.settled.wait(LIMIT)

    def unusable():
        raise KeyUnusable('cluster.key', 'other users may read it', 'chmod 600')

    monkeypatch.setattr(gate, 'keyring', unusable)
    _, end = opened(KEY)
    assert end.settled.wait(LIMIT) and end.refusal is None
    assert 'those who were let in before still are' in said[0][1]


def test_a_logger_that_fails_closes_no_gate(opened, monkeypatch):
    def fail(level, text):
        raise OSError('disk full')

    monkeypatch.setattr(opened.guard, '_report', fail)
    opened(ClusterKey.new())
    assert until(lambda: opened.guard.refused)
    _, end = opened(KEY)
    assert end.settled.wait(LIMIT) and end.refusal is None


def test_what_is_watched_is_forgotten_when_it_is_closed(opened):
    for _ in range(50):
        client, _ = opened(KEY)
        client.close()
    assert until(lambda: len(opened.guard._ends) == 1)


def test_a_gate_may_be_the_last_that_knows_its_agent(ring):
    """Whoever forgets the agent ends the context; if that is the gate's own thread, it has to go on meanwhile."""
    context = new_context()
    guard = Gate(context, lambda level, text: give_back(context, set()))
    server = context.socket(zmq.PULL)
    protect_bound(server, KEY)
    guard.watch(server, BoundEnd())
    port = server.bind_to_random_port('tcp://127.0.0.1')
    with zmq.Context() as other, other.socket(zmq.PUSH) as client:
        client.linger = 0
        client.connect(f'tcp://127.0.0.1:{port}')
        assert until(lambda: guard.refused)
        server.close(0)
        guard.join(LIMIT)
    assert not guard.is_alive()
    assert until(lambda: not [one for one in threading.enumerate() if one.name == 'osbrain-linger'])
