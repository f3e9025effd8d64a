"""One source, fed by a list: numbers, gaps, shares of what travelled together, and what is said back."""

import os
import pickle
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._agent.taps import TapPlace
from osbrain._protocol.serializers import BATCH, CODECS, size_of
from osbrain._protocol.tap_frames import Copy, Direction, Framing, write
from osbrain._protocol.topics import LIVE
from osbrain.address import AgentAddress
from osbrain.recording.observation import Source
from osbrain.recording.tapped import Tapped, _shares

SOURCE = Source('alice', 'out', 'PUB', 'pickle')


class Ear:
    fd = -1

    def __init__(self):
        self.arrived = []
        self.settled = []
        self.closed = False

    def take(self, most):
        taken, self.arrived = self.arrived[:most], self.arrived[most:]
        return taken

    def settle(self, size):
        self.settled.append(size)

    def close(self):
        self.closed = True


class Link:
    """Its connection hangs up when the other end is closed."""

    def __init__(self):
        self.other, ours = socket.socketpair()
        self._fd = ours.detach()
        self.told = []

    def idle_descriptor(self):
        return self._fd

    def tell(self, *words, timeout):
        self.told.append(words)

    def release(self):
        self.other.close()


@pytest.fixture
def made(tmp_path):
    path = tmp_path / 'tap'
    path.touch()
    place = TapPlace(7, AgentAddress('ipc', path, 'PUB', 'server', 'pickle'), Framing('PUB', 'pickle'))
    ear, link = Ear(), Link()
    tapped = Tapped(SOURCE, place, link, ear)
    yield tapped, ear, link, path
    tapped.close()


def arrive(ear, number, frames, direction=Direction.OUT):
    written = write(Copy(number, 100.0 + number, direction, frames))
    parts = written if type(written) is list else [written]
    ear.arrived.append(parts)
    return size_of(parts)


def published(message, topic=b't'):
    return topic + b'\x80' + CODECS['pickle'].dump(message)


def test_observations_say_what_is_known(made):
    tapped, ear, _, _ = made
    arrive(ear, 1, published('news'))
    ((observation, _),) = tapped.take(10)
    assert (observation.source, observation.number, observation.direction) == (SOURCE, 1, 'out')
    assert (observation.topic, observation.what, observation.message()) == (b't', 'message', 'news')
    assert observation.when == 101.0 < observation.arrived
    assert observation.size == len(published('news'))


def test_what_is_missing_is_counted_and_leaves_a_gap_in_the_numbers(made):
    tapped, ear, _, _ = made
    for number in (1, 2, 5, 9):
        arrive(ear, number, published(number))
    assert [one.number for one, _ in tapped.take(10)] == [1, 2, 5, 9]
    assert tapped.missed == 5


def test_messages_that_travelled_together_have_numbers_and_shares_of_their_own(made):
    tapped, ear, _, _ = made
    frames = b't\x80' + pickle.dumps([1, 2, 3]) + BATCH
    size = arrive(ear, 1, frames)
    arrive(ear, 3, published(4))
    taken = tapped.take(10)
    assert [(one.number, one.message()) for one, _ in taken] == [(1, 1), (2, 2), (3, 3), (5, 4)]
    assert sum(one.size for one, _ in taken[:3]) == len(frames)
    assert [settles for _, settles in taken[:3]] == [0, 0, size]


def test_what_is_nobodys_message_is_dealt_with_at_once(made):
    tapped, ear, _, _ = made
    size = arrive(ear, 1, LIVE + b'0' * 32)
    assert tapped.take(10) == []
    assert ear.settled == [size]
    arrive(ear, 2, published(1))
    assert tapped.take(10)[0][0].number == 1


def test_the_last_word_ends_it_and_says_what_was_missed_before(made):
    tapped, ear, link, path = made
    arrive(ear, 3, [], Direction.END)
    assert tapped.take(10) == []
    assert (tapped.ended, tapped.missed) == (True, 2)
    tapped.close()
    assert link.told == [] and ear.closed
    assert not path.exists()


def test_an_agent_that_has_gone_is_noticed(made):
    tapped, _, link, _ = made
    tapped.look_for_end()
    assert not tapped.ended
    assert len(tapped.descriptors()) == 2
    link.other.close()
    tapped.look_for_end()
    assert tapped.ended
    assert tapped.descriptors() == [-1]


def test_an_agent_that_is_there_is_told_that_nobody_listens_any_more(made):
    tapped, ear, link, path = made
    fd = link.idle_descriptor()
    tapped.close()
    assert link.told == [('tap_end', 7)] and ear.closed
    assert path.exists()  # the agent's
    with pytest.raises(OSError, match='descriptor'):
        os.fstat(fd)


@given(st.integers(0, 10**9), st.integers(1, 5000))
def test_shares_are_equal_but_for_one_and_nothing_is_lost(size, count):
    shares = _shares(size, count)
    assert (sum(shares), len(shares)) == (size, count)
    assert max(shares) - min(shares) <= 1
