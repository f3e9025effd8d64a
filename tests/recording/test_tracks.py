"""What a channel says of itself is found again, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain.address import AgentAddressSerializer
from osbrain.recording.tracks import SCHEMAS, Track, foreign, track_of

TEXTS = st.text(max_size=9)
TRACKS = st.builds(Track, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | st.binary(max_size=9))


@given(TRACKS)
def test_a_track_is_found_again_in_its_metadata(track):
    assert track_of(track.metadata) == track
    assert all(type(text) is str for item in track.metadata.items() for text in item)


@given(TRACKS, st.binary(max_size=9), st.binary(max_size=9))
def test_topic_and_message_are_told_apart_where_the_topic_is_in_the_message(track, topic, body):
    expected = topic if track.topic is None else track.topic
    assert track.without_topic(track.with_topic(topic, body)) == (expected, body)


@pytest.mark.parametrize(
    'track, title',
    [
        (Track('feed', 'bars', 'PUB', 'json', 'out', 'message', b'AAPL.'), 'feed:bars/AAPL.'),
        (Track('feed', 'bars', 'PUB', 'json', 'out', 'message', b''), 'feed:bars'),
        (Track('feed', 'bars', 'PUB', 'json', 'out', 'message', b'\xff'), r'feed:bars/\xff'),
        (Track('feed', 'bars', 'PUB', 'json', 'out', 'message', None), 'feed:bars/*'),
        (Track('risk', 'approval', 'REP', 'pickle', 'in', 'request', b''), 'risk:approval (request in)'),
    ],
)
def test_the_name_of_a_channel_is_short_and_says_what_it_is(track, title):
    assert track.title == title


def test_of_another_programs_channel_its_topic_and_its_encoding_are_known():
    track = foreign('/camera/front', 'ros1')
    assert (track.agent, track.alias, track.topic, track.serializer) == ('', '', b'/camera/front', 'ros1')


def test_every_serializer_has_a_schema():
    assert set(SCHEMAS) == set(AgentAddressSerializer.WORDS)
