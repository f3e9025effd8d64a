"""Large buffers go back into their pickle without anybody reading it."""

import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osbrain import config
from osbrain._protocol.in_band import in_band
from osbrain._protocol.serializers import CODECS

np = pytest.importorskip('numpy')


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    monkeypatch.setitem(config, 'OUT_OF_BAND_MIN', 64)


def dumped(message, serializer='pickle'):
    frames = CODECS[serializer].fresh().dump(message)
    return [frames[0], *map(bytes, frames[1:])] if type(frames) is list else frames


def test_a_message_of_one_frame_stays_as_it_is():
    assert in_band(dumped('small')) == dumped('small')


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_an_array_is_put_back(serializer):
    frames = dumped({'of': np.arange(100), 'name': 'x'}, serializer)
    assert type(frames) is list
    read = pickle.loads(in_band(frames))
    assert read['name'] == 'x'
    assert np.array_equal(read['of'], np.arange(100))


def test_bytes_are_bytes_again_and_what_could_be_changed_can_be():
    assert pickle.loads(in_band(dumped(b'x' * 1000))) == b'x' * 1000
    read = pickle.loads(in_band(dumped([np.zeros(50), pickle.PickleBuffer(bytearray(200))])))
    read[0][0] = 1
    assert read[1] == bytearray(200)
    frozen = np.zeros(50)
    frozen.flags.writeable = False
    assert not pickle.loads(in_band(dumped(frozen))).flags.writeable


def test_a_pickle_that_mentions_opcodes_in_its_texts_is_not_confused():
    message = [b'\x97\x98\x95\x95', '\x97', np.full(100, 0x9797, '>u2'), b'\x95' * 9]
    read = pickle.loads(in_band(dumped(message)))
    assert read[:2] == message[:2] and read[3] == message[3]
    assert np.array_equal(read[2], message[2])


def test_no_code_of_the_message_runs():
    class Trap:
        def __reduce__(self):
            return pytest.fail, ('it was read',)

    frames = CODECS['cloudpickle'].fresh().dump([Trap(), np.arange(100)])
    assert type(in_band([frames[0], bytes(frames[1])])) is bytes


LEAVES = st.integers() | st.text() | st.binary(max_size=200) | st.integers(0, 300).map(np.arange)
MESSAGES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(MESSAGES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_reads_the_same(message):
    assert same(pickle.loads(in_band(dumped(message))), message)


def same(one, other):
    if isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in other)
    return one == other


@pytest.mark.parametrize('frames', [[b'no', b'pickle'], [b'x', b'y', b'z'], [b'alone']])
def test_other_frames_are_refused(frames):
    with pytest.raises(ValueError, match='several frames'):
        in_band(frames)


def test_a_missing_buffer_is_told():
    with pytest.raises(ValueError, match='missing'):
        in_band(dumped(b'y' * 1000)[:1])
