"""A stranger sends whatever it likes to sockets that are open: none of it is run, hangs or stops the agent, or stays.

Some seconds of it are run with all other tests; ``OSBRAIN_FUZZ_SECONDS=300`` makes it minutes.
"""

import contextlib
import gc
import json
import os
import pickle
import random
import time
import tracemalloc

import dill
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import osbrain
from osbrain._protocol import ack_frames
from osbrain._protocol.serializers import BATCH, CODECS, ERROR_REPLY, MORE_FRAMES, TRACED
from osbrain._protocol.topics import LISTENING, LIVE
from osbrain.address import AgentAddress, AgentChannel

LIMIT = 10
SECONDS = float(os.environ.get('OSBRAIN_FUZZ_SECONDS', '0'))
SERIALIZERS = ['json', 'msgpack', 'raw']


class Trap:
    """Fails the test of whoever unpickles it."""

    def __reduce__(self):
        return pytest.fail, ('a pickle was read',)


WORDS = sorted({value for value in vars(ack_frames).values() if isinstance(value, bytes)})
PICKLED = pickle.dumps(Trap())
PIECES = [
    b'', b'\x00', b'\x80', b'\xff', b'\x01', b'0', b'"text"', b'[1, {"a": null}]', b'{"half": ', b'x' * 5000,
    b'\x93\x01\xa1a\xc0', b'\xdd\xff\xff\xff\xff', b'\x81\xa1a\x01', bytes(8), b'0123456789abcdef' * 2, b'osbrain',
    BATCH, MORE_FRAMES, TRACED, ERROR_REPLY, LIVE, LISTENING, PICKLED, pickle.dumps([1, 2]), *WORDS,
]  # fmt: skip
# Words of our own among arbitrary bytes, so that what comes behind the first check is reached too.
frame = st.one_of(
    st.sampled_from(PIECES),
    st.binary(max_size=40),
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=9)), min_size=2, max_size=4).map(b''.join),
)
message = st.lists(frame, min_size=1, max_size=5)
messages = st.lists(st.tuples(st.integers(0, 99), message), min_size=1, max_size=20)


def keep(agent, message):
    if message == agent.canary:
        agent.seen += 1


def answer(agent, message):
    return message


