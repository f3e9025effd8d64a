"""What agents count: the histogram, and how it is read."""

import pickle

import pytest

from osbrain import Histogram
from osbrain._stats import SHORTEST, AgentStats, EndpointStats, Stopwatch, Traffic

BOUNDS = Histogram().bounds


def measured(*times):
    watch = Stopwatch()
    for time in times:
        watch.add(time)
    return watch.read()


def test_nothing_measured_is_no_division_by_zero():
    empty = Histogram()
    assert (empty.count, empty.mean, empty.quantile(0.99)) == (0, 0.0, 0.0)


def test_bounds_double_from_16_microseconds_to_more_than_16_seconds():
    assert BOUNDS[0] == SHORTEST == 16e-6
    assert all(after == 2 * before for before, after in zip(BOUNDS, BOUNDS[1:], strict=False))
    assert 16 < BOUNDS[-1] < 17


@pytest.mark.parametrize('place', range(1, len(BOUNDS)))
def test_each_time_is_counted_below_its_bound(place):
    counts = measured(0.99 * BOUNDS[place]).counts
    assert counts[place] == sum(counts) == 1
    counts = measured(1.01 * BOUNDS[place]).counts
    assert counts[place + 1] == sum(counts) == 1


def test_what_is_longer_than_all_bounds_is_counted_too():
    found = measured(3600.0)
    assert found.counts[-1] == found.count == 1
    assert found.quantile(0.5) == found.longest == 3600.0


def test_total_mean_and_longest_are_exact():
    found = measured(0.25, 0.5, 0.75)
    assert (found.total, found.mean, found.longest) == (1.5, 0.5, 0.75)


def test_a_quantile_is_a_bound_of_its_share():
    found = measured(*[0.001] * 98, 0.1, 2.0)
    assert 0.001 <= found.quantile(0.5) <= 0.002
    assert 0.1 <= found.quantile(0.99) <= 0.2
    assert found.quantile(1.0) == 2.0


def test_what_is_quick_is_counted_together_and_its_total_is_kept():
    watch = Stopwatch()
    watch.note_quick(1000, 0.002)
    found = watch.read()
    assert (found.counts[0], found.count, found.total, found.longest) == (1000, 1000, 0.002, SHORTEST)


def test_nothing_quick_leaves_the_longest_alone():
    watch = Stopwatch()
    watch.note_quick(0, 0.0)
    assert watch.read() == Histogram()


def test_stats_travel():
    endpoint = EndpointStats('out', 'PUSH', 'client', 'ipc', 'pickle', ('ipc://x',), sent=Traffic(3, 10))
    stats = AgentStats(
        'a', 1.0, 2.0, 3.0, True, 4, 0.5, 1 << 20, 5, (endpoint, endpoint), 0, 0, 0, 0, 0, Histogram(), 0, 0
    )
    assert pickle.loads(pickle.dumps(stats)) == stats
    assert stats.sent == Traffic(6, 20)
    assert stats.received == Traffic()
