"""How many restarts are too many, and how long each is waited with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._supervision.intensity import (
    LONGEST_DELAY,
    Backoff,
    Intensity,
    checked_limits,
    checked_patience,
)
from osbrain.errors import OptionInvalid


@pytest.mark.parametrize(
    'max_restarts, within, moments, too_many_at',
    [
        (0, 5, [0], 0),
        (1, 5, [0, 4], 4),
        (1, 5, [0, 6, 12, 18], None),
        (3, 5, [0, 1, 2, 3], 3),
        (3, 5, [0, 2, 4, 6, 8], None),
        (3, 5, [0, 2, 4, 6, 6.5], 6.5),
        (3, 5, [0, 0, 0, 5], 5),
        (3, 5, [0, 0, 0, 5.001], None),
    ],
)
def test_more_than_the_limit_within_the_time_are_too_many(max_restarts, within, moments, too_many_at):
    intensity = Intensity(max_restarts, within)
    found = [moment for moment in moments if intensity.too_many(moment)]
    assert found[:1] == ([] if too_many_at is None else [too_many_at])


@given(
    st.integers(0, 5),
    st.floats(0.1, 100),
    st.lists(st.floats(0, 50), max_size=40),
)
def test_it_counts_as_one_would_by_hand(max_restarts, within, gaps):
    intensity, moments = Intensity(max_restarts, within), []
    for gap in gaps:
        moments.append((moments[-1] if moments else 0.0) + gap)
        lately = [moment for moment in moments if moment >= moments[-1] - within]
        assert intensity.too_many(moments[-1]) is (len(lately) > max_restarts)


def test_the_first_restart_is_at_once_and_each_further_one_later():
    backoff = Backoff(Intensity(3, 5.0))
    assert [backoff.delay(0.01) for _ in range(6)] == [0, 0.1, 0.2, 0.4, 0.625, 0.625]


def test_after_a_quiet_time_all_begins_anew():
    backoff = Backoff(Intensity(3, 5.0))
    assert [backoff.delay(lived) for lived in (0, 0, 4.9, 5.0, 0)] == [0, 0.1, 0.2, 0, 0.1]


@given(st.integers(0, 50), st.floats(0.01, 1e6))
def test_the_delays_alone_never_keep_a_child_that_always_fails_below_the_limits(max_restarts, within):
    intensity = Intensity(max_restarts, within)
    backoff, now = Backoff(intensity), 0.0
    for count in range(max_restarts + 1):
        assert intensity.too_many(now) is (count == max_restarts)
        now += backoff.delay(0.0)
    assert now <= within


@given(st.floats(0.001, 1e9), st.integers(1, 3000))
def test_no_delay_is_endless(within, times):
    backoff = Backoff(Intensity(3, within))
    assert all(0 <= backoff.delay(0.0) <= LONGEST_DELAY for _ in range(times))


@pytest.mark.parametrize('limits, expected', [((0, 1), (0, 1.0)), ((3, 0.5), (3, 0.5))])
def test_limits_are_a_count_and_a_time(limits, expected):
    assert checked_limits(*limits) == expected


@pytest.mark.parametrize('value', [-1, 1.5, True, None, '3', math.inf])
def test_another_count_is_refused(value):
    with pytest.raises(OptionInvalid, match='max_restarts must be a whole number, 0 or more'):
        checked_limits(value, 5.0)


@pytest.mark.parametrize('value', [0, -1, True, None, '5', math.inf, math.nan])
def test_another_time_is_refused(value):
    with pytest.raises(OptionInvalid, match='within must be a number of seconds above 0'):
        checked_limits(3, value)


@pytest.mark.parametrize('value', [-0.1, False, None, 'soon', math.inf])
def test_the_patience_at_an_end_is_bounded(value):
    assert checked_patience(0) == 0.0 and checked_patience(2.5) == 2.5
    with pytest.raises(OptionInvalid, match='shutdown must be a number of seconds, 0 or more'):
        checked_patience(value)
