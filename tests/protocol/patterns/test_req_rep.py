"""REQ and REP plugged together by a list: each request has exactly one answer, an error is an answer too."""

import pytest

from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.req_rep import Rep, Req
from osbrain.errors import HandlerInvalid, MessageInvalid, MessageUndecodable, RemoteError, UnknownAlias, YieldedTwice

SERIALIZERS = ('pickle', 'cloudpickle', 'dill', 'json', 'msgpack', 'raw')


def ask(req, rep, message):
    """Send, answer, receive; what the replier's handler raises stays at the replier."""
    req.send(message)
    (request,) = req.wire.emptied()
    failure = None
    try:
        rep.receive(request)
    except (Exception, SystemExit) as error:
        failure = error
    (answer,) = rep.wire.emptied()
    req.wire.arrived.append(answer)
    return failure, req.recv


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_the_return_value_is_the_reply(make, serializer):
    req = make(Req, 'REQ', serializer)
    rep = make(Rep, 'REP', serializer, lambda agent, message: message * 2)
    _, recv = ask(req, rep, b'ab' if serializer == 'raw' else 'ab')
    assert recv() == (b'abab' if serializer == 'raw' else 'abab')


def test_no_return_value_is_a_reply_too(make, agent):
    _, recv = ask(make(Req, 'REQ'), make(Rep, 'REP', 'pickle', 'on_message'), 'x')
    assert recv() is None
    assert agent.received == ['x']


def test_what_a_handler_yields_is_sent_before_the_rest_runs(make, agent):
    rep = make(Rep, 'REP', 'pickle', lambda agent, message: rest(agent))

    def rest(agent):
        yield 'reply'
        agent.received.append(list(rep.wire.sent))

    req = make(Req, 'REQ')
    failure, recv = ask(req, rep, 'x')
    assert failure is None
    assert recv() == 'reply'
    assert agent.received == [[rep.codec.dump('reply')]]


def test_a_generator_that_yields_nothing_replies_none(make):
    def silent(agent, message):
        return
        yield

    _, recv = ask(make(Req, 'REQ'), make(Rep, 'REP', 'pickle', silent), 'x')
    assert recv() is None


def test_a_second_yield_is_an_error_after_the_only_reply(make):
    def twice(agent, message):
        yield 1
        yield 2

    failure, recv = ask(make(Req, 'REQ'), make(Rep, 'REP', 'pickle', twice), 'x')
    assert isinstance(failure, YieldedTwice)
    assert recv() == 1


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_an_error_of_the_handler_is_raised_at_recv_as_its_own_type(make, serializer):
    def fail(agent, message):
        raise UnknownAlias('typo', 'a1')

    failure, recv = ask(make(Req, 'REQ', serializer), make(Rep, 'REP', serializer, fail), 'x')
    assert isinstance(failure, UnknownAlias)
    with pytest.raises(UnknownAlias, match='typo') as caught:
        recv()
    assert caught.value.alias == 'typo'


@pytest.mark.parametrize('serializer', ['json', 'raw'])
def test_serializers_without_code_bring_the_error_in_words(make, serializer):
    def fail(agent, message):
        raise LookupError('nothing \u20ac there')

    message = b'' if serializer == 'raw' else 1
    failure, recv = ask(make(Req, 'REQ', serializer), make(Rep, 'REP', serializer, fail), message)
    assert isinstance(failure, LookupError)
    with pytest.raises(RemoteError, match='nothing \u20ac there') as caught:
        recv()
    assert caught.value.type_name == 'builtins.LookupError'
    assert 'in fail' in caught.value.traceback


def test_a_generator_that_fails_before_it_yields_answers_with_the_error(make):
    def fail(agent, message):
        raise KeyError('early')
        yield

    failure, recv = ask(make(Req, 'REQ'), make(Rep, 'REP', 'pickle', fail), 'x')
    assert isinstance(failure, KeyError)
    with pytest.raises(KeyError, match='early'):
        recv()


def test_a_reply_that_cannot_be_expressed_answers_with_that(make):
    failure, recv = ask(make(Req, 'REQ', 'json'), make(Rep, 'REP', 'json', lambda agent, message: b'bytes'), 1)
    assert isinstance(failure, MessageInvalid)
    with pytest.raises(RemoteError, match='json'):
        recv()


def test_a_handler_that_ends_the_agent_answers_first(make):
    def leave(agent, message):
        raise SystemExit(3)

    failure, recv = ask(make(Req, 'REQ'), make(Rep, 'REP', 'pickle', leave), 'x')
    assert isinstance(failure, SystemExit)
    with pytest.raises(RemoteError, match='SystemExit'):
        recv()


def test_a_request_that_cannot_be_read_is_answered_and_the_next_one_works(make, agent):
    req, rep = make(Req, 'REQ'), make(Rep, 'REP', 'pickle', 'echo')
    with pytest.raises(Unreadable):
        rep.receive(b'no pickle')
    (answer,) = rep.wire.emptied()
    req.send('x')
    req.wire.arrived.append(answer)
    with pytest.raises(MessageUndecodable, match='pickle'):
        req.recv()
    req.wire.emptied()
    _, recv = ask(req, rep, 'again')
    assert recv() == 'again'


def test_send_and_recv_take_turns(make, out_of_turn):
    req = make(Req, 'REQ')
    with pytest.raises(out_of_turn):
        req.recv()
    req.send('x')
    with pytest.raises(out_of_turn):
        req.send('y')
    assert len(req.wire.sent) == 1


def test_after_a_time_out_the_next_request_can_be_sent(make):
    req = make(Req, 'REQ')
    req.send('x')
    with pytest.raises(TimeoutError):
        req.recv(0.1)
    assert req.wire.relaxed
    req.send('y')
    assert len(req.wire.sent) == 2


def test_a_request_that_cannot_be_expressed_leaves_the_turn_to_send(make):
    req = make(Req, 'REQ', 'json')
    with pytest.raises(MessageInvalid):
        req.send(b'bytes')
    req.send('text')
    assert req.awaiting


def test_a_request_that_could_not_be_sent_leaves_the_turn_to_send(make, new_wire):
    class Full(new_wire):
        def send(self, frames, timeout=None):
            raise TimeoutError

    req = make(Req, 'REQ', wire=Full())
    with pytest.raises(TimeoutError):
        req.send('x')
    assert not req.awaiting


def test_a_list_is_no_handler_for_requests(make):
    with pytest.raises(HandlerInvalid):
        make(Rep, 'REP', 'pickle', ['echo', 'echo'])
