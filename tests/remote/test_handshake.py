"""The handshake, without a socket: both ends have the key, or nothing comes of it."""

import pickle
import struct

import pytest

from osbrain._remote import handshake as module
from osbrain._remote.handshake import (
    ANSWER_SIZE,
    FULL,
    HELLO_SIZE,
    MAGIC,
    PROOF_SIZE,
    STRANGER,
    VERSION,
    ClientHandshake,
    Full,
    HandshakeFailed,
    OtherKey,
    OtherVersion,
    ServerHandshake,
    rehearse,
)
from osbrain._remote.records import HEAD_SIZE, RecordInvalid
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring

KEY = ClusterKey(bytes(range(32)))
OLD = ClusterKey(bytes(range(32, 64)))
RING = Keyring((KEY, OLD))
CLIENT_MOST, SERVER_MOST = 70_000, 80_000


def both(key=KEY, ring=RING):
    """Shake hands; both sides, and what each said."""
    client = ClientHandshake(key, CLIENT_MOST)
    server = ServerHandshake(client.hello, ring, SERVER_MOST)
    session, proof = client.conclude(server.answer)
    return session, server.conclude(proof), (client.hello, server.answer, proof)


def passes(sender, receiver, body=b'body'):
    head = sender.sealer.head(body)
    assert receiver.opener.length(head) == len(body)
    receiver.opener.check(head, body)


