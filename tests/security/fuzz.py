"""Fuzzing by coverage, with atheris (libFuzzer), of whatever a stranger's bytes reach first.

    python tests/security/fuzz.py entrance -max_total_time=300

``entrance`` is that of the control plane, ``messages`` are those of the serializers that are open to strangers, and
``envelopes`` what patterns and channels put around them. A finding ends it with a traceback, and a file that repeats
it when it is given as an argument. Other options are libFuzzer's (-help=1).
"""

import contextlib
import pickle
import sys
import tempfile
from pathlib import Path

import atheris
import dill

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'protocol'))

with atheris.instrument_imports(include=['osbrain']):
    import Pyro4.errors
    from conftest import Host, ListWire, take_turn

    from osbrain._protocol import ack_frames
    from osbrain._protocol.patterns.ack_pull import AckPull
    from osbrain._protocol.patterns.ack_push import AckPush
    from osbrain._protocol.patterns.async_rep import AsyncRep, AsyncReq
    from osbrain._protocol.patterns.endpoint import Unreadable
    from osbrain._protocol.patterns.pub_sub import Pub, Sub
    from osbrain._protocol.patterns.push_pull import Pull
    from osbrain._protocol.patterns.req_rep import Rep
    from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
    from osbrain._protocol.serializers import BATCH, CODECS, MORE_FRAMES, TRACED
    from osbrain._protocol.work import Terms
    from osbrain._remote.channel import Channel
    from osbrain._remote.handshake import MAGIC, ClientHandshake, HandshakeFailed, ServerHandshake
    from osbrain._security.key import ClusterKey
    from osbrain._security.keyring import Keyring
    from osbrain.address import AgentAddress, AgentChannel
    from osbrain.errors import MessageUndecodable

MOST = 2**16
KEY = ClusterKey(bytes(range(32)))
OPEN = ('json', 'msgpack', 'raw')


class Finding(BaseException):
    """Something happened that no bytes of a stranger may bring about."""


def unpickled(*args, **options):
    raise Finding('a pickle of a stranger was read')


# -- The control plane ------------------------------------------------------------------------------------------------


class Said:
    """A socket on which somebody has said something, and hung up."""

    def __init__(self, data):
        self.data = data

    def recv(self, size):
        came, self.data = self.data[:size], self.data[size:]
        return came

    def recv_into(self, view):
        came = self.recv(len(view))
        view[: len(came)] = came
        return len(came)

    def close(self):
        self.data = b''

    shutdown = sendall = lambda self, _: None


def session():
    client = ClientHandshake(KEY, MOST)
    server = ServerHandshake(client.hello, Keyring((KEY,)), MOST)
    _, proof = client.conclude(server.answer)
    return server.conclude(proof)


def entrance(data):
    """Nobody without the key gets past the entrance, whatever is said there."""
    which, said = data[:1], data[1:]
    if which == b'h':
        try:
            server = ServerHandshake(said, Keyring((KEY,)), MOST)
            server.conclude(said[-32:])
        except HandshakeFailed:
            return
        raise Finding('a stranger has shaken hands as a client')
    if which == b'a':
        try:
            ClientHandshake(KEY, MOST).conclude(said)
        except HandshakeFailed:
            return
        raise Finding('a stranger has shaken hands as a server')
    channel = Channel(Said(said), session(), 'a stranger', 'the answer')
    try:
        channel.recv(1 + len(which))
    except Pyro4.errors.ConnectionClosedError:
        return
    raise Finding('a channel has handed on what nobody has sealed')


# -- The data plane ---------------------------------------------------------------------------------------------------


def frames_of(data):
    """One frame, or several."""
    parts = data.split(b'\xfe\xfe')
    return parts if len(parts) > 1 else data


def messages(data):
    """A message is read, or is undecodable."""
    codec = CODECS[OPEN[data[0] % len(OPEN)]] if data else CODECS['json']
    with contextlib.suppress(MessageUndecodable):
        codec.load(frames_of(data[1:]))


