"""What is recorded is a file that others can read too, from a second later on."""

import io
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from osbrain.errors import OptionInvalid, RecordingFailed
from osbrain.recording import Recording, writing
from osbrain.recording.observation import Observation, Source
from osbrain.recording.writing import Tape


def read_by_mcap(path):
    """Return schema, channel and message of each message, as the package of the format's authors reads them."""
    with path.open('rb') as stream:
        return list(make_reader(stream, validate_crcs=True).iter_messages())


def test_other_programs_read_it(recorded, observation):
    path = recorded(*(observation(number, {'price': number}) for number in range(3)))
    found = read_by_mcap(path)
    assert [json.loads(message.data) for _, _, message in found] == [{'price': number} for number in range(3)]
    assert [message.sequence for _, _, message in found] == [0, 1, 2]
    schema, channel, message = found[0]
    assert (schema.name, schema.encoding, schema.data) == ('osbrain.json', '', b'')
    assert (channel.topic, channel.message_encoding) == ('feed:bars/AAPL.', 'json')
    assert channel.metadata['agent'] == 'feed'
    assert message.publish_time == 1_700_000_000 * 10**9
    assert message.log_time - message.publish_time == pytest.approx(10**6, abs=10**3)


def test_it_is_indexed_by_chunk_and_by_channel(recorded, observation):
    path = recorded(*(observation(number, number) for number in range(6)), flush_every=2)
    with path.open('rb') as stream:
        summary = make_reader(stream).get_summary()
    assert summary.statistics.message_count == 6
    assert len(summary.chunk_indexes) == 3
    assert all(len(chunk.message_index_offsets) == 1 for chunk in summary.chunk_indexes)


def test_each_topic_and_each_direction_has_a_channel(recorded, observation):
    replies = Source('risk', 'approval', 'REP', 'pickle')
    path = recorded(
        observation(0, 1, topic=b'AAPL.'),
        observation(1, 1, topic=b'IBM.'),
        observation(2, 1, topic=b'AAPL.'),
        observation(0, b'\x80.', replies, b'', direction='in', what='request'),
        observation(1, b'\x80.', replies, b'', direction='out', what='reply'),
    )
    found = {(schema.name, channel.topic) for schema, channel, _ in read_by_mcap(path)}
    assert found == {
        ('osbrain.json', 'feed:bars/AAPL.'),
        ('osbrain.json', 'feed:bars/IBM.'),
        ('osbrain.pickle', 'risk:approval (request in)'),
        ('osbrain.pickle', 'risk:approval (reply out)'),
    }


SOURCES = st.builds(
    Source, st.text(max_size=3), st.text(max_size=3), st.sampled_from(['PUB', 'REP']), st.sampled_from(['raw', 'json'])
)
OBSERVATIONS = st.builds(
    Observation,
    SOURCES,
    number=st.integers(0, 2**32 - 1),
    direction=st.sampled_from(['in', 'out']),
    when=st.floats(0, 2e9),
    arrived=st.floats(0, 2e9),
    topic=st.binary(max_size=3),
    what=st.sampled_from(['message', 'request', 'failure']),
    body=st.binary(max_size=9),
    size=st.just(0),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OBSERVATIONS, max_size=20), st.integers(1, 5))
def test_whatever_was_seen_is_read_as_it_was_seen(recorded, observations, flush_every):
    found = list(Recording(recorded(*observations, flush_every=flush_every)))
    assert [(one.track.agent, one.alias, one.kind, one.serializer) for one in found] == [
        tuple(seen.source) for seen in observations
    ]
    assert [(one.number, one.track.direction, one.track.what, one.topic, one.data) for one in found] == [
        (seen.number, seen.direction, seen.what, seen.topic, seen.body) for seen in observations
    ]
    assert [one.when for one in found] == pytest.approx([seen.when for seen in observations], abs=1e-6)


def test_more_topics_than_there_can_be_channels_go_into_the_messages(recorded, observation, monkeypatch):
    monkeypatch.setattr(writing, '_MOST_TRACKS', 2)
    topics = [b'a', b'b', b'c', b'd', b'a', b'c']
    path = recorded(*(observation(number, number, topic=topic) for number, topic in enumerate(topics)))
    assert [(message.topic, message.value) for message in Recording(path)] == list(zip(topics, range(6)))
    assert len({channel.topic for _, channel, _ in read_by_mcap(path)}) == 3


def test_the_order_of_the_file_is_that_of_arrival_whatever_the_clock_does(recorded, observation):
    path = recorded(*(observation(number, number, when=1_700_000_000 - number) for number in range(4)))
    assert [message.value for message in Recording(path)] == [0, 1, 2, 3]
    assert [json.loads(message.data) for _, _, message in read_by_mcap(path)] == [0, 1, 2, 3]


def test_what_was_written_is_there_before_the_end(path, observation, monkeypatch):
    monkeypatch.setattr(writing, 'PATIENCE', 0.0)
    tape = Tape(path)
    for number in range(3):
        tape.add(observation(number, number))
        tape.keep_up()
        with pytest.warns(RuntimeWarning, match='not finished'):
            assert [message.value for message in Recording(path)] == list(range(number + 1))
    tape.close()
    assert len(list(Recording(path))) == 3


def test_who_adds_is_told_when_it_is_time_to_write(path, observation):
    tape = Tape(path)
    assert tape.patience is None
    tape.add(observation(0, 0))
    assert 0 < tape.patience <= writing.PATIENCE
    tape.flush()
    assert tape.patience is None
    assert (tape.messages, tape.bytes) == (1, 1)
    tape.close()
    tape.close()


def test_a_file_that_is_there_is_left_as_it_is_unless_it_is_to_be_overwritten(path, observation):
    path.write_text('precious')
    with pytest.raises(OptionInvalid, match='a file that is not there yet'):
        Tape(path)
    assert path.read_text() == 'precious'
    Tape(path, overwrite=True).close()
    assert list(Recording(path)) == []


class Full(io.BufferedIOBase):
    """A disk that is full after so many bytes."""

    def __init__(self, path, room):
        self._file = io.FileIO(path, 'w')
        self._room = room

    def write(self, data):
        self._file.write(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            raise OSError(28, os.strerror(28))
        return len(data)

    def tell(self):
        return self._file.tell()

    def flush(self):
        pass

    def close(self):
        self._file.close()
        super().close()


def test_a_full_disk_is_an_error_and_what_is_there_can_be_read(path, observation, monkeypatch):
    monkeypatch.setattr(type(path), 'open', lambda self, mode: Full(self, 1_000))
    tape = Tape(path)
    monkeypatch.undo()
    tape.add(observation(0, 'the first'))
    tape.flush()
    with pytest.raises(RecordingFailed, match='could not be written: No space left on device'):
        for number in range(1, 1_000):
            tape.add(observation(number, 'more'))
            tape.flush()
    with pytest.warns(RuntimeWarning, match='not finished'):
        assert next(message.value for message in Recording(path)) == 'the first'
    tape.close()