def flipped(said):
    """Whatever *said* becomes by one bit."""
    for position in range(8 * len(said)):
        changed = bytearray(said)
        changed[position // 8] ^= 1 << position % 8
        yield bytes(changed)


def test_both_ends_with_the_key_understand_each_other_both_ways():
    client, server, _ = both()
    for _ in range(3):
        passes(client, server)
        passes(server, client)


def test_what_is_said_has_a_fixed_size():
    _, _, said = both()
    assert tuple(map(len, said)) == (HELLO_SIZE, ANSWER_SIZE, PROOF_SIZE)


def test_each_end_learns_how_much_the_other_takes():
    client, server, _ = both()
    assert (client.sealer.most, client.opener.most) == (SERVER_MOST, CLIENT_MOST)
    assert (server.sealer.most, server.opener.most) == (CLIENT_MOST, SERVER_MOST)


def test_a_key_that_is_still_accepted_will_do():
    client, server, _ = both(key=OLD)
    passes(client, server)


def test_a_key_that_is_not_accepted_is_refused():
    with pytest.raises(OtherKey) as caught:
        both(key=ClusterKey.new())
    assert caught.value.answer == STRANGER


def test_a_server_that_knows_the_identifier_but_not_the_key_is_not_believed():
    class Pretender(ClusterKey):
        """Says that it is the key, and is another."""

    pretended = Pretender(bytes(32))
    pretended.identifier = KEY.identifier
    client = ClientHandshake(KEY, CLIENT_MOST)
    server = ServerHandshake(client.hello, Keyring((pretended,)), SERVER_MOST)
    with pytest.raises(HandshakeFailed, match='not shown that it has the cluster key'):
        client.conclude(server.answer)


@pytest.mark.parametrize(
    'said, error, words',
    [
        (STRANGER, OtherKey, 'another cluster'),
        (FULL, Full, 'no free workers'),
        (VERSION, OtherVersion, 'version'),
        (b'osbrain\x02', OtherVersion, 'version'),
        (b'PYRO\x00\x30\x00\x03', HandshakeFailed, 'bare Pyro4 server'),
        (b'HTTP/1.1', HandshakeFailed, 'does not answer as osbrain does'),
    ],
)
def test_what_a_server_says_instead_is_an_error_in_words(said, error, words):
    with pytest.raises(error, match=words) as caught:
        ClientHandshake.check_magic(said)
    assert type(caught.value) is error


def test_a_hello_of_another_version_is_told_so():
    hello = ClientHandshake(KEY, CLIENT_MOST).hello
    with pytest.raises(OtherVersion) as caught:
        ServerHandshake(b'osbrain\x02' + hello[8:], RING, SERVER_MOST)
    assert caught.value.answer == VERSION


@pytest.mark.parametrize('size', [0, 1, 7, HELLO_SIZE - 1, HELLO_SIZE + 1, 4096])
def test_a_hello_of_another_size_is_none(size):
    hello = (ClientHandshake(KEY, CLIENT_MOST).hello * 100)[:size]
    with pytest.raises(HandshakeFailed):
        ServerHandshake(hello, RING, SERVER_MOST)


@pytest.mark.parametrize('size', [0, 1, 7, 8, ANSWER_SIZE - 1, ANSWER_SIZE + 1])
def test_an_answer_of_another_size_is_none(size):
    client = ClientHandshake(KEY, CLIENT_MOST)
    answer = (ServerHandshake(client.hello, RING, SERVER_MOST).answer * 2)[:size]
    with pytest.raises(HandshakeFailed):
        client.conclude(answer)


def test_a_bit_that_is_flipped_in_the_hello_ends_it():
    client = ClientHandshake(KEY, CLIENT_MOST)
    for hello in flipped(client.hello):
        with pytest.raises(HandshakeFailed):
            client.conclude(ServerHandshake(hello, RING, SERVER_MOST).answer)


def test_a_bit_that_is_flipped_in_the_answer_ends_it():
    client = ClientHandshake(KEY, CLIENT_MOST)
    answer = ServerHandshake(client.hello, RING, SERVER_MOST).answer
    for changed in flipped(answer):
        with pytest.raises(HandshakeFailed):
            client.conclude(changed)


def test_a_bit_that_is_flipped_in_the_proof_ends_it():
    client = ClientHandshake(KEY, CLIENT_MOST)
    server = ServerHandshake(client.hello, RING, SERVER_MOST)
    for changed in flipped(client.conclude(server.answer)[1]):
        with pytest.raises(HandshakeFailed):
            server.conclude(changed)


@pytest.mark.parametrize('proof', [b'', b'\0' * PROOF_SIZE])
def test_no_proof_is_a_wrong_one(proof):
    server = ServerHandshake(ClientHandshake(KEY, CLIENT_MOST).hello, RING, SERVER_MOST)
    with pytest.raises(HandshakeFailed):
        server.conclude(proof)


def test_what_was_recorded_proves_nothing_the_next_time():
    client, _, (hello, _, proof) = both()
    record = client.sealer.head(b'shutdown')
    server = ServerHandshake(hello, RING, SERVER_MOST)
    with pytest.raises(HandshakeFailed):
        server.conclude(proof)
    _, another, _ = both()
    with pytest.raises(RecordInvalid):
        another.opener.check(record, b'shutdown')


def test_an_answer_that_was_recorded_is_not_believed_by_another_client():
    _, _, (_, answer, _) = both()
    with pytest.raises(HandshakeFailed):
        ClientHandshake(KEY, CLIENT_MOST).conclude(answer)


def test_what_is_sent_back_to_where_it_came_from_is_no_record_of_the_other_end():
    client, server, (_, answer, _) = both()
    for end in (client, server):
        head = end.sealer.head(b'body')
        with pytest.raises(RecordInvalid):
            end.opener.check(head, b'body')
    # Nor does the server's own proof prove anything to it.
    waiting = ServerHandshake(ClientHandshake(KEY, CLIENT_MOST).hello, RING, SERVER_MOST)
    with pytest.raises(HandshakeFailed):
        waiting.conclude(waiting.answer[-PROOF_SIZE:])
    assert len(answer) == ANSWER_SIZE


def test_no_two_handshakes_have_the_same_keys():
    first, second = both()[0], both()[0]
    assert first.sealer.head(b'') != second.sealer.head(b'')


def test_secrets_are_neither_said_nor_shown_nor_pickled():
    client = ClientHandshake(KEY, CLIENT_MOST)
    server = ServerHandshake(client.hello, RING, SERVER_MOST)
    session, proof = client.conclude(server.answer)
    said = client.hello + server.answer + proof
    for secret in (bytes(range(32)), KEY.derive('control plane server'), KEY.derive('control plane client')):
        assert secret not in said
        for made in (client, server, session):
            assert secret.hex() not in repr(made)
            assert repr(secret)[2:-1] not in repr(made)
    for made in (client, server, session):
        with pytest.raises(TypeError, match='leave'):
            pickle.dumps(made)


def test_a_rehearsal_is_a_whole_handshake():
    rehearse()


def test_the_head_of_a_record_and_the_sizes_are_what_the_manual_says():
    assert (len(MAGIC), HEAD_SIZE) == (8, 24)
    assert module.HELLO_SIZE == 8 + 8 + 32 + struct.calcsize('>Q')
