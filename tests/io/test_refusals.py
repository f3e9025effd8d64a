"""Events in, words out: who was refused and why, once a minute."""

import socket
from pathlib import Path

import pytest
import zmq

from osbrain._io import refusals
from osbrain._io.refusals import (
    ACCEPTED,
    AUTH,
    DISCONNECTED,
    NO_DETAIL,
    PROTOCOL,
    SUCCEEDED,
    BoundEnd,
    ConnectedEnd,
    peer_of,
)

HERE = 'tcp://127.0.0.1:5555'
CRYPTOGRAPHIC, MECHANISM = int(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC), int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)


def said(end, *events, where=HERE):
    """What *end* says of events, each a kind and a value."""
    return [refusal.text for event in events if (refusal := end.take(*event, where)) is not None]


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(refusals, 'peer_of', lambda descriptor, endpoint: (f'10.0.0.7:{descriptor}', '10.0.0.7'))


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=['IPv4', 'IPv6'])
def connection(request):
    host = '127.0.0.1' if request.param == socket.AF_INET else '::1'
    with socket.socket(request.param) as listener, socket.socket(request.param) as client:
        listener.bind((host, 0))
        listener.listen()
        client.connect(listener.getsockname()[:2])
        accepted, _ = listener.accept()
        with accepted:
            yield accepted, client


@pytest.mark.parametrize(
    'failure, words',
    [
        ((PROTOCOL, CRYPTOGRAPHIC), 'refused a peer with another cluster key'),
        ((PROTOCOL, MECHANISM), 'refused a peer that shows no cluster key (it does not use CURVE)'),
        ((PROTOCOL, 0x10000001), 'refused a peer that does not speak ZeroMQ with CURVE'),
        ((NO_DETAIL, 32), 'lost a peer before it had shown the cluster key'),
    ],
)
def test_the_bound_end_tells_whom_it_refused_and_why(known, failure, words):
    assert said(BoundEnd(), (ACCEPTED, 9), failure, (DISCONNECTED, 9)) == [f'{HERE} {words}: 10.0.0.7:9']


def test_who_came_in_and_left_is_not_spoken_of(known):
    assert said(BoundEnd(), (ACCEPTED, 9), (DISCONNECTED, 9)) == []


def test_each_failure_is_that_of_the_connection_that_ends_next(known):
    events = (ACCEPTED, 9), (ACCEPTED, 10), (PROTOCOL, CRYPTOGRAPHIC), (DISCONNECTED, 10), (DISCONNECTED, 9)
    assert said(BoundEnd(), *events) == [f'{HERE} refused a peer with another cluster key: 10.0.0.7:10']


def test_a_connection_that_nobody_saw_begin_is_told_of_too():
    (text,) = said(BoundEnd(), (PROTOCOL, CRYPTOGRAPHIC), (DISCONNECTED, 9))
    assert text.endswith('one that has gone since')


@pytest.mark.parametrize('event', [PROTOCOL, AUTH])
def test_the_connecting_end_tells_that_it_was_refused_and_waits_no_longer(event):
    end = ConnectedEnd()
    (text,) = said(end, (event, 400))
    assert text.startswith(f'{HERE} refused the connection: it ')
    assert end.refusal == text and end.settled.is_set()


def test_a_server_that_ends_while_somebody_connects_refuses_nobody():
    end = ConnectedEnd()
    assert said(end, (NO_DETAIL, 32), (SUCCEEDED, 0), (NO_DETAIL, 32)) == []
    assert end.refusal is None


def test_a_server_that_cuts_the_connection_again_and_again_refuses_it():
    end = ConnectedEnd()
    (text,) = said(end, (NO_DETAIL, 32), (NO_DETAIL, 32))
    assert 'it belongs to another cluster, or expects no CURVE' in text
    assert end.refusal == text and not end.settled.is_set()


def test_a_connection_that_is_made_after_all_was_not_refused():
    end = ConnectedEnd()
    said(end, (NO_DETAIL, 32), (NO_DETAIL, 32), (SUCCEEDED, 0))
    assert end.refusal is None and end.settled.is_set()


def test_a_peer_is_known_by_its_address(connection):
    accepted, client = connection
    host, port = client.getsockname()[:2]
    endpoint = f'tcp://x:{accepted.getsockname()[1]}'
    written = f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
    assert peer_of(accepted.fileno(), endpoint) == (written, host)


def test_a_descriptor_that_is_somebody_elses_meanwhile_names_nobody(connection):
    accepted, _ = connection
    assert peer_of(accepted.fileno(), 'tcp://127.0.0.1:1')[0] == 'one that has gone since'
    assert peer_of(1 << 20, HERE)[0] == 'one that has gone since'
    with Path('/dev/null').open() as file:
        assert peer_of(file.fileno(), HERE)[0] == 'one that has gone since'
