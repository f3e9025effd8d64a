"""What a tap and its listener write to each other is read as it was written."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.serializers import size_of
from osbrain._protocol.tap_frames import Copy, Direction, read, read_taken, taken, write
from osbrain._protocol.topics import SUBSCRIBED, UNSUBSCRIBED

PARTS = st.binary(max_size=30) | st.just(b'x' * 5000)
FRAMES = PARTS | st.lists(PARTS, min_size=2, max_size=4)


@given(
    st.builds(Copy, st.integers(0, 2**64 - 1), st.floats(allow_nan=False), st.sampled_from(Direction), FRAMES)
)
def test_a_copy_is_read_as_it_was_written(copy):
    written = write(copy)
    assert read(written if type(written) is list else [written]) == copy


def test_a_small_frame_travels_behind_its_header_and_a_large_one_beside_it():
    assert type(write(Copy(1, 0.0, Direction.IN, b'x'))) is bytes
    assert [len(part) for part in write(Copy(1, 0.0, Direction.IN, b'x' * 5000))] == [17, 5000]


def test_the_last_word_has_no_frames():
    assert read(write(Copy(7, 1.5, Direction.END, []))) == Copy(7, 1.5, Direction.END, b'')


@pytest.mark.parametrize('parts', [[b''], [b'short'], [b'\x00' * 16 + b'\xff']])
def test_what_is_no_copy_is_refused(parts):
    with pytest.raises((struct.error, ValueError)):
        read(parts)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_what_was_taken_is_read_as_it_was_said(copies, size):
    assert read_taken(taken(copies, size)) == (copies, size)


@pytest.mark.parametrize('word', [b'', SUBSCRIBED, UNSUBSCRIBED, b'\x02short', b'\x03' + b'x' * 16])
def test_other_words_take_nothing(word):
    assert read_taken(word) == (0, 0)


def test_sizes_are_of_all_frames():
    assert (size_of(b'abc'), size_of([b'abc', b'de'])) == (3, 5)
