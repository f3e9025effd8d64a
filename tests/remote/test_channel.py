"""A channel over a pair of sockets: messages pass whole, and what was tampered with closes it, in words."""

import gc
import logging
import pickle
import socket
import threading

import Pyro4.errors
import pytest

import osbrain
from osbrain._remote import channel as module
from osbrain._remote.channel import Channel
from osbrain._remote.handshake import ClientHandshake, ServerHandshake
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring
from osbrain._security.refusals import Refusals
from osbrain.errors import MessageTooLarge

LIMIT = 5
MOST = 300_000


@pytest.fixture
def refusals(monkeypatch, caplog):
    """Nothing has been said yet; what is said."""
    monkeypatch.setattr(module, 'refusals', Refusals())
    with caplog.at_level(logging.WARNING, 'osbrain'):
        yield caplog


@pytest.fixture
def raw():
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(LIMIT)
    yield ends
    for end in ends:
        end.close()


@pytest.fixture
def channels(raw, refusals):
    """Both ends of a connection whose handshake is done."""
    key = ClusterKey.new()
    client = ClientHandshake(key, MOST)
    server = ServerHandshake(client.hello, Keyring((key,)), MOST)
    session, proof = client.conclude(server.answer)
    yield (
        Channel(raw[0], session, 'the server', 'the call', 'target'),
        Channel(raw[1], server.conclude(proof), 'the client', 'the answer'),
    )
    gc.collect()


SIZES = (0, 1, 24, 4071, 4072, 4073, 4096, 65_536, 65_537, MOST)


@pytest.mark.parametrize('size', SIZES)
def test_a_message_of_any_size_arrives_whole_and_can_be_taken_in_parts(channels, size):
    data = bytes(number % 251 for number in range(size))
    for one, other in (channels, channels[::-1]):
        sender = threading.Thread(target=one.send, args=(data,))
        sender.start()
        part = size // 3
        assert other.recv(part) + other.recv(0) + other.recv(size - part) == data
        assert not other.unread
        sender.join(LIMIT)


def test_messages_that_arrive_together_are_taken_one_after_the_other(channels):
    one, other = channels
    for data in (b'first', b'second', b'third'):
        one.send(data)
    assert other.recv(5) == b'first'
    assert other.unread
    assert (other.recv(6), other.recv(5)) == (b'second', b'third')
    assert not other.unread


def test_a_large_message_is_not_kept_once_it_was_taken(channels):
    one, other = channels
    sender = threading.Thread(target=one.send, args=(bytes(MOST),))
    sender.start()
    other.recv(MOST)
    sender.join(LIMIT)
    assert not other._open
    assert not other._sealed


def test_what_goes_ahead_of_the_first_message_goes_once(raw):
    key = ClusterKey.new()
    client = ClientHandshake(key, MOST)
    session, proof = client.conclude(ServerHandshake(client.hello, Keyring((key,)), MOST).answer)
    channel = Channel(raw[0], session, 'the server', 'the call', ahead=proof)
    channel.send(b'one')
    channel.send(b'two')
    came = raw[1].recv(4096)
    assert came.startswith(proof)
    assert came.count(proof) == 1


@pytest.mark.parametrize('direction', [0, 1])
def test_a_message_that_the_other_end_does_not_take_is_an_error_before_it_is_sent(channels, direction):
    one, other = channels[direction], channels[1 - direction]
    with pytest.raises(MessageTooLarge, match=f'{MOST + 1:,} bytes, {MOST:,} are the most'):
        one.send(bytes(MOST + 1))
    one.send(b'more')
    assert other.recv(4) == b'more'


def test_a_limit_of_one_s_own_counts_at_once(channels, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'MAX_MESSAGE_SIZE', 100)
    with pytest.raises(MessageTooLarge, match='the call has 101 bytes'):
        channels[0].send(bytes(101))


