"""The entrance of the control plane, told whatever comes to mind: it hands on what key holders said, or nothing.

``OSBRAIN_FUZZ_SECONDS`` says for how long each test goes on.
"""

import contextlib
import gc
import os
import random
import socket
import threading
import time
import tracemalloc

import Pyro4.errors
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from osbrain._remote.channel import Channel
from osbrain._remote.daemon import Daemon
from osbrain._remote.handshake import (
    ANSWER_SIZE,
    HELLO_SIZE,
    MAGIC,
    PROOF_SIZE,
    ClientHandshake,
    HandshakeFailed,
    ServerHandshake,
)
from osbrain._remote.link import Link
from osbrain._remote.packing import pack
from osbrain._remote.records import HEAD_SIZE, Opener, RecordInvalid
from osbrain._remote.servant import Servant
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, keyring

SECONDS = float(os.environ.get('OSBRAIN_FUZZ_SECONDS', '2'))
LIMIT = 10
MOST = 2**26

KEY = ClusterKey(bytes(range(32)))
RING = Keyring((KEY,))


def for_a_while(check, examples=50):
    """Try examples of *check* until the time is over."""
    deadline = time.monotonic() + SECONDS
    begin = random.SystemRandom().getrandbits(64)
    every = list(HealthCheck)
    tried = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=every)(check)
    while True:
        seed(begin)(tried)()
        begin += 1
        if time.monotonic() >= deadline:
            return


# -- What happens to bytes on their way -----------------------------------------------------------------------------

POSITION = st.floats(0, 1, exclude_max=True)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just('flip'), POSITION, st.integers(0, 7)),
        st.tuples(st.just('cut'), POSITION, st.integers(1, 200)),
        st.tuples(st.just('insert'), POSITION, st.binary(min_size=1, max_size=100)),
        st.tuples(st.just('repeat'), POSITION, st.integers(1, 200)),
        st.tuples(st.just('end'), POSITION, st.none()),
        st.tuples(st.just('swap'), POSITION, POSITION),
    ),
    max_size=3,
)


def changed(said, changes):
    """Return what becomes of *said* by *changes*."""
    for kind, where, what in changes:
        at = int(where * len(said))
        if kind == 'flip' and said:
            said = said[:at] + bytes([said[at] ^ 1 << what]) + said[at + 1 :]
        elif kind == 'cut':
            said = said[:at] + said[at + what :]
        elif kind == 'insert':
            said = said[:at] + what + said[at:]
        elif kind == 'repeat':
            said = said[: at + what] + said[at:]
        elif kind == 'end':
            said = said[:at]
        elif kind == 'swap':
            middle = at + int(what * (len(said) - at))
            said = said[middle:] + said[at:middle] + said[:at]
    return said


# -- In memory ------------------------------------------------------------------------------------------------------


def test_a_server_takes_no_hello_that_nobody_said():
    @given(said=st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(MAGIC.__add__)), changes=CHANGES)
    def check(said, changes):
        client = ClientHandshake(KEY, MOST)
        for hello in (said, changed(client.hello, changes)):
            try:
                answer = ServerHandshake(hello, RING, MOST).answer
            except HandshakeFailed:
                continue
            assert len(answer) == ANSWER_SIZE
            if hello == client.hello:
                client.conclude(answer)
            else:
                with pytest.raises(HandshakeFailed):
                    client.conclude(answer)

    for_a_while(check)


def test_a_client_takes_no_answer_that_the_server_did_not_give():
    @given(said=st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(MAGIC.__add__)), changes=CHANGES)
    def check(said, changes):
        client = ClientHandshake(KEY, MOST)
        answer = ServerHandshake(client.hello, RING, MOST).answer
        for heard in (said, changed(answer, changes)):
            if heard != answer:
                with pytest.raises(HandshakeFailed):
                    client.conclude(heard)

    for_a_while(check)


def test_no_record_is_opened_that_nobody_sealed():
    @given(said=st.binary(max_size=500), small=st.booleans())
    def check(said, small):
        head, body = said[:HEAD_SIZE], said[HEAD_SIZE:]
        if small:
            head = len(body).to_bytes(8, 'big') + head[8:]
        if len(head) < HEAD_SIZE:
            return
        opener = Opener(bytes(32), 1000)
        with pytest.raises(RecordInvalid):
            opener.length(head)
            opener.check(head, body)

    for_a_while(check)


def session():
    client = ClientHandshake(KEY, MOST)
    server = ServerHandshake(client.hello, RING, MOST)
    theirs, proof = client.conclude(server.answer)
    return theirs, server.conclude(proof)


def test_a_channel_hands_on_what_was_said_up_to_the_first_change():
    @given(bodies=st.lists(st.binary(min_size=1, max_size=300), max_size=5), changes=CHANGES)
    def check(bodies, changes):
        client, server = session()
        said = b''.join(client.sealer.head(body) + body for body in bodies)
        near, far = socket.socketpair()
        with near, far:
            for end in (near, far):
                end.settimeout(LIMIT)
            near.sendall(changed(said, changes))
            near.shutdown(socket.SHUT_WR)
            channel = Channel(far, server, 'the client', 'the answer')
            taken = b''
            with pytest.raises(Pyro4.errors.ConnectionClosedError):
                while True:
                    taken += channel.recv(1)
            assert b''.join(bodies).startswith(taken)

    for_a_while(check)


