"""A context behind a message: who asks for it reads it, who does not reads the message as ever."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.batches import Loaded, read, written
from osbrain._protocol.serializers import BATCH, CODECS, MORE_FRAMES, OURS, TRACED, head
from osbrain._protocol.trace_context import read as context_of
from osbrain._protocol.trace_context import with_context
from osbrain._protocol.trace_context import written as context
from osbrain.errors import MessageUndecodable

TRACING = [name for name, codec in CODECS.items() if codec.contexts]
CARRIER = {'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate': 'rojo=00f0:67'}

messages = st.recursive(
    st.one_of(st.none(), st.integers(-1000, 1000), st.text(), st.binary(), st.just(TRACED), st.just('\0~osbrain')),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)


def traced(name, carrier=CARRIER):
    """A codec whose messages come from *carrier*."""
    codec = CODECS[name].fresh()
    codec.dump = with_context(codec.dump, lambda: context(carrier))
    return codec


def test_serializers_that_other_programs_read_without_knowing_of_us_carry_no_context():
    assert set(CODECS) - set(TRACING) == {'json', 'raw'}


@pytest.mark.parametrize('name', TRACING)
@given(message=messages)
def test_whoever_knows_nothing_of_contexts_reads_the_message(name, message):
    frame = traced(name).dump(message)
    assert frame.endswith(OURS)
    assert CODECS[name].load(frame) == message
    assert context_of(frame) == CARRIER


@pytest.mark.parametrize('name', TRACING)
@given(message=messages)
def test_a_message_without_a_context_is_written_as_ever(name, message):
    frame = traced(name, {}).dump(message)
    assert frame == CODECS[name].dump(message)
    assert context_of(frame) == {} or name == 'msgpack'


@pytest.mark.parametrize('name', ['pickle', 'cloudpickle'])
def test_large_buffers_travel_beside_a_traced_message_as_beside_any(name):
    array = np.arange(100_000)
    frames = traced(name).dump([array, 'and more'])
    assert type(frames) is list
    assert frames[0].endswith(MORE_FRAMES)
    back, text = CODECS[name].load([frames[0], *map(bytes, frames[1:])])
    assert text == 'and more'
    np.testing.assert_array_equal(back, array)
    assert context_of(head(frames)) == CARRIER


@pytest.mark.parametrize('name', ['pickle', 'cloudpickle', 'dill'])
@pytest.mark.parametrize('items', [[1, 2, 3], [[1], [2, [3]]], [{'a': 1}, {'a': [2]}]], ids=repr)
def test_a_batch_has_a_context_for_all_or_each_message_its_own(name, items):
    ((count, frame),) = written(traced(name), items)
    assert count == len(items)
    assert frame.endswith(BATCH)
    found, read_already = read(CODECS[name], frame)
    if read_already:
        assert found == items
        assert context_of(frame) == CARRIER
    else:
        assert [CODECS[name].load(one) for one in found] == items
        assert [context_of(one) for one in found] == [CARRIER] * count


def test_a_loaded_message_of_a_batch_has_room_for_a_context_and_none_of_its_own():
    assert getattr(Loaded('message'), 'context', None) is None


@pytest.mark.parametrize(
    'frame',
    [
        b'',
        TRACED,
        BATCH,
        b'\xff\xff' + TRACED,
        b'\xff\xfe:\x00\x03' + TRACED,
        b'traceparent\x00\x0b' + TRACED,
        pickle.dumps('a message') + b'\x00\x00' + TRACED + BATCH,
    ],
    ids=repr,
)
def test_what_is_no_context_is_read_as_none(frame):
    assert context_of(frame) == {}


piece = st.one_of(st.binary(max_size=9), st.sampled_from([TRACED, BATCH, MORE_FRAMES, OURS, b':']))


@given(pieces=st.lists(piece, max_size=6))
def test_whatever_strangers_write_is_read_without_an_error(pieces):
    found = context_of(b''.join(pieces))
    assert all(type(one) is str for item in found.items() for one in item)


@pytest.mark.parametrize('carrier', [{}, {'a': 'x\ny'}, {'a': 'x' * 70_000}], ids=['empty', 'two lines', 'too long'])
def test_what_cannot_be_a_header_is_not_written(carrier):
    assert context(carrier) == b''


def test_of_several_headers_only_what_can_be_written_is():
    assert context_of(b'message' + context({'bad': '1\n2', 'good': 'a:b'})) == {'good': 'a:b'}


@pytest.mark.parametrize('behind', [b'\x01', TRACED + b'\x01', b'more' + TRACED[:-1]], ids=repr)
def test_anything_else_behind_messagepack_is_no_message(behind):
    with pytest.raises(MessageUndecodable, match='extra data'):
        CODECS['msgpack'].load(CODECS['msgpack'].dump([1]) + behind)


def test_large_messagepack_with_a_context_is_read_too():
    message = ['x' * 100] * 1_000
    assert CODECS['msgpack'].load(traced('msgpack').dump(message)) == message
