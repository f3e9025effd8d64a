"""How dispatcher and workers write to each other: what is written is read, and what is cut short is refused."""

import json
import struct

import pytest

from osbrain._protocol import ack_frames
from osbrain._protocol.ack_frames import Greeting
from osbrain._protocol.serializers import BATCH, MORE_FRAMES

ORIGIN = bytes(range(8))
GREETING = Greeting('id', 3, 'w0', 77, 12345, 'here', 8)


def read(frame):
    return ack_frames.read_tasks(frame)


def test_a_single_task_is_its_header_and_its_message():
    (frame,) = ack_frames.task_frames([(2**63, 7, b'body')])
    assert ack_frames.read_task(frame) == (2**63, 7)
    assert frame[ack_frames.TASK_LENGTH :] == b'body'


def test_several_tasks_travel_in_one_frame():
    tasks = [(number, number + 1, b'x' * number) for number in range(5)]
    (frame,) = ack_frames.task_frames(tasks)
    assert frame.startswith(ack_frames.TASKS)
    assert frame.endswith(BATCH)
    assert read(frame) == tasks


def test_a_task_with_buffers_has_frames_of_its_own_and_its_place_among_the_others():
    large = [b'head' + MORE_FRAMES, bytes(100_000)]
    frames = ack_frames.task_frames([(1, 1, b'a'), (2, 1, b'b'), (3, 1, large), (4, 1, b'd')])
    assert [type(one) for one in frames] == [bytes, list, bytes]
    assert read(frames[0]) == [(1, 1, b'a'), (2, 1, b'b')]
    assert ack_frames.read_task(frames[1][0]) == (3, 1)
    assert frames[1][1] is large[1]
    assert ack_frames.read_task(frames[2]) == (4, 1)


def test_a_frame_holds_about_a_mebibyte():
    frames = ack_frames.task_frames([(number, 1, bytes(400_000)) for number in range(7)])
    assert [len(read(one)) if one[:1] == ack_frames.TASKS else 1 for one in frames] == [2, 2, 2, 1]


@pytest.mark.parametrize('cut', [1, 5, 20, -1, -len(BATCH) - 1])
def test_a_frame_of_tasks_that_is_cut_short_is_refused(cut):
    (frame,) = ack_frames.task_frames([(1, 1, b'one'), (2, 1, b'two')])
    with pytest.raises((ValueError, struct.error)):
        read(frame[:cut])


def test_a_welcome_says_whose_it_is():
    assert ack_frames.read_welcome(ack_frames.welcome(ORIGIN, 4, 2.5)) == (ORIGIN, 4, 2.5)


def test_a_greeting_says_who_it_is():
    assert ack_frames.read_hello(ack_frames.hello(GREETING)) == GREETING


@pytest.mark.parametrize(
    'change',
    [{'prefetch': 0}, {'prefetch': True}, {'pid': '77'}, {'id': 5}, {'hello': -1}, {'hello': 2**32}, {'name': None}],
    ids=repr,
)
def test_a_greeting_with_nonsense_in_it_is_refused(change):
    frame = ack_frames.HELLO + json.dumps({**GREETING._asdict(), **change}).encode()
    with pytest.raises(ValueError):
        ack_frames.read_hello(frame)


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'{}', b'\xff', b'3'])
def test_a_greeting_that_is_none_is_refused(body):
    with pytest.raises((ValueError, TypeError, KeyError)):
        ack_frames.read_hello(ack_frames.HELLO + body)


def test_what_is_done_is_a_list_of_numbers():
    assert ack_frames.read_numbers(ack_frames.done(ORIGIN, [1, 2**64 - 1, 3])) == (ORIGIN, (1, 2**64 - 1, 3))


@pytest.mark.parametrize('frame', [b'D', b'D' + ORIGIN, b'D' + ORIGIN + b'1234567', b'D' + bytes(17)], ids=repr)
def test_numbers_that_are_cut_short_are_refused(frame):
    with pytest.raises((ValueError, struct.error)):
        ack_frames.read_numbers(frame)


def test_a_failure_has_a_text_and_a_release_none():
    assert ack_frames.read_failed(ack_frames.failed(ORIGIN, 9, 'KeyError: ä')) == (ORIGIN, 9, 'KeyError: ä')
    assert ack_frames.read_failed(ack_frames.released(ORIGIN, 9)) == (ORIGIN, 9, '')
    with pytest.raises(ValueError):
        ack_frames.read_failed(b'F' + ORIGIN)
