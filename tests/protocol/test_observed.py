"""What each pattern writes is read from outside as the messages that its users meant, at both ends."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain import config
from osbrain._protocol import ack_frames
from osbrain._protocol.failures import load_failure
from osbrain._protocol.observed import FAILURE, MESSAGE, REPLY, REQUEST, TASK, Reader, Seen
from osbrain._protocol.patterns.async_rep import AsyncRep, AsyncReq
from osbrain._protocol.patterns.pub_sub import Pub
from osbrain._protocol.patterns.push_pull import Push
from osbrain._protocol.patterns.req_rep import Rep, Req
from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import BATCH, CODECS, ERROR_REPLY
from osbrain._protocol.tap_frames import Framing
from osbrain._protocol.topics import LISTENING, LIVE
from osbrain._protocol.trace_context import with_context, written

MESSAGES = {
    'pickle': {'bid': 1.5, 'of': (1, 2)},
    'cloudpickle': [1, None, b'\x80'],
    'dill': {1, 2, 3},
    'json': {'bid': [1, 2.5, None, 'x']},
    'msgpack': [1, 'x', b'\x80'],
    'raw': b'bytes \x80\x00 of somebody',
}
SERIALIZERS = sorted(MESSAGES)


def reader(endpoint):
    return Reader(Framing(str(endpoint.address.kind), endpoint.codec.name, endpoint.prefix))


def seen(endpoint, frames, outward):
    """What, message and topic of everything in *frames* of one wire of *endpoint*."""
    found = [one for each in frames for one in reader(endpoint).messages_in(each, outward)]
    return [(one.what, decoded(endpoint, one), one.topic) for one in found]


def decoded(endpoint, one):
    codec = endpoint.codec
    if one.what == FAILURE:
        error = load_failure(codec, one.body)
        return type(error).__name__, str(error)
    return codec.load(one.body)


def fail(agent, message):
    raise ValueError('no price')


# -- Pushed and published --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_what_is_pushed_is_seen_at_both_ends(make, serializer):
    push = make(Push, 'PUSH', serializer)
    message = MESSAGES[serializer]
    push.send(message)
    push.send_many([message] * 3)
    frames = push.wire.emptied()
    assert seen(push, frames, outward=True) == [(MESSAGE, message, b'')] * 4
    pull = Reader(Framing('PULL', serializer))
    assert [codec_load(serializer, one) for each in frames for one in pull.messages_in(each, False)] == [message] * 4


def codec_load(serializer, one):
    return CODECS[serializer].load(one.body)


def test_messages_with_large_buffers_are_seen_in_one_piece(make, monkeypatch):
    monkeypatch.setitem(config, 'OUT_OF_BAND_MIN', 64)
    push = make(Push, 'PUSH')
    push.send_many([b'x' * 1000, 'small', b'y' * 1000, 'tiny'])
    frames = push.wire.emptied()
    assert any(type(one) is list for one in frames)
    assert [message for _, message, _ in seen(push, frames, True)] == [b'x' * 1000, 'small', b'y' * 1000, 'tiny']


@given(st.lists(st.integers() | st.text() | st.lists(st.integers()) | st.binary(), max_size=20))
def test_whatever_is_sent_together_is_seen_as_single_messages(messages):
    class Wire:
        sent = []

        def send(self, frames, timeout=None):
            self.sent.append(frames)

    wire = Wire()
    wire.sent = []
    push = Push(None, Framing('PUSH', 'pickle'), CODECS['pickle'], wire)
    push.send_many(messages)
    found = [one for frames in wire.sent for one in Reader(Framing('PUSH', 'pickle')).messages_in(frames, True)]
    assert [pickle.loads(one.body) for one in found] == messages


@pytest.mark.parametrize('serializer', [one for one in SERIALIZERS if one != 'raw'])
def test_publications_are_seen_with_their_topics(make_pair, serializer):
    pub, sub = make_pair({'': 'on_message'}, serializer)
    pub._read_subscriptions()
    message = MESSAGES[serializer]
    pub.send(message, topic='prices')
    pub.send_many([message, message], topic=b'fills')
    pub.send(message)
    frames = pub.wire.emptied()
    wanted = [(MESSAGE, message, topic) for topic in (b'prices', b'fills', b'fills', b'')]
    assert seen(pub, frames, outward=True) == wanted
    assert seen(sub, frames, outward=False) == wanted


def test_raw_publications_are_seen_whole_because_nothing_tells_where_the_topic_ends(make_pair):
    pub, _ = make_pair({'': 'on_message'}, 'raw')
    pub._read_subscriptions()
    pub.send(b'bytes', topic='topic')
    assert seen(pub, pub.wire.emptied(), True) == [(MESSAGE, b'topicbytes', b'')]


def test_what_publishers_and_subscribers_say_to_each_other_is_nobodys_message(make_pair):
    pub, sub = make_pair('on_message')
    assert seen(pub, [b'\x01topic', b'\x00topic', b'\x01' + LISTENING], outward=False) == []
    assert seen(pub, [LIVE + b'0' * 32], outward=True) == []
    assert seen(sub, [LIVE + b'0' * 32], outward=False) == []


def test_what_nobody_is_subscribed_to_is_published_while_somebody_looks_on(make):
    pub = make(Pub, 'PUB')
    pub.send(1, topic='prices')
    assert pub.wire.emptied() == []
    pub.overheard(b'pri', 1)
    pub.send(2, topic='prices')
    pub.send(3, topic='fills')
    assert seen(pub, pub.wire.emptied(), True) == [(MESSAGE, 2, b'prices')]
    assert pub.subscribers() == 0
    pub.overheard(b'pri', -1)
    pub.send(4, topic='prices')
    assert pub.wire.emptied() == []


# -- Requests and replies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_requests_and_replies_are_seen_at_both_ends(make, serializer):
    req, rep = make(Req, 'REQ', serializer), make(Rep, 'REP', serializer, 'echo')
    message = MESSAGES[serializer]
    req.send(message)
    asked = req.wire.emptied()
    rep.receive(asked[0])
    answered = rep.wire.emptied()
    for endpoint, outward in ((req, True), (rep, False)):
        assert seen(endpoint, asked, outward) == [(REQUEST, message, b'')]
        assert seen(endpoint, answered, not outward) == [(REPLY, message, b'')]


@pytest.mark.parametrize('serializer, kind', [('pickle', 'ValueError'), ('json', 'RemoteError')])
def test_a_reply_that_is_a_failure_is_seen_as_one(make, serializer, kind):
    rep = make(Rep, 'REP', serializer, fail)
    with pytest.raises(ValueError, match='no price'):
        rep.receive(CODECS[serializer].dump(1))
    ((what, (name, text), _),) = seen(rep, rep.wire.emptied(), True)
    assert (what, name) == (FAILURE, kind)
    assert 'no price' in text


@pytest.fixture
def async_ends(host, new_host, new_wire, channel):
    def both(serializer, handler):
        address = channel('ASYNC_REP', serializer)
        codec = CODECS[serializer]
        req = AsyncReq(host, address.twin(), codec, new_wire(), lambda agent, reply: None)
        return req, AsyncRep(new_host(), address, codec, new_wire(), handler)

    return both


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_requests_on_a_channel_are_seen_one_by_one_at_both_ends(async_ends, serializer):
    req, rep = async_ends(serializer, 'echo')
    message = MESSAGES[serializer]
    req.send(message)
    req.send_many([message, message])
    asked = req.wire.emptied()
    enveloped = [[b'\x00who', *(one if type(one) is list else [one])] for one in asked]
    for frames in enveloped:
        for one in rep.split(frames):
            rep.receive(one)
    answered = rep.wire.emptied()
    assert seen(req, asked, True) == seen(rep, enveloped, False) == [(REQUEST, message, b'')] * 3
    bare = [one[1] if len(one) == 2 else one[1:] for one in answered]
    assert seen(rep, answered, True) == seen(req, bare, False) == [(REPLY, message, b'')] * 3


def test_a_failure_on_a_channel_is_seen_as_one(async_ends):
    req, rep = async_ends('pickle', fail)
    req.send(1)
    with pytest.raises(ValueError, match='no price'):
        rep.receive([b'\x00who', *req.wire.emptied()])
    assert seen(rep, rep.wire.emptied(), True) == [(FAILURE, ('ValueError', 'no price'), b'')]


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_a_sync_pub_shows_publications_requests_and_replies(new_host, new_wire, channel, serializer):
    address, codec = channel('SYNC_PUB', serializer), CODECS[serializer]
    pub = SyncPub(new_host(), address, codec, (new_wire(), new_wire()), 'echo')
    sub = SyncSub(new_host(), address.twin(), codec, (new_wire(), new_wire()), 'on_message')
    sub.wire.connect(pub.wire)
    pub._read_subscriptions()
    message, topic = MESSAGES[serializer], b'' if serializer == 'raw' else b'prices'
    pub.send(message, topic=topic)
    sub.send(message, None, WayBack('on_message'))
    asked = sub.wires[1].emptied()
    pub.requests.receive(asked[0])
    published = pub.wire.emptied()
    assert seen(sub, asked, True) == seen(pub, asked, False) == [(REQUEST, message, b'')]
    wanted = [(MESSAGE, message, topic), (REPLY, message, b'')]
    assert seen(pub, published, True) == seen(sub, published, False) == wanted
    assert seen(pub, [b'\x01' + pub.prefix, b'\x00' + sub._requester], False) == []


# -- Acknowledged work -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_tasks_are_seen_and_what_is_said_about_them_is_not(serializer):
    body = CODECS[serializer].dump(MESSAGES[serializer])
    push, pull = Reader(Framing('ACK_PUSH', serializer)), Reader(Framing('ACK_PULL', serializer))
    single, several = ack_frames.task_frames([(1, 1, body)]), ack_frames.task_frames([(2, 1, body), (3, 2, body)])
    for frames in (single, several):
        wanted = [Seen(TASK, body)] * (1 if frames is single else 2)
        assert pull.messages_in(frames[0], False) == wanted
        assert push.messages_in([b'\x00worker', frames[0]], True) == wanted
    assert push.messages_in([b'\x00worker', ack_frames.WHO], True) == []
    assert push.messages_in([b'\x00worker', ack_frames.done(b'o' * 8, [1])], False) == []
    assert pull.messages_in(ack_frames.welcome(b'o' * 8, 1, 60.0), False) == []
    assert pull.messages_in(ack_frames.done(b'o' * 8, [1]), True) == []


# -- What is none of ours --------------------------------------------------------------------------------------------

KINDS = (
    'PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP',
    'ASYNC_REQ', 'ASYNC_REP', 'SYNC_PUB', 'SYNC_SUB', 'ACK_PUSH', 'ACK_PULL',
)  # fmt: skip
PIECES = st.binary(max_size=40) | st.sampled_from([BATCH, b'B' + BATCH, ERROR_REPLY, b'9' * 16 + BATCH, b'no' + BATCH])


@given(
    st.sampled_from(KINDS),
    st.sampled_from(('raw', 'json', 'msgpack')),
    PIECES | st.lists(PIECES, min_size=1, max_size=4),
    st.booleans(),
)
def test_whatever_strangers_send_is_read_without_a_failure(kind, serializer, frames, outward):
    for one in Reader(Framing(kind, serializer, b'u' * 32)).messages_in(frames, outward):
        assert type(one.body) is bytes


@pytest.mark.parametrize('frame', [b'no pickle' + BATCH, pickle.dumps((1, 2)) + BATCH, pickle.dumps({}) + BATCH])
def test_a_batch_that_is_none_is_seen_as_it_came(frame):
    assert Reader(Framing('PUSH', 'pickle')).messages_in(frame, True) == [Seen(MESSAGE, frame)]


# -- Traced ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['cloudpickle', 'dill', 'msgpack', 'pickle'])
@pytest.mark.parametrize('large', [False, True])
def test_the_trace_that_a_message_belonged_to_is_left_behind(make, serializer, large):
    endpoint = make(Push, 'PUSH', serializer)
    plain = endpoint.codec.dump
    behind = written({'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'})
    endpoint.write_with(with_context(plain, lambda: behind))
    message = b'x' * (1 << 20) if large else MESSAGES[serializer]
    endpoint.send(message)
    (one,) = reader(endpoint).messages_in(endpoint.wire.sent[-1], True)
    assert endpoint.codec.load(one.body) == message
    assert b'traceparent' not in one.body
