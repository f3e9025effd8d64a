"""What was seen is read by the serializer of where it was seen, if that may be."""

import pickle

import pytest

from osbrain._protocol.failures import dump_failure
from osbrain._protocol.serializers import CODECS
from osbrain.errors import MessageUndecodable, RemoteError, SerializerForbidden
from osbrain.recording import Observation, Source


def observation(body, serializer, what='message'):
    source = Source('alice', 'out', 'PUSH', serializer)
    return Observation(source, 1, 'out', 1.0, 2.0, b'', what, body, len(body))


@pytest.mark.parametrize('serializer', ['raw', 'pickle', 'cloudpickle', 'dill', 'json', 'msgpack'])
def test_a_message_is_read_as_its_receiver_reads_it(serializer):
    message = b'bytes' if serializer == 'raw' else [1, 'x']
    assert observation(CODECS[serializer].dump(message), serializer).message() == message


def test_a_failure_is_an_exception():
    error = observation(dump_failure(CODECS['pickle'], ValueError('no')), 'pickle', 'failure').message()
    assert type(error) is ValueError
    error = observation(dump_failure(CODECS['json'], ValueError('no')), 'json', 'failure').message()
    assert type(error) is RemoteError


@pytest.mark.parametrize('serializer', ['pickle', 'json', 'msgpack'])
def test_what_cannot_be_read_says_so(serializer):
    with pytest.raises(MessageUndecodable, match=serializer):
        observation(b'\xc1\xff', serializer).message()


@pytest.mark.parametrize('what', ['message', 'failure'])
def test_where_nothing_may_run_code_no_pickle_is_read(monkeypatch, what):
    monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', 'off')
    with pytest.raises(SerializerForbidden):
        observation(pickle.dumps(1), 'pickle', what).message()
    assert observation(b'1', 'json').message() == 1