def closed_by(channels, said, refusals, words):
    """Say *said* to the second channel: it is closed, in words, and nothing of it is handed on."""
    one, other = channels
    one.sock.sendall(said)
    with pytest.raises(Pyro4.errors.ConnectionClosedError, match=words):
        other.recv(4)
    assert other.sock.fileno() == -1
    assert len(refusals.records) == 1
    assert words in refusals.text


def sealed(channel, body):
    return channel._sealer.head(body) + body


def test_a_message_that_was_changed_closes_the_connection(channels, refusals):
    said = bytearray(sealed(channels[0], b'body'))
    said[-1] ^= 1
    closed_by(channels, bytes(said), refusals, 'changed, repeated or left out')


def test_a_message_that_comes_twice_closes_the_connection(channels, refusals):
    one, other = channels
    said = sealed(one, b'body')
    one.sock.sendall(said)
    assert other.recv(4) == b'body'
    closed_by(channels, said, refusals, 'changed, repeated or left out')


def test_a_message_that_is_left_out_closes_the_connection(channels, refusals):
    sealed(channels[0], b'lost')
    closed_by(channels, sealed(channels[0], b'body'), refusals, 'changed, repeated or left out')


def test_a_message_that_comes_back_closes_the_connection(channels, refusals):
    one, other = channels
    other.send(b'body')
    closed_by(channels, one.sock.recv(4096), refusals, 'changed, repeated or left out')


def test_a_message_beyond_what_was_agreed_is_not_read(channels, refusals):
    closed_by(channels, (MOST + 1).to_bytes(8, 'big') + bytes(16), refusals, f'{MOST + 1:,} bytes')


def test_a_message_that_is_shorter_than_what_it_says_closes_the_connection(channels, refusals):
    closed_by(channels, sealed(channels[0], b'bod'), refusals, 'not whole')


def test_a_message_that_is_cut_short_anywhere_is_an_end_of_the_connection(raw, refusals):
    key = ClusterKey.new()
    client = ClientHandshake(key, MOST)
    server = ServerHandshake(client.hello, Keyring((key,)), MOST)
    session, proof = client.conclude(server.answer)
    opener = server.conclude(proof)
    whole = session.sealer.head(b'body') + b'body'
    for length in range(len(whole)):
        near, far = socket.socketpair()
        with near, far:
            far.settimeout(LIMIT)
            near.sendall(whole[:length])
            near.shutdown(socket.SHUT_WR)
            with pytest.raises(Pyro4.errors.ConnectionClosedError, match='connection lost'):
                Channel(far, opener, 'the client', 'the answer').recv(4)
    assert not refusals.records


def test_waiting_has_a_limit(channels):
    channels[0].timeout = 0.01
    with pytest.raises(Pyro4.errors.TimeoutError):
        channels[0].recv(1)
    with pytest.raises(Pyro4.errors.TimeoutError):
        for _ in range(1000):
            channels[0].send(bytes(MOST))


def test_sending_to_whoever_has_gone_is_an_error_of_the_connection(channels):
    channels[1].close()
    with pytest.raises(Pyro4.errors.ConnectionClosedError):
        for _ in range(100):
            channels[0].send(bytes(MOST))


def test_a_channel_is_neither_shown_nor_pickled_with_its_keys(channels):
    for channel in channels:
        assert repr(channel) in ('<Channel with the server>', '<Channel with the client>')
        with pytest.raises(TypeError):
            pickle.dumps(channel)


# -- What is said of refusals -------------------------------------------------------------------------------------


def test_the_same_is_said_once_a_minute_of_each_address(refusals, monkeypatch):
    now = [100.0]
    monkeypatch.setattr('osbrain._security.refusals.monotonic', lambda: now[0])
    said = Refusals()
    for _ in range(300):
        said.note('192.0.2.7', 'refused')
    said.note('192.0.2.8', 'refused')
    said.note('192.0.2.7', 'closed')
    assert [record.getMessage() for record in refusals.records] == [
        '192.0.2.7: refused',
        '192.0.2.8: refused',
        '192.0.2.7: closed',
    ]
    now[0] += 61
    said.note('192.0.2.7', 'refused')
    assert len(refusals.records) == 4
