"""Round trips through every serializer, and what each refuses at the sender or cannot read at the receiver."""

import json
import pickle
import threading
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import osbrain
from osbrain._protocol.serializers import (
    CODECS,
    ERROR_REPLY,
    MORE_FRAMES,
    compose_message,
    head,
    prefixed,
    unprefixed,
)
from osbrain.address import AgentAddressSerializer
from osbrain.errors import MessageInvalid, MessageUndecodable

PICKLES = ('pickle', 'cloudpickle', 'dill')

json_atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
atoms = st.one_of(json_atoms, st.binary(), st.complex_numbers(allow_nan=False))
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.binary()), inner, max_size=4),
        st.frozensets(st.integers(), max_size=4),
    ),
    max_leaves=12,
)
json_values = st.recursive(
    json_atoms,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


def as_sequence(frames):
    """All frames, in order."""
    return frames if isinstance(frames, list) else (frames,)


def as_received(frames):
    """*frames* as they come out of a socket: bytes, the later ones as views."""
    if isinstance(frames, list):
        return [bytes(frames[0]), *(memoryview(bytes(one)) for one in frames[1:])]
    return bytes(frames)


def there_and_back(serializer, message):
    codec = CODECS[serializer]
    return codec.load(as_received(codec.dump(message)))


def same(one, other):
    return one == other and type(one) is type(other)


@pytest.mark.parametrize('serializer', PICKLES)
@given(message=values)
def test_pickling_serializers_bring_back_any_value(serializer, message):
    assert same(there_and_back(serializer, message), message)


@pytest.mark.parametrize('serializer', PICKLES)
@given(message=values)
def test_the_same_holds_when_every_buffer_travels_in_a_frame_of_its_own(serializer, message):
    with mock.patch.dict(osbrain.config, OUT_OF_BAND_MIN=0):
        assert same(there_and_back(serializer, message), message)


@given(json_values)
def test_json_brings_back_what_json_can_say(message):
    assert there_and_back('json', message) == message


@given(json_values)
def test_json_is_written_as_utf8_that_anybody_can_read(message):
    assert json.loads(CODECS['json'].dump(message).decode()) == message


@given(st.binary())
def test_raw_is_the_bytes_themselves(message):
    assert CODECS['raw'].dump(message) == message == there_and_back('raw', message)


@given(st.one_of(st.binary(), st.lists(st.binary(), min_size=1, max_size=3)), st.binary())
def test_what_is_put_in_front_of_frames_can_be_taken_off_again(frames, prefix):
    longer = prefixed(prefix, frames)
    assert head(longer) == prefix + head(frames)
    assert unprefixed(len(prefix), longer) == frames
    assert as_sequence(longer)[1:] == as_sequence(frames)[1:]


@given(values)
def test_no_pickle_looks_like_the_first_of_several_frames_or_like_an_error(message):
    with mock.patch.dict(osbrain.config, OUT_OF_BAND_MIN=1 << 40):
        frame = CODECS['pickle'].dump(message)
    assert not frame.endswith(MORE_FRAMES)
    assert not frame.endswith(ERROR_REPLY)


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
@pytest.mark.parametrize('size', [0, 1, 65_535, 65_536, 1_000_000])
def test_bytes_of_every_size_come_back_as_bytes(serializer, size):
    frames = CODECS[serializer].dump(bytes(size))
    assert len(as_sequence(frames)) == (2 if size >= 65_536 else 1)
    assert same(there_and_back(serializer, bytes(size)), bytes(size))


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_small_messages_are_a_plain_pickle_in_one_frame(serializer):
    frame = CODECS[serializer].dump({'small': 1})
    assert type(frame) is bytes
    assert pickle.loads(frame) == {'small': 1}


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_large_arrays_are_not_copied_into_the_pickle(serializer):
    array = np.arange(100_000)
    first, buffer = CODECS[serializer].dump({'array': array})
    assert len(first) < 1_000
    assert np.shares_memory(np.frombuffer(buffer, dtype=array.dtype), array)


@pytest.mark.parametrize('serializer', PICKLES)
@pytest.mark.parametrize(
    'array',
    [
        np.arange(100_000),
        np.zeros((300, 300), order='F'),
        np.arange(200_000)[::2],
        np.zeros((0, 3)),
        np.array(['a', None], dtype=object),
        np.float64(1.5),
    ],
    ids=['large', 'fortran', 'strided', 'empty', 'objects', 'scalar'],
)
def test_arrays_of_every_layout_come_back_equal(serializer, array):
    back = there_and_back(serializer, [array])[0]
    assert type(back) is type(array)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_several_arrays_share_a_message():
    arrays = [np.full(50_000, number) for number in range(3)]
    frames = CODECS['pickle'].dump(arrays)
    assert len(frames) == 4
    assert [one[0] for one in there_and_back('pickle', arrays)] == [0, 1, 2]


def test_the_least_size_of_a_frame_of_its_own_is_read_for_each_message():
    with mock.patch.dict(osbrain.config, OUT_OF_BAND_MIN=10):
        assert len(CODECS['pickle'].dump(bytes(10))) == 2
    assert type(CODECS['pickle'].dump(bytes(10))) is bytes


# A codec looks for buffers as long as it has found some lately.
SEQUENCES = {
    'small ones': [1] * 10,
    'large ones': [bytes(100_000)] * 10,
    'one large among many small': [1] * 100 + [bytes(100_000)] + [1] * 100 + [bytes(100_000)],
    'large without buffers': ['x' * 100_000, ['x' * 100_000], bytes(100_000), 'x' * 100_000, bytes(65_536)],
    'every size around the limit': [bytes(size) for size in (65_535, 65_536, 65_537, 0, 65_400, 65_536)],
}


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
@pytest.mark.parametrize('sequence', SEQUENCES)
def test_whatever_was_written_before_a_message_is_written_in_the_same_way(serializer, sequence):
    codec = CODECS[serializer].fresh()
    for message in SEQUENCES[sequence]:
        frames, alone = codec.dump(message), CODECS[serializer].fresh().dump(message)
        assert [bytes(one) for one in as_sequence(frames)] == [bytes(one) for one in as_sequence(alone)]
        assert codec.load(as_received(frames)) == message


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_small_buffers_stay_in_the_pickle_also_when_large_ones_are_looked_for(serializer):
    codec = CODECS[serializer].fresh()
    codec.dump(np.zeros(100_000))
    frames = codec.dump([np.zeros(10), np.zeros(100_000), np.zeros(10)])
    assert len(frames) == 2
    assert [len(one) for one in codec.load(as_received(frames))] == [10, 100_000, 10]


def test_a_message_that_cannot_be_written_changes_nothing_for_the_next():
    codec = CODECS['pickle'].fresh()
    for message in (np.zeros(100_000), 1):
        codec.dump(message)
        with pytest.raises(MessageInvalid):
            codec.dump(lambda: None)
        assert there_and_back('pickle', 5) == codec.load(as_received(codec.dump(5)))


def test_what_one_stream_remembers_is_no_concern_of_another():
    one, other = CODECS['pickle'].fresh(), CODECS['pickle'].fresh()
    assert one.dump is not other.dump
    assert (one.name, one.separator, one.buffers, one.batches) == (other.name, other.separator, True, True)


@pytest.mark.parametrize('serializer', sorted(CODECS))
def test_a_codec_that_writes_single_frames_is_read_by_any_other(serializer):
    codec = CODECS[serializer].in_band()
    assert codec.name == serializer and not codec.buffers
    assert (codec.batches, codec.separator) == (CODECS[serializer].batches, CODECS[serializer].separator)
    message = bytes(100_000) if serializer != 'json' else 'x' * 100_000
    for made in (codec, codec.fresh()):
        frame = made.dump(message)
        assert type(frame) is bytes
        assert same(CODECS[serializer].load(frame), message)


def test_a_codec_of_single_frames_refuses_what_it_cannot_express_in_the_same_words():
    with pytest.raises(MessageInvalid, match='pickle') as caught:
        CODECS['pickle'].in_band().dump(lambda: None)
    assert (caught.value.serializer, caught.value.type_name) == ('pickle', 'function')


@pytest.mark.parametrize('serializer', ['dill', 'json', 'msgpack', 'raw'])
def test_several_frames_are_no_message_where_one_is_all_there_can_be(serializer):
    with pytest.raises(MessageUndecodable):
        CODECS[serializer].load([b'first' + MORE_FRAMES, b'second'])


def test_what_threads_write_at_the_same_time_with_one_codec_comes_back():
    codec, wrong = CODECS['pickle'].fresh(), []

    def write(size):
        for number in range(50):
            message = bytes([number]) * size
            if codec.load(as_received(codec.dump(message))) != message:
                wrong.append(number)

    threads = [threading.Thread(target=write, args=(size,)) for size in (10, 65_536, 100_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize('serializer', ['cloudpickle', 'dill'])
def test_functions_made_on_the_spot_travel_where_the_serializer_knows_them(serializer):
    offset = 3
    assert there_and_back(serializer, lambda number: number + offset)(1) == 4


@pytest.mark.parametrize(
    'serializer, message, why',
    [
        ('pickle', lambda: None, 'pickle'),
        ('cloudpickle', (one for one in ()), 'generator'),
        ('dill', (one for one in ()), 'generator'),
        ('json', b'bytes', 'bytes'),
        ('json', {(1, 2): 3}, 'keys'),
        ('raw', 'text', 'raw carries bytes only'),
        ('raw', 1, 'raw carries bytes only'),
    ],
    ids=['pickle', 'cloudpickle', 'dill', 'json-bytes', 'json-keys', 'raw-text', 'raw-int'],
)
def test_what_cannot_be_expressed_is_refused_at_the_sender(serializer, message, why):
    with pytest.raises(MessageInvalid, match=why) as caught:
        CODECS[serializer].dump(message)
    assert caught.value.serializer == serializer
    assert caught.value.type_name == type(message).__name__


def test_whatever_pickling_raises_is_the_sender_s_error():
    class Stubborn:
        def __reduce__(self):
            raise ZeroDivisionError('never')

    with pytest.raises(MessageInvalid, match='ZeroDivisionError: never') as caught:
        CODECS['pickle'].dump(Stubborn())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    'buffer',
    [bytearray(b'ab'), memoryview(b'ab'), np.frombuffer(b'ab', dtype=np.uint8)],
    ids=lambda one: type(one).__name__,
)
def test_raw_takes_everything_that_gives_bytes_and_keeps_a_copy(buffer):
    frame = CODECS['raw'].dump(buffer)
    assert (type(frame), frame) == (bytes, b'ab')


@pytest.mark.parametrize('serializer', [*PICKLES, 'json'])
@pytest.mark.parametrize('data', [b'', b'garbage', b'\x80', b'\xff\xfe', b'{"half": '], ids=repr)
def test_bytes_that_are_no_message_are_one_kind_of_error(serializer, data):
    with pytest.raises(MessageUndecodable) as caught:
        CODECS[serializer].load(data)
    assert caught.value.serializer == serializer


def test_a_message_that_refers_to_a_class_nobody_has_here_is_undecodable():
    data = pickle.dumps(np.float64(1)).replace(b'numpy', b'nunpy')
    with pytest.raises(MessageUndecodable, match='nunpy'):
        CODECS['pickle'].load(data)


def test_a_first_frame_whose_buffers_are_missing_is_undecodable():
    first, *_ = CODECS['pickle'].dump(bytes(100_000))
    with pytest.raises(MessageUndecodable):
        CODECS['pickle'].load([first])


@pytest.mark.parametrize('serializer', sorted(CODECS))
def test_a_publication_is_topic_separator_and_message(serializer):
    name = AgentAddressSerializer(serializer)
    expected = b'topicmessage' if serializer == 'raw' else b'topic\x80message'
    assert compose_message(b'message', b'topic', name) == expected
    assert CODECS[serializer].separator == name.requires_separator
    assert CODECS[serializer].name == name


def test_there_is_a_codec_for_each_serializer_that_an_address_may_name():
    assert set(CODECS) == set(AgentAddressSerializer.WORDS)
