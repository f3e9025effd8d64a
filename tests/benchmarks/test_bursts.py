"""Senders that wait for their receivers: which burst comes next, and what time it took."""

import pytest


@pytest.fixture
def make_bursts(contenders):
    from bursts import Bursts

    return Bursts


def test_it_begins_with_as_many_as_may_be_in_flight(make_bursts):
    assert list(make_bursts(5, 1, 1, in_flight=2).first()) == [0, 1]


def test_no_burst_is_sent_that_is_not_there(make_bursts):
    assert list(make_bursts(1, 1, 1, in_flight=2).first()) == [0]


def test_a_burst_that_has_arrived_makes_room_for_another(make_bursts):
    bursts = make_bursts(4, 1, 1, in_flight=2)
    assert [bursts.acknowledge(number) for number in range(4)] == [2, 3, None, None]


def test_all_receivers_have_to_have_a_burst(make_bursts):
    bursts = make_bursts(5, 1, 3, in_flight=2)
    assert [bursts.acknowledge(0) for _ in range(3)] == [None, None, 2]


def test_the_clock_runs_from_the_end_of_the_warm_up_to_the_last_word(make_bursts):
    bursts = make_bursts(3, 2, 1, in_flight=2)
    bursts.acknowledge(0)
    assert bursts.started is None
    bursts.acknowledge(1)
    assert bursts.started is not None
    assert bursts.elapsed is None
    bursts.acknowledge(2)
    assert bursts.elapsed > 0


def test_the_rate_counts_what_all_receivers_got_after_the_warm_up(make_bursts):
    bursts = make_bursts(12, 2, 4, in_flight=2)
    bursts.elapsed = 2.0
    assert bursts.rate(100) == 10 * 100 * 4 / 2.0