class Sockets:
    """The open sockets of one agent, both bound and connected, and what a stranger has at the other end of each."""

    def __init__(self, agent, context, serializer):
        self.agent, self.context, self.serializer = agent, context, serializer
        agent.canary, agent.seen = (b'canary' if serializer == 'raw' else 'canary'), 0
        self.strangers = []
        for kind, theirs in (('PULL', zmq.PUSH), ('REP', zmq.DEALER), ('SUB', zmq.XPUB), ('PUB', zmq.XSUB)):
            handler = keep if kind in ('PULL', 'SUB') else answer
            self.meet(theirs, agent.bind(kind, kind, handler=handler, transport='tcp', serializer=serializer))
        self.canary = self.strangers[0]
        for kind in ('ASYNC_REP', 'SYNC_PUB', 'ACK_PUSH'):
            handler = None if kind == 'ACK_PUSH' else answer
            channel = agent.bind(kind, kind, handler=handler, transport='tcp', serializer=serializer)
            for address in (channel.sender, channel.receiver):
                if address is not None:
                    self.meet({'PUB': zmq.XSUB, 'PULL_SYNC_PUB': zmq.PUSH}.get(address.kind, zmq.DEALER), address)
        self.invite(zmq.PUSH, 'PUSH', handler=keep)
        self.invite(zmq.XPUB, 'PUB', handler=keep)
        self.invite(zmq.DEALER, 'ASYNC_REP', handler=keep)
        self.invite(zmq.DEALER, 'ACK_PUSH', handler=keep)
        self.invite(zmq.XPUB, 'SYNC_PUB', handler=keep)

    def socket(self, kind):
        made = self.context.socket(kind)
        made.linger, made.sndhwm = 0, 0
        self.strangers.append(made)
        return made

    def meet(self, kind, address):
        self.socket(kind).connect(f'tcp://{address.address}')

    def invite(self, kind, name, handler):
        """Be the server of the agent, which connects to it."""

        def address(kind):
            port = self.socket(kind).bind_to_random_port('tcp://127.0.0.1')
            return f'127.0.0.1:{port}'

        def server(kind, name):
            return AgentAddress('tcp', address(kind), name, 'server', self.serializer)

        if name == 'ASYNC_REP':
            made = AgentChannel(name, receiver=server(kind, 'PULL'), sender=None)
        elif name == 'ACK_PUSH':
            made = AgentChannel(name, receiver=None, sender=server(kind, 'PUSH'))
        elif name == 'SYNC_PUB':
            made = AgentChannel(name, receiver=server(zmq.PULL, 'PULL_SYNC_PUB'), sender=server(kind, 'PUB'))
        else:
            made = server(kind, name)
        self.agent.connect(made, f'to {name}', handler=handler)

    def send(self, index, frames):
        with contextlib.suppress(zmq.ZMQError):  # one that takes no message, or not now
            self.strangers[index % len(self.strangers)].send_multipart(frames, zmq.NOBLOCK)

    def drain(self):
        for socket in self.strangers:
            while socket.get(zmq.EVENTS) & zmq.POLLIN:
                socket.recv_multipart()

    def agent_is_well(self):
        before = self.agent.seen
        self.canary.send(CODECS[self.serializer].dump(self.agent.canary))
        deadline = time.monotonic() + LIMIT
        while self.agent.seen == before:
            assert time.monotonic() < deadline, 'the agent hangs'
            time.sleep(0.001)
        assert self.agent.is_running()
        assert self.agent.counters()['errors'] == 0


@pytest.fixture(params=SERIALIZERS)
def sockets(request, new_agent, running, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError('a pickle was read')

    monkeypatch.setitem(osbrain.config, 'CONNECT_WAIT', 0)
    agent = new_agent()
    # Errors are counted and logged; that they are is tested elsewhere.
    monkeypatch.setattr(agent, 'log_error', lambda text: None)
    monkeypatch.setattr('osbrain._agent.log.log', lambda *record: None)
    with zmq.Context() as context:
        made = Sockets(agent, context, request.param)
        with running(agent):
            made.agent_is_well()
            monkeypatch.setattr(pickle, 'loads', read)
            monkeypatch.setattr(dill, 'loads', read)
            yield made
        for socket in made.strangers:
            socket.close()


def test_whatever_a_stranger_sends_the_agent_goes_on(sockets):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(messages)
    def send(several):
        for index, frames in several:
            sockets.send(index, frames)
        sockets.agent_is_well()
        sockets.drain()

    deadline = time.monotonic() + SECONDS / len(SERIALIZERS)
    send()
    while time.monotonic() < deadline:
        send()


def test_what_a_stranger_has_sent_takes_no_memory(sockets):
    chosen = random.Random(7)

    def bombard(number):
        for _ in range(number):
            index, parts = chosen.randrange(99), chosen.randrange(1, 5)
            frames = [b''.join(chosen.choices(PIECES, k=chosen.randrange(1, 3))) for _ in range(parts)]
            sockets.send(index, [*frames, b'%d' % chosen.randrange(1 << 60)])
        sockets.agent_is_well()
        sockets.drain()
        gc.collect()

    bombard(500)
    tracemalloc.start()
    try:
        bombard(500)
        before = tracemalloc.get_traced_memory()[0]
        bombard(2000)
        assert tracemalloc.get_traced_memory()[0] - before < 300_000
    finally:
        tracemalloc.stop()


def test_the_stranger_knows_words_of_ours():
    """Otherwise it would be stopped at the first door."""
    assert len(WORDS) > 3
    assert json.loads(PIECES[7]) == [1, {'a': None}]