# -- A daemon ---------------------------------------------------------------------------------------------------------


class Served:
    """A daemon in threads of this process, and what it was handed on."""

    def __init__(self):
        self.handed_on = []
        self.daemon = Daemon('127.0.0.1')
        self.daemon.register(Servant(self), 'target')
        self.daemon.start()
        server = self.daemon.transportServer
        self.pool, self.address = server.pool, server.sock.getsockname()

    def ping(self):
        return 'pong'

    def call(self):
        """Return the bytes of one call, below the seal."""
        link = Link(self.daemon.uri('target'), 'the daemon')
        sent = []
        connection = link._connection()
        connection.open('the daemon')
        with connection:
            channel = connection._pyroConnection
            send = channel.send
            channel.send = lambda data: sent.append(data) or send(data)
            connection.ask(pack(('unsafe', ('ping', (), {}))), oneway=False)
            del channel.send
        return sent[0]

    def connected(self):
        sock = socket.create_connection(self.address, LIMIT)
        sock.settimeout(LIMIT)
        return sock

    def wait_empty(self):
        deadline = time.monotonic() + LIMIT
        while self.pool.num_workers():
            assert time.monotonic() < deadline
            time.sleep(0.0005)

    def end(self):
        server = self.daemon.transportServer
        server.housekeeper.stop.set()
        server.shutting_down = True
        self.connected().close()
        self.daemon.close_listener()


@pytest.fixture
def served(monkeypatch):
    made = Served()
    recv = Channel.recv

    def noted(channel, size):
        taken = recv(channel, size)
        if channel._what == 'the answer':
            made.handed_on.append(taken)
        return taken

    monkeypatch.setattr(Channel, 'recv', noted)
    yield made
    made.end()
    gc.collect()


def rest(sock):
    """Take all that comes until the end of the connection, which is to come."""
    came = b''
    with contextlib.suppress(ConnectionError), contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while chunk := sock.recv(65536):
            came += chunk
    return came


def converse(served, first, then, call, count):
    """Talk as a key holder does, whose words are changed on their way; what was said in truth."""
    client = ClientHandshake(keyring().current, MOST)
    with served.connected() as sock, contextlib.suppress(ConnectionError):
        hello = changed(client.hello, first)
        sock.sendall(hello)
        if len(hello) >= HELLO_SIZE:
            answer = sock.recv(ANSWER_SIZE, socket.MSG_WAITALL)
            if len(answer) == ANSWER_SIZE:
                with contextlib.suppress(HandshakeFailed):
                    theirs, proof = client.conclude(answer)
                    said = proof + b''.join(theirs.sealer.head(call) + call for _ in range(count))
                    sock.sendall(changed(said, then))
        rest(sock)


def test_a_daemon_hands_on_what_a_key_holder_said_up_to_the_first_change(served):
    call = served.call()
    served.handed_on.clear()
    threads = threading.active_count()

    @given(first=st.one_of(st.just([]), CHANGES), then=CHANGES, count=st.integers(0, 3))
    def check(first, then, count):
        converse(served, first, then, call, count)
        served.wait_empty()
        taken = b''.join(served.handed_on)
        served.handed_on.clear()
        assert (call * count).startswith(taken)
        if not first and not then:
            assert taken == call * count

    for_a_while(check)
    assert served.call() == call
    served.wait_empty()
    assert threading.active_count() <= threads


def test_a_daemon_hands_on_nothing_of_what_strangers_say(served):
    @given(
        said=st.one_of(
            st.binary(max_size=300),
            st.binary(max_size=300).map(MAGIC.__add__),
            st.binary(max_size=300).map(b'PYRO'.__add__),
            st.binary(min_size=PROOF_SIZE, max_size=500).map(ClientHandshake(keyring().current, MOST).hello.__add__),
        )
    )
    def check(said):
        with served.connected() as sock, contextlib.suppress(ConnectionError):
            sock.sendall(said)
            rest(sock)
        served.wait_empty()
        assert served.handed_on == []

    for_a_while(check)
    assert served.call()


def test_strangers_fill_no_memory(served):
    """However long they go on: what is left of one conversation is left of none of many."""
    call = served.call()
    chance = random.Random(7)
    kinds = ('flip', 'cut', 'repeat', 'end')

    def talk(times):
        for _ in range(times):
            first, then = (
                [(chance.choice(kinds), chance.random(), chance.randrange(1, 8))] * chance.randrange(2) for _ in '12'
            )
            converse(served, first, then, call, 2)
            served.handed_on.clear()
        served.wait_empty()
        gc.collect()

    talk(50)
    tracemalloc.start()
    try:
        talk(50)
        before = tracemalloc.get_traced_memory()[0]
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            talk(100)
        assert tracemalloc.get_traced_memory()[0] - before < 200_000
    finally:
        tracemalloc.stop()
