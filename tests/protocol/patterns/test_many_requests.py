"""Many requests in one go: each is open until its own reply comes, and fails or is given up by itself."""

import tracemalloc

import pytest

import osbrain
from osbrain._protocol.patterns.async_rep import AsyncRep, AsyncReq
from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import BATCH, CODECS
from osbrain.errors import (
    HandlerInvalid,
    MessageInvalid,
    PeriodInvalid,
    ReplyHandlerRequired,
    RequestsFull,
    UnknownMethod,
)

BATCHING = ('pickle', 'cloudpickle', 'dill')


def unreadable():
    raise LookupError('nobody has this here')


class Unloadable:
    """Something that can be written, and cannot be read."""

    def __reduce__(self):
        return unreadable, ()


@pytest.fixture
def ends(host, new_host, new_wire, channel):
    """A requester that belongs to ``host``, and a replier that belongs to somebody else."""

    def both(handler, serializer='pickle', default=None):
        address, codec = channel('ASYNC_REP', serializer), CODECS[serializer]
        return (
            AsyncReq(host, address.twin(), codec, new_wire(), default),
            AsyncRep(new_host(), address, codec, new_wire(), handler),
        )

    return both


def exchange(req, rep, turn, identity=b'\x00requester'):
    """Hand over what was asked, then what was answered; return what the replier's handlers raised."""
    asked = [[identity, *(one if isinstance(one, list) else [one])] for one in req.wire.emptied()]
    failures = turn(rep, asked)
    answers = [parts[1] if len(parts) == 2 else parts[1:] for parts in rep.wire.emptied()]
    assert turn(req, answers) == []
    return failures


def double(agent, message):
    return message * 2


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json', 'raw'])
def test_each_request_has_its_own_reply(ends, agent, host, turn, serializer, as_given):
    messages = [b'%d' % n if serializer == 'raw' else n for n in range(20)]
    req, rep = ends(double, serializer)
    req.send_many(as_given(messages), way_back=WayBack(handler='on_message'))
    assert len(req.wire.sent) == (1 if serializer in BATCHING else 20)
    assert len(host.requests.pending) == 20
    assert exchange(req, rep, turn) == []
    assert agent.received == [one * 2 for one in messages]
    assert host.requests.pending == {}


def test_requests_with_large_buffers_go_alone_and_are_answered_too(ends, agent, turn):
    blob = bytes(100_000)
    req, rep = ends(lambda agent, message: len(message))
    req.send_many([b'a', b'bc', blob, b'def'], way_back=WayBack(handler='on_message'))
    assert [type(one) for one in req.wire.sent] == [bytes, list, bytes]
    assert exchange(req, rep, turn) == []
    assert agent.received == [1, 2, 100_000, 3]


def test_the_failure_of_one_request_is_its_own(ends, agent, turn):
    def half(agent, message):
        if message % 2:
            raise ValueError(message)
        return message // 2

    req, rep = ends(half)
    failed = []
    req.send_many(range(4), way_back=WayBack(handler='on_message', on_error=lambda agent, error: failed.append(error)))
    assert [error.args for error in exchange(req, rep, turn)] == [(1,), (3,)]
    assert agent.received == [0, 1]
    assert [(type(error), error.args[0]) for error in failed] == [(ValueError, 1), (ValueError, 3)]


def test_a_request_that_cannot_be_read_is_answered_with_that_and_the_others_are_answered(ends, agent, host, turn):
    req, rep = ends(double)
    req.send_many(iter([1, Unloadable(), 3]), way_back=WayBack(handler='on_message'))
    (failure,) = exchange(req, rep, turn)
    assert isinstance(failure, Unreadable)
    assert agent.received == [2, 6]
    assert host.requests.pending == {}


def test_requests_that_could_be_written_together_but_not_read_are_all_answered(ends, host, turn):
    failed = []
    req, rep = ends(double)
    items = [[Unloadable()], [Unloadable()]]
    req.send_many(items, way_back=WayBack(handler='on_message', on_error=lambda agent, error: failed.append(error)))
    assert exchange(req, rep, turn)
    assert len(failed) == 2
    assert host.requests.pending == {}


