"""The keys of ZeroMQ sockets follow from the cluster's alone, and the handler admits nobody else's."""

import pytest
import zmq
from zmq.utils import z85

from osbrain._io.curve import DOMAIN, admitted_clients, client_pair, server_pair, zap_answer
from osbrain._security.key import ClusterKey

KEY, OTHER = ClusterKey(bytes(range(32))), ClusterKey(bytes(range(1, 33)))


def request(key=KEY, domain=DOMAIN, mechanism=b'CURVE', version=b'1.0'):
    client = z85.decode(client_pair(key).public)
    return [version, b'7', domain, b'10.0.0.7', b'', mechanism, client]


def test_whoever_has_the_cluster_key_has_all_others():
    assert server_pair(KEY) == server_pair(ClusterKey(bytes(range(32))))
    assert client_pair(KEY) == client_pair(ClusterKey(bytes(range(32))))


def test_servers_clients_and_clusters_have_keys_of_their_own():
    pairs = [server_pair(KEY), client_pair(KEY), server_pair(OTHER), client_pair(OTHER)]
    assert len({text for pair in pairs for text in pair}) == 8


def test_a_secret_key_belongs_to_its_public_one():
    for pair in (server_pair(KEY), client_pair(KEY)):
        assert zmq.curve_public(pair.secret) == pair.public


def test_no_secret_is_shown():
    assert server_pair(KEY).secret.decode() not in f'{server_pair(KEY)!r} {[client_pair(KEY)]}'


def test_a_client_of_the_cluster_is_admitted():
    assert zap_answer(request(), admitted_clients((KEY,))) == ([b'1.0', b'7', b'200', b'OK', b'', b''], True)


def test_while_keys_are_changed_clients_of_both_are_admitted():
    admitted = admitted_clients((KEY, OTHER))
    assert zap_answer(request(KEY), admitted)[1]
    assert zap_answer(request(OTHER), admitted)[1]


@pytest.mark.parametrize(
    'asked',
    [
        request(OTHER),
        request(domain=b''),
        request(domain=b'else'),
        request(mechanism=b'NULL'),
        request(version=b'2.0'),
        [*request(), b'more'],
        request()[:6],
        [b'1.0'],
        [],
        [b'\xff' * 1000] * 7,
    ],
)
def test_anything_else_is_refused(asked):
    answer, lets_in = zap_answer(asked, admitted_clients((KEY,)))
    assert (lets_in, answer[2], len(answer)) == (False, b'400', 6)