def ends(serializer):
    """Return what receives in patterns and channels, each with a wire of its own."""
    codec = CODECS[serializer]

    def address(kind, role='server'):
        return AgentAddress('inproc', 'place', kind, role, serializer)

    def channel(kind):
        receiver = None if kind == 'ACK_PUSH' else address('PULL')
        sender = address('PUB') if kind == 'SYNC_PUB' else address('PUSH') if kind == 'ACK_PUSH' else None
        return AgentChannel(kind, receiver=receiver, sender=sender)

    def handler(agent, message):
        return message

    terms = Terms().checked('ACK_PUSH', of_dispatcher=True)
    rep, pub, push = channel('ASYNC_REP'), channel('SYNC_PUB'), channel('ACK_PUSH')
    yield Pull(Host(), address('PULL'), codec, ListWire(), handler)
    yield Rep(Host(), address('REP'), codec, ListWire(), handler)
    yield Sub(Host(), address('SUB'), codec, ListWire(), {'a': handler, '': handler})
    yield Pub(Host(), address('PUB'), codec, ListWire())
    yield AsyncRep(Host(), rep, codec, ListWire(), handler)
    yield AsyncReq(Host(), rep.twin(), codec, ListWire(), handler)
    yield from SyncPub(Host(), pub, codec, (ListWire(), ListWire()), handler).parts
    yield from SyncSub(Host(), pub.twin(), codec, (ListWire(), ListWire()), handler).parts
    yield AckPush(Host(), push, codec, ListWire(), terms, None)
    yield AckPull(Host(), push.twin(), codec, ListWire(), handler, 4)


RECEIVERS = [end for serializer in OPEN for end in ends(serializer) if hasattr(end, 'receive')]


def envelopes(data):
    """Whatever arrives is handled, or is unreadable."""
    if not data:
        return
    end = RECEIVERS[data[0] % len(RECEIVERS)]
    for error in take_turn(end, [frames_of(data[1:])]):
        if not isinstance(error, Unreadable):
            raise Finding(f'{type(end).__name__} has failed') from error
    forget(end)


def forget(end):
    """Empty the lists that stand for sockets, logs and clocks here."""
    host, wire = end.host, end.wire
    for kept in (host.waits, host.warnings, host.records, host.errors, host.agent.received, wire.sent, wire.timeouts):
        kept.clear()


# -- What is begun with -----------------------------------------------------------------------------------------------

TARGETS = {'entrance': entrance, 'messages': messages, 'envelopes': envelopes}
_CLIENT = ClientHandshake(KEY, MOST)
_WORDS = [value for value in vars(ack_frames).values() if isinstance(value, bytes)]
_ENVELOPES = [
    *_WORDS, b'{"a": [1, 2.5, null]}', b'\x93\x01\xa1a\xc0', b'topic\x80"x"', BATCH, MORE_FRAMES, b'\x01a',
    b'\x93\x01\xa1a\xc0a:b\0\3' + TRACED,
]  # fmt: skip
SEEDS = {
    'entrance': [
        b'h' + _CLIENT.hello,
        b'a' + MAGIC + bytes(100),
        b'r' + session().sealer.head(b'abc') + b'abc',
        b'hPYRO' + bytes(40),
    ],
    'messages': [bytes([number]) + word for number in range(len(OPEN)) for word in _ENVELOPES],
    'envelopes': [
        bytes([number]) + begin + word
        for number in range(len(RECEIVERS))
        for begin in (b'', b'identity\xfe\xfe')
        for word in _ENVELOPES
    ],
}


def main():
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    with tempfile.TemporaryDirectory(prefix='fuzz') as folder:
        for number, seed in enumerate(SEEDS[name]):
            Path(folder, str(number)).write_bytes(seed)
        pickle.loads = dill.loads = unpickled
        atheris.Setup([sys.argv[0], folder, *options], target)
        atheris.Fuzz()


if __name__ == '__main__':
    main()