@pytest.mark.parametrize('message', [BATCH, b'ab' + BATCH], ids=repr)
def test_raw_requests_that_end_like_a_batch_are_answered(ends, agent, turn, message):
    req, rep = ends(lambda agent, message: message, 'raw')
    req.send(message, way_back=WayBack(handler='on_message'))
    req.send_many([message, b'x'], way_back=WayBack(handler='on_message'))
    assert exchange(req, rep, turn) == []
    assert agent.received == [message, message, b'x']


@pytest.mark.parametrize(
    'messages, options, error',
    [
        ([1, lambda: None], {'handler': 'on_message'}, MessageInvalid),
        ([1, 2], {}, ReplyHandlerRequired),
        ([1, 2], {'handler': 'missing'}, UnknownMethod),
        ([1, 2], {'handler': 3}, HandlerInvalid),
        ([1, 2], {'handler': 'on_message', 'on_error': 3}, HandlerInvalid),
        ([1, 2], {'handler': 'on_message', 'wait': -1}, PeriodInvalid),
    ],
)
def test_none_is_open_after_requests_that_are_wrong_in_any_way(ends, host, messages, options, error):
    req, _ = ends(double)
    with pytest.raises(error):
        req.send_many(messages, way_back=WayBack(**options))
    assert (req.wire.sent, host.requests.pending, host.waits) == ([], {}, [])


def test_requests_that_could_not_be_sent_are_not_open_and_those_before_are(ends, host):
    req, _ = ends(double)
    send = req.wire.send

    def soon_full(frames, timeout=None):
        if req.wire.sent:
            raise TimeoutError
        send(frames, timeout)

    req.wire.send = soon_full
    with pytest.raises(TimeoutError):
        req.send_many(range(5000), way_back=WayBack(handler='on_message', wait=1))
    assert len(host.requests.pending) == 4096
    assert sum(not wait.stopped for wait in host.waits) == 4096


def test_all_or_none_fit_under_the_limit(ends, host, turn, agent, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'REQUEST_LIMIT', 10)
    req, rep = ends(double, default='on_message')
    req.send(0)
    with pytest.raises(RequestsFull, match='10 requests'):
        req.send_many(range(10))
    assert (len(req.wire.sent), len(host.requests.pending)) == (1, 1)
    req.send_many(range(9))
    assert len(host.requests.pending) == 10
    exchange(req, rep, turn)
    assert len(agent.received) == 10
    req.send_many(range(10))


def test_each_request_of_a_batch_is_waited_for(ends, host):
    req, _ = ends(double)
    req.send_many(range(3), way_back=WayBack(handler='on_message', wait=0.5))
    assert [wait.seconds for wait in host.waits] == [0.5] * 3
    host.waits[1].action()
    assert len(host.requests.pending) == 2
    assert len(host.warnings) == 1


def test_no_requests_ask_nothing(ends, host):
    req, _ = ends(double)
    req.send_many([], way_back=WayBack(handler='on_message'))
    assert (req.wire.sent, host.requests.pending) == ([], {})


@pytest.mark.parametrize(
    'head',
    [b'', b'2', b'0000000000000002', b'-000000000000001', b'0000000000000000', b'no number here!!'],
    ids=repr,
)
def test_a_corrupted_batch_of_requests_is_unreadable(ends, turn, head):
    _, rep = ends(double)
    body = CODECS['pickle'].dump([1, 2, 3])
    (failure,) = turn(rep, [[b'\x00requester', head + b'x' * 16 + body + BATCH]])
    assert isinstance(failure, Unreadable)
    assert rep.wire.sent == []


def test_a_number_of_requests_that_is_a_lie_costs_nothing(ends, turn):
    _, rep = ends(double)
    tracemalloc.start()
    try:
        (failure,) = turn(rep, [[b'\x00requester', b'%016d' % 200_000 + b'x' * 64 + BATCH]])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert isinstance(failure, Unreadable)
