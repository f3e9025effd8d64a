"""Calls get a limit, and neither their errors nor their delays harm each other."""

import threading

import pytest

from osbrain.cli.waiting import all_within, within
from osbrain.errors import WaitTimeout


def test_an_answer_is_returned():
    assert within(5, lambda: 'pong') == 'pong'


def test_an_error_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_who_takes_too_long_is_not_waited_for():
    over = threading.Event()
    with pytest.raises(WaitTimeout):
        within(0.05, over.wait)
    over.set()


def test_each_call_has_its_own_outcome():
    over = threading.Event()
    found = all_within(0.2, {'good': lambda: 1, 'bad': lambda: 1 / 0, 'late': over.wait})
    over.set()
    assert found['good'] == 1
    assert isinstance(found['bad'], ZeroDivisionError)
    assert isinstance(found['late'], WaitTimeout)


def test_calls_are_made_side_by_side():
    together = threading.Barrier(3)
    assert sorted(all_within(5, dict.fromkeys('abc', together.wait)).values()) == [0, 1, 2]


def test_no_calls_have_no_outcomes():
    assert all_within(5, {}) == {}
