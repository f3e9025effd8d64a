"""The timer heap beside a list that is searched from end to end: both give the same timers at the same moments."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.timerheap import Timer, TimerHeap, checked_seconds, next_start
from osbrain.errors import PeriodInvalid


def timer(due, alias=None):
    return Timer(alias, due, None, lambda: None, hidden=False)


moments = st.floats(min_value=0, max_value=10, allow_nan=False).map(lambda value: round(value, 1))
steps = st.lists(
    st.one_of(
        st.tuples(st.just('push'), moments),
        st.tuples(st.just('stop'), st.integers(min_value=0, max_value=20)),
        st.tuples(st.just('pop'), moments),
        st.tuples(st.just('next'), st.none()),
    ),
    max_size=40,
)


@given(steps)
def test_the_heap_gives_what_a_searched_list_gives(steps):
    heap, model, pushed = TimerHeap(), [], []
    for step, value in steps:
        if step == 'push':
            one = timer(value)
            pushed.append(one)
            model.append(one)
            heap.push(one)
        elif step == 'stop':
            if value < len(pushed):
                pushed[value].stopped = True
        elif step == 'pop':
            popped = heap.pop_due(value)
            expected = [one for one in model if one.due <= value and not one.stopped]
            assert sorted(map(id, popped)) == sorted(map(id, expected))
            assert [one.due for one in popped] == sorted(one.due for one in expected)
            model = [one for one in model if one.due > value]
        else:
            assert heap.next_due() == min((one.due for one in model if not one.stopped), default=None)


def test_a_cleared_heap_has_nothing_due_and_its_timers_are_stopped():
    heap, one = TimerHeap(), timer(1.0)
    heap.push(one)
    heap.clear()
    assert (len(heap), heap.next_due(), heap.pop_due(math.inf), one.stopped) == (0, None, [], True)


@given(planned=moments, period=moments, now=moments)
def test_the_next_start_is_as_planned_or_at_once_and_never_makes_up_for_missed_ones(planned, period, now):
    start = next_start(planned, period, now)
    assert start >= now
    assert start == max(planned + period, now)


@pytest.mark.parametrize(
    'value, seconds',
    [
        (0, 0.0),
        (1, 1.0),
        (0.5, 0.5),
        (Decimal('0.25'), 0.25),
        (Fraction(1, 2), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
    ],
)
def test_numbers_of_every_kind_are_seconds(value, seconds):
    result = checked_seconds(value, 'a delay')
    assert (type(result), result) == (float, seconds)


@pytest.mark.parametrize(
    'value',
    [-1, -0.001, math.nan, math.inf, 'soon', '1', b'1', None, [1], 1j, object()],
    ids=lambda one: type(one).__name__,
)
def test_anything_else_is_no_number_of_seconds(value):
    with pytest.raises(PeriodInvalid, match='a delay must be a number of seconds'):
        checked_seconds(value, 'a delay')
