"""ASYNC_REP plugged together by a list: requests stay open until their reply comes, in whatever order."""

import pytest

from osbrain._protocol.patterns.async_rep import AsyncRep, AsyncReq
from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import CODECS
from osbrain.errors import (
    HandlerInvalid,
    MessageInvalid,
    PeriodInvalid,
    RemoteError,
    ReplyHandlerRequired,
    RequestsFull,
    UnknownAlias,
    UnknownMethod,
    YieldedTwice,
)


@pytest.fixture
def ends(host, new_host, new_wire, channel):
    """A requester that belongs to ``host``, and a replier that belongs to somebody else."""

    def both(handler, serializer='pickle', default=None):
        address = channel('ASYNC_REP', serializer)
        codec = CODECS[serializer]
        return (
            AsyncReq(host, address.twin(), codec, new_wire(), default),
            AsyncRep(new_host(), address, codec, new_wire(), handler),
        )

    return both


def take_requests(req, rep, identity=b'\x00requester'):
    """Hand over what was asked; return what the replier's handlers raised."""
    failures = []
    for frames in req.wire.emptied():
        parts = frames if isinstance(frames, list) else [frames]
        try:
            rep.receive([identity, *parts])
        except (Exception, SystemExit) as error:
            failures.append(error)
    return failures


def take_replies(req, rep, identity=b'\x00requester'):
    """Hand over what was answered, as the requester's own connection does."""
    for to, *parts in rep.wire.emptied():
        assert to == identity
        req.receive(parts if len(parts) > 1 else parts[0])


def exchange(req, rep):
    failures = take_requests(req, rep)
    take_replies(req, rep)
    return failures


def double(agent, message):
    return message * 2


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json', 'raw'])
def test_the_reply_goes_to_the_handler_of_the_request(ends, agent, host, serializer):
    message = b'ab' if serializer == 'raw' else 'ab'
    req, rep = ends(double, serializer)
    req.send(message, way_back=WayBack(handler='on_message'))
    assert len(host.requests.pending) == 1
    assert exchange(req, rep) == []
    assert agent.received == [message * 2]
    assert host.requests.pending == {}


def test_the_handler_of_a_request_comes_before_that_of_the_connection(ends, agent):
    req, rep = ends(double, default=lambda agent, reply: agent.received.append(('default', reply)))
    req.send(1)
    req.send(2, way_back=WayBack(handler=lambda agent, reply: agent.received.append(('own', reply))))
    exchange(req, rep)
    assert agent.received == [('default', 2), ('own', 4)]


def test_replies_may_come_in_any_order(ends, agent):
    req, rep = ends(double, default='on_message')
    for number in range(3):
        req.send(number)
    take_requests(req, rep)
    rep.wire.sent.reverse()
    take_replies(req, rep)
    assert agent.received == [4, 2, 0]


def test_a_request_without_handler_is_refused_and_nothing_is_open(ends, host):
    req, _ = ends(double)
    with pytest.raises(ReplyHandlerRequired):
        req.send('x')
    assert (req.wire.sent, host.requests.pending) == ([], {})


@pytest.mark.parametrize(
    'message, options, error',
    [
        (b'bytes', {'handler': 'on_message'}, MessageInvalid),
        ('text', {'handler': 'missing'}, UnknownMethod),
        ('text', {'handler': 3}, HandlerInvalid),
        ('text', {'handler': 'on_message', 'on_error': 3}, HandlerInvalid),
        ('text', {'handler': 'on_message', 'wait': -1}, PeriodInvalid),
        ('text', {'handler': 'on_message', 'wait': 'soon'}, PeriodInvalid),
    ],
)
def test_nothing_is_open_after_a_request_that_is_wrong_in_any_way(ends, host, message, options, error):
    req, _ = ends(double, 'json')
    with pytest.raises(error):
        req.send(message, way_back=WayBack(**options))
    assert (req.wire.sent, host.requests.pending, host.waits) == ([], {}, [])


def test_a_request_that_could_not_be_sent_is_not_open(ends, host):
    req, _ = ends(double)

    def full(frames, timeout=None):
        raise TimeoutError

    req.wire.send = full
    with pytest.raises(TimeoutError):
        req.send('x', way_back=WayBack(handler='on_message'), timeout=0.1)
    assert host.requests.pending == {}


def test_more_requests_than_the_limit_are_refused_until_one_is_answered(ends, host, monkeypatch):
    monkeypatch.setitem(__import__('osbrain').config, 'REQUEST_LIMIT', 2)
    req, rep = ends(double, default='on_message')
    req.send(1)
    req.send(2)
    with pytest.raises(RequestsFull, match='2 requests'):
        req.send(3)
    exchange(req, rep)
    req.send(3)


def test_a_wait_that_is_over_drops_the_request_with_a_warning(ends, host):
    req, _ = ends(double)
    req.send('x', way_back=WayBack(handler='on_message', wait=0.5))
    (identifier,) = host.requests.pending
    (wait,) = host.waits
    assert wait.seconds == 0.5
    wait.action()
    assert host.requests.pending == {}
    assert host.warnings == [f'Did not receive request {identifier.decode()} after 0.5 seconds']


def test_on_error_is_called_instead_of_a_warning(ends, agent, host):
    req, _ = ends(double)
    for on_error in (
        lambda agent: agent.received.append('late'),
        lambda agent, error: agent.received.append(type(error)),
    ):
        req.send('x', way_back=WayBack('on_message', 0.5, on_error))
    for wait in host.waits:
        wait.action()
    assert agent.received == ['late', TimeoutError]
    assert host.warnings == []


