"""Of a file that is whole everything is read, of any other what is whole in it, and nobody is left to guess."""

import pickle
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, Writer

from osbrain.errors import ExtraMissing, MessageUndecodable, RecordingInvalid, SerializerForbidden
from osbrain.recording import Recording
from osbrain.recording.observation import Source
from osbrain.recording.writing import Tape

CHUNK = 4
# Bytes that a file begins with: the magic bytes, and the header.
FIRST_LINES = 8 + 9 + 4 + len('osbrain/1') + 4 + len('osbrain')


def read(path):
    """Return what is read of a file, and what was told of the rest."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always')
        found = [message.value for message in Recording(path)]
    return found, [str(warning.message) for warning in told]


def test_three_lines_read_it(recorded, observation):
    path = recorded(observation(7, {'price': 1.5}))
    for message in Recording(path):
        assert (message.agent, message.alias, message.topic) == ('feed', 'bars', b'AAPL.')
        assert message.value == {'price': 1.5}
        assert (message.kind, message.serializer, message.number) == ('PUB', 'json', 7)
        assert message.when == pytest.approx(1_700_000_000.7, abs=1e-6)
        assert message.arrived == pytest.approx(1_700_000_000.701, abs=1e-6)


def test_it_can_be_read_again_and_by_two_at_once(recorded, observation):
    recording = Recording(recorded(*(observation(number, number) for number in range(3))))
    assert [(one.value, other.value) for one, other in zip(recording, recording)] == [(0, 0), (1, 1), (2, 2)]
    assert (recording.trouble, recording.is_ours) == (None, True)


@pytest.mark.parametrize(
    'serializer, body, value',
    [
        ('pickle', pickle.dumps({1, 2}), {1, 2}),
        ('cloudpickle', pickle.dumps((1,)), (1,)),
        ('dill', pickle.dumps([1]), [1]),
        ('json', b'[1, null]', [1, None]),
        ('msgpack', b'\x92\x01\xc0', [1, None]),
        ('raw', b'\x00\xff', b'\x00\xff'),
    ],
)
def test_every_serializer_is_read(recorded, observation, serializer, body, value):
    (message,) = Recording(recorded(observation(0, body, Source('a', 'b', 'PUSH', serializer), b'')))
    assert (message.value, message.data, message.serializer) == (value, body, serializer)


def test_a_message_that_is_none_says_so_and_leaves_its_bytes(recorded, observation):
    (message,) = Recording(recorded(observation(0, b'{')))
    with pytest.raises(MessageUndecodable, match="no valid 'json'"):
        message.value  # noqa: B018
    assert message.data == b'{'


def test_reading_runs_nothing_where_that_is_forbidden(recorded, observation, monkeypatch):
    (message,) = Recording(recorded(observation(0, pickle.dumps(1), Source('a', 'b', 'PUB', 'pickle'))))
    monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', 'off')
    with pytest.raises(SerializerForbidden):
        message.value  # noqa: B018


# -- Files that were cut off, or damaged ---------------------------------------------------------------------------


@pytest.fixture(scope='module')
def whole(tmp_path_factory, observation):
    """The bytes of a recording of twelve messages in three chunks, and where each chunk ends."""
    path = tmp_path_factory.mktemp('whole') / 'day.mcap'
    tape, ends = Tape(path), []
    for number in range(3 * CHUNK):
        tape.add(observation(number, number, topic=b'AAPL.' if number % 2 else b'IBM.'))
        if not (number + 1) % CHUNK:
            tape.flush()
            ends.append(path.stat().st_size)
    tape.close()
    return path.read_bytes(), ends


def cut(path, data, length):
    path.write_bytes(data[:length])
    return path


def test_a_file_cut_off_anywhere_is_read_up_to_there(path, whole):
    """At every byte: all chunks that are whole are read, and the rest is told of."""
    data, _ = whole
    with pytest.raises(RecordingInvalid, match='it was cut off, or damaged, in its first lines'):
        read(cut(path, data, FIRST_LINES - 1))
    read_so_far = 0
    for length in range(FIRST_LINES, len(data)):
        found, told = read(cut(path, data, length))
        assert found == list(range(len(found)))
        assert len(found) % CHUNK == 0
        assert len(found) >= read_so_far
        assert len(told) == 1 and 'was not finished' in told[0]
        read_so_far = len(found)
    assert read_so_far == 3 * CHUNK
    assert read(cut(path, data, len(data))) == (list(range(3 * CHUNK)), [])


def test_nothing_is_lost_of_what_was_written_before_the_cut(path, whole):
    data, ends = whole
    for number, end in enumerate(ends, start=1):
        assert read(cut(path, data, end))[0] == list(range(number * CHUNK))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_damaged_the_rest_is_read_and_it_is_told(path, whole, data):
    """Some bytes are others, and the end may be missing: no message is made up, and no error is any but ours."""
    original, _ = whole
    damaged = bytearray(original[: data.draw(st.integers(0, len(original)))])
    for place in data.draw(st.lists(st.integers(0, len(original) - 1), max_size=4)):
        if place < len(damaged):
            damaged[place] = data.draw(st.integers(0, 255))
    found, told = [], ['it is none']
    with suppress(RecordingInvalid):
        found, told = read(cut(path, bytes(damaged), len(damaged)))
    assert found == sorted(set(found))
    assert set(found) <= set(range(3 * CHUNK))
    assert told or found == list(range(3 * CHUNK))


def test_a_chunk_that_is_damaged_is_left_out_and_the_others_are_read(path, whole):
    data, ends = whole
    damaged = bytearray(data)
    damaged[ends[0] + 60] ^= 0xFF
    found, told = read(cut(path, bytes(damaged), len(damaged)))
    assert found == [*range(CHUNK), *range(2 * CHUNK, 3 * CHUNK)]
    assert len(told) == 1 and 'is damaged' in told[0]


def test_a_damaged_first_chunk_takes_no_other_with_it(path, whole):
    """What the channels are stands in the first chunk, and once more at the end."""
    data, _ = whole
    damaged = bytearray(data)
    damaged[120] ^= 0xFF
    found, told = read(cut(path, bytes(damaged), len(damaged)))
    assert found == list(range(CHUNK, 3 * CHUNK))
    assert len(told) == 1


@pytest.mark.parametrize(
    'data, why',
    [
        (b'', 'it is empty'),
        (b'\x89MCA', 'it was cut off in its first line'),
        (b'\x89MCAP1\r\n' + bytes(99), "it is MCAP of version b'1', and known here is b'0'"),
        (b'\x89MCAP0\r\n', 'it was cut off, or damaged, in its first lines'),
        (b'\x89MCAP0\r\n' + bytes(99), 'it was cut off, or damaged, in its first lines'),
        (b'time,price\n1,2.5\n', 'it is no MCAP file'),
        (b'PNG', 'it is no MCAP file'),
    ],
)
def test_what_is_no_recording_says_what_it_is(path, data, why):
    path.write_bytes(data)
    with pytest.raises(RecordingInvalid) as caught:
        Recording(path)
    assert str(caught.value) == f'{path} cannot be read as a recording: {why}'


def test_a_file_that_is_not_there_and_a_folder_are_what_the_system_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        Recording(tmp_path / 'no.mcap')
    with pytest.raises(IsADirectoryError):
        Recording(tmp_path)


# -- Files of others -----------------------------------------------------------------------------------------------


def foreign(path, profile='ros1', compression=CompressionType.NONE, chunking=True, encoding='json'):
    """Write a file as another program may."""
    with path.open('wb') as stream:
        writer = Writer(stream, compression=compression, use_chunking=chunking, enable_crcs=False)
        writer.start(profile=profile, library='another')
        schema = writer.register_schema('Price', 'jsonschema', b'{}')
        channel = writer.register_channel('/prices', encoding, schema, {'agent': 'not what it seems'})
        writer.add_attachment(0, 0, 'notes', 'text/plain', b'nothing')
        writer.add_message(channel, 2 * 10**9, b'{"price": 1}', 10**9, 5)
        writer.finish()
    return path


@pytest.mark.parametrize('chunking', [True, False])
@pytest.mark.parametrize('compression', list(CompressionType))
def test_files_of_other_programs_are_read_too(path, compression, chunking):
    recording = Recording(foreign(path, compression=compression, chunking=chunking))
    assert not recording.is_ours
    (message,) = recording
    assert (message.agent, message.alias, message.topic, message.value) == ('', '', b'/prices', {'price': 1})
    assert (message.when, message.arrived, message.number) == (1.0, 2.0, 5)


def test_an_encoding_that_nobody_here_knows_is_an_error_that_names_it(path):
    (message,) = Recording(foreign(path, encoding='protobuf'))
    with pytest.raises(MessageUndecodable, match="no valid 'protobuf': osbrain has no such serializer"):
        message.value  # noqa: B018
    assert message.data == b'{"price": 1}'


def test_a_recording_of_a_later_form_is_not_guessed_at(path):
    with pytest.raises(RecordingInvalid, match=r"it has the form 'osbrain/2'.*a later osbrain can read it"):
        Recording(foreign(path, profile='osbrain/2'))


def test_a_compression_that_nobody_here_knows_is_told(path):
    data = foreign(path, compression=CompressionType.ZSTD).read_bytes()
    path.write_bytes(data.replace(b'\x04\x00\x00\x00zstd', b'\x04\x00\x00\x00rar!'))
    found, told = read(path)
    assert found == []
    assert "compressed by 'rar!'" in told[0]


def test_without_the_package_one_line_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mcap.writer', None)
    monkeypatch.delitem(sys.modules, 'osbrain.recording.container', raising=False)
    monkeypatch.delattr('osbrain.recording.container', raising=False)
    with pytest.raises(ExtraMissing) as caught:
        Recording(path)
    assert str(caught.value) == "the package mcap is not installed: pip install 'osbrain[mcap]'"
    assert isinstance(caught.value, ImportError)


def test_a_text_will_do_for_a_path(recorded, observation):
    path = recorded(observation(0, 0))
    assert Recording(str(path)).path == Path(path)
