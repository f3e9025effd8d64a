"""Calls and answers are messages of Pyro4's, both ways."""

import pickle

import Pyro4.errors
import pytest
from Pyro4.message import FLAGS_EXCEPTION, FLAGS_ONEWAY, MSG_INVOKE, MSG_PING, MSG_RESULT, Message
from Pyro4.util import PickleSerializer

from osbrain._remote.messages import Call, answer_message, call_message, read_answer, read_call, unknown_message


class Line:
    """A connection on which something has been said."""

    def __init__(self, said):
        self.said = said

    def recv(self, size):
        came, self.said = self.said[:size], self.said[size:]
        return came


@pytest.mark.parametrize('oneway', [True, False])
def test_what_is_asked_arrives(oneway):
    assert read_call(Line(call_message('agent', b'request', oneway))) == Call('agent', b'request', oneway, 0)


def test_pyro_reads_a_call_as_one_of_its_own():
    message = Message.recv(Line(call_message('agent', b'request', oneway=True)), [MSG_INVOKE])
    assert PickleSerializer().deserializeCall(message.data) == ('agent', 'answer', (b'request',), {})
    assert (message.flags, message.serializer_id) == (FLAGS_ONEWAY, PickleSerializer.serializer_id)


def test_a_call_that_pyro_has_written_is_read_too_and_its_answer_has_its_number():
    body, _ = PickleSerializer().serializeCall('agent', 'answer', (b'request',), {})
    said = Message(MSG_INVOKE, body, PickleSerializer.serializer_id, 0, 77, {'CORR': bytes(16)}).to_bytes()
    call = read_call(Line(said))
    assert call == Call('agent', b'request', False, 77)
    answer = Message.recv(Line(answer_message(call, b'answer')), [MSG_RESULT])
    assert (answer.seq, PickleSerializer().deserializeData(answer.data)) == (77, b'answer')


def test_the_answer_comes_back():
    assert read_answer(Line(answer_message(Call('agent', b'', False, 0), b'answer'))) == b'answer'


def test_that_nobody_is_there_is_an_error_of_pyros():
    said = unknown_message(Call('nobody', b'', False, 5))
    assert Message.recv(Line(said)).flags == FLAGS_EXCEPTION
    with pytest.raises(Pyro4.errors.DaemonError, match='unknown object'):
        read_answer(Line(said))


def number(kind, body, serializer=PickleSerializer.serializer_id):
    return Message(kind, body, serializer, 0, 0).to_bytes()


@pytest.mark.parametrize(
    'said',
    [
        b'',
        number(MSG_PING, b'ping'),
        number(MSG_INVOKE, b''),
        number(MSG_INVOKE, b'no pickle'),
        number(MSG_INVOKE, pickle.dumps(5)),
        number(MSG_INVOKE, pickle.dumps(('agent', 'answer', (), {}))),
        number(MSG_INVOKE, pickle.dumps(('agent', 'answer', (b'one', b'two'), {}))),
    ],
)
def test_what_is_no_call_ends_the_connection(said):
    with pytest.raises(Pyro4.errors.CommunicationError):
        read_call(Line(said))


@pytest.mark.parametrize('said', [b'', number(MSG_PING, b'ping'), number(MSG_INVOKE, pickle.dumps(b'answer'))])
def test_what_is_no_answer_is_an_error_of_the_connection(said):
    with pytest.raises(Pyro4.errors.CommunicationError):
        read_answer(Line(said))