def test_a_reply_in_time_ends_the_wait(ends, agent, host):
    req, rep = ends(double)
    req.send(1, way_back=WayBack(handler='on_message', wait=0.5))
    exchange(req, rep)
    (wait,) = host.waits
    assert wait.stopped
    wait.action()  # it was on its way already
    assert (agent.received, host.warnings) == ([2], [])


def test_a_reply_that_comes_late_is_not_handled_but_warned_of(ends, agent, host):
    req, rep = ends(double)
    req.send(1, way_back=WayBack(handler='on_message', wait=0.5))
    (identifier,) = host.requests.pending
    host.waits[0].action()
    exchange(req, rep)
    assert agent.received == []
    assert host.warnings[1:] == [f'Received response for an unknown request! {identifier.decode()}']


def test_requests_can_be_forgotten_by_replacing_the_dictionary(ends, agent, host):
    req, rep = ends(double)
    req.send(1, way_back=WayBack(handler='on_message', wait=0.5))
    host.requests.pending = {}
    assert host.waits[0].stopped
    exchange(req, rep)
    assert agent.received == []


def test_an_error_at_the_other_end_reaches_on_error_as_its_own_type(ends, agent, host):
    def fail(agent, message):
        raise UnknownAlias('typo', 'a1')

    def note(agent, error):
        agent.received.append((type(error), error.alias))

    req, rep = ends(fail)
    req.send(1, way_back=WayBack('on_message', on_error=note))
    (failure,) = exchange(req, rep)
    assert isinstance(failure, UnknownAlias)
    assert agent.received == [(UnknownAlias, 'typo')]
    assert host.requests.pending == {}


def test_an_error_at_the_other_end_that_nobody_takes_is_a_warning(ends, agent, host):
    def fail(agent, message):
        raise RuntimeError('why')

    req, rep = ends(fail)
    req.send(1, way_back=WayBack(handler='on_message'))
    exchange(req, rep)
    assert agent.received == []
    (warning,) = host.warnings
    assert 'RuntimeError: why' in warning


def test_a_handler_that_ends_its_agent_answers_first(ends, agent):
    def leave(agent, message):
        raise SystemExit

    req, rep = ends(leave)
    req.send(1, way_back=WayBack('on_message', on_error=lambda agent, error: agent.received.append(type(error))))
    (failure,) = exchange(req, rep)
    assert isinstance(failure, SystemExit)
    assert agent.received == [RemoteError]


def test_a_yielded_reply_leaves_before_the_rest_of_the_handler_runs(ends, agent):
    sent = []

    def handler(agent, message):
        yield message
        sent.extend(rep.wire.sent)

    req, rep = ends(handler)
    req.send(1, way_back=WayBack(handler='on_message'))
    exchange(req, rep)
    assert len(sent) == 1
    assert agent.received == [1]


def test_a_second_yield_is_an_error_after_the_reply(ends, agent):
    def twice(agent, message):
        yield 1
        yield 2

    req, rep = ends(twice)
    req.send(0, way_back=WayBack(handler='on_message'))
    (failure,) = exchange(req, rep)
    assert isinstance(failure, YieldedTwice)
    assert agent.received == [1]


def test_large_messages_travel_in_frames_of_their_own_both_ways(ends, agent):
    body = bytes(100_000)
    req, rep = ends(lambda agent, message: message + b'!')
    req.send(body, way_back=WayBack(handler='on_message'))
    assert len(req.wire.sent[0]) == 2
    exchange(req, rep)
    assert agent.received == [body + b'!']


@pytest.mark.parametrize('frames', [b'', b'alone', [b'identity'], [b'identity', b'short']], ids=repr)
def test_frames_that_are_no_request_are_unreadable_and_not_answered(ends, frames):
    _, rep = ends(double)
    with pytest.raises(Unreadable):
        rep.receive(frames)
    assert rep.wire.sent == []


def test_a_request_whose_message_cannot_be_read_is_answered_with_that(ends, agent):
    req, rep = ends(double)
    req.send(1, way_back=WayBack(handler='on_message', on_error=lambda agent, error: agent.received.append(str(error))))
    identifier = req.wire.emptied()[0][:16]
    with pytest.raises(Unreadable):
        rep.receive([b'\x00requester', identifier + b'no pickle'])
    take_replies(req, rep)
    assert 'no valid' in agent.received[0]


@pytest.mark.parametrize('frames', [b'', b'short', b'x' * 16, b'\xff' * 40], ids=repr)
def test_frames_that_are_no_reply_are_warned_of(ends, host, frames):
    req, _ = ends(double)
    req.receive(frames)
    assert len(host.warnings) == 1


def test_a_reply_whose_message_cannot_be_read_is_unreadable(ends, agent, host):
    req, _ = ends(double)
    req.send(1, way_back=WayBack(handler='on_message'))
    (identifier,) = host.requests.pending
    with pytest.raises(Unreadable):
        req.receive(identifier + b'+no pickle')
    assert agent.received == []


def test_handlers_can_be_bound_methods_and_only_their_names_are_kept(ends, agent, host):
    req, rep = ends(double)
    req.send(1, way_back=WayBack(handler=agent.on_message))
    assert list(host.requests.pending.values()) == ['on_message']
    exchange(req, rep)
    assert agent.received == [2]


def test_a_default_handler_of_no_accepted_form_is_refused_when_connecting(ends):
    with pytest.raises(HandlerInvalid):
        ends(double, default=3)
