"""Deadlines on a clock that the test moves."""

import math

import pytest

from osbrain import _clock
from osbrain._clock import Deadline
from osbrain.errors import OptionInvalid


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(_clock, 'monotonic', made)
    return made


def test_a_deadline_counts_down_and_never_below_zero(clock):
    deadline = Deadline(2)
    assert (deadline.left, deadline.expired) == (2, False)
    clock.now += 1.5
    assert (deadline.left, deadline.expired) == (0.5, False)
    clock.now += 0.5
    assert (deadline.left, deadline.expired) == (0, True)
    clock.now += 10
    assert (deadline.left, deadline.expired) == (0, True)


@pytest.mark.parametrize('seconds', [None, -1, -0.001, -math.inf])
def test_nothing_and_less_than_nothing_are_for_ever(clock, seconds):
    deadline = Deadline(seconds)
    clock.now += 1e9
    assert (deadline.left, deadline.expired, deadline.left_or(3)) == (None, False, 3)


def test_zero_seconds_are_over_at_once(clock):
    assert (Deadline(0).left, Deadline(0).expired) == (0, True)


def test_what_is_left_can_be_cut_short(clock):
    deadline = Deadline(2)
    assert (deadline.left_or(5), deadline.left_or(1)) == (2, 1)


@pytest.mark.parametrize('seconds', ['1', True, [], object()], ids=lambda one: type(one).__name__)
def test_a_time_out_is_a_number(seconds):
    with pytest.raises(OptionInvalid, match='timeout must be a number of seconds or None'):
        Deadline(seconds)
