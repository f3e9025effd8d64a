"""PUSH and PULL plugged together by a list: what is pushed is handled, in every serializer."""

import pytest

from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.push_pull import Pull, Push
from osbrain.errors import HandlerInvalid, HandlerRequired, KindUnsupported, MessageInvalid, UnknownMethod

MESSAGES = {
    'pickle': {'bid': 1.5, 'of': (1, 2)},
    'cloudpickle': [1, None, b'\x80'],
    'dill': {1, 2, 3},
    'json': {'bid': [1, 2.5, None, 'x']},
    'raw': b'\x00\x80osbrain',
}


def deliver(push, pull):
    for frames in push.wire.emptied():
        pull.receive(frames)


@pytest.mark.parametrize('serializer', sorted(MESSAGES))
def test_what_is_pushed_is_what_is_handled(make, agent, serializer):
    push, pull = make(Push, 'PUSH', serializer), make(Pull, 'PULL', serializer, 'on_message')
    push.send(MESSAGES[serializer])
    deliver(push, pull)
    assert agent.received == [MESSAGES[serializer]]


def test_messages_are_handled_in_the_order_in_which_they_were_pushed(make, agent):
    push, pull = make(Push, 'PUSH'), make(Pull, 'PULL', 'pickle', 'on_message')
    for number in range(20):
        push.send(number)
    deliver(push, pull)
    assert agent.received == list(range(20))


def test_handlers_of_a_list_are_called_in_its_order_with_each_message(make, agent):
    def first(agent, message):
        agent.received.append(('first', message))

    def second(agent, message):
        agent.received.append(('second', message))

    push, pull = make(Push, 'PUSH'), make(Pull, 'PULL', 'pickle', [second, first, agent.on_message])
    push.send(1)
    push.send(2)
    deliver(push, pull)
    assert agent.received == [('second', 1), ('first', 1), 1, ('second', 2), ('first', 2), 2]


def test_a_message_that_cannot_be_expressed_is_refused_before_anything_is_sent(make):
    push = make(Push, 'PUSH', 'json')
    with pytest.raises(MessageInvalid, match='json'):
        push.send(b'bytes')
    assert push.wire.sent == []


def test_a_time_out_of_send_reaches_the_wire(make):
    push = make(Push, 'PUSH')
    push.send('x', timeout=2.5)
    assert push.wire.timeouts == [2.5]


def test_a_frame_that_is_no_message_is_unreadable_and_no_handler_runs(make, agent):
    pull = make(Pull, 'PULL', 'pickle', 'on_message')
    with pytest.raises(Unreadable, match='pickle'):
        pull.receive(b'no pickle')
    assert agent.received == []


def test_what_a_handler_raises_is_not_taken_for_an_unreadable_message(make):
    def fail(agent, message):
        raise ValueError(message)

    pull = make(Pull, 'PULL', 'json', fail)
    with pytest.raises(ValueError, match='reason') as caught:
        pull.receive(b'"reason"')
    assert type(caught.value) is ValueError


def test_a_pull_socket_can_be_received_from_directly(make):
    pull = make(Pull, 'PULL', 'json', 'on_message')
    pull.wire.arrived.append(b'[1]')
    assert pull.recv() == [1]


def test_a_push_socket_does_not_receive(make):
    push = make(Push, 'PUSH')
    with pytest.raises(KindUnsupported, match='PUSH'):
        push.recv()
    with pytest.raises(KindUnsupported, match='PUSH'):
        push.receive(b'')


def test_a_pull_socket_does_not_send(make):
    with pytest.raises(KindUnsupported, match='PULL'):
        make(Pull, 'PULL', 'pickle', 'on_message').send('x')


@pytest.mark.parametrize(
    'handler, error',
    [(1, HandlerInvalid), ([], HandlerRequired), ('missing', UnknownMethod), ([print, 2], HandlerInvalid)],
)
def test_a_handler_of_no_accepted_form_is_refused_when_the_socket_is_made(make, handler, error):
    with pytest.raises(error):
        make(Pull, 'PULL', 'pickle', handler)
