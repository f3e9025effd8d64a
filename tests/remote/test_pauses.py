"""Pauses between looks: short at first, never as long as a lease."""

from itertools import islice

from osbrain._remote.pauses import pauses


def test_pauses_grow_and_stay_below_the_lease():
    found = list(islice(pauses(5.0), 20))
    assert found[0] <= 0.05
    assert max(found) <= 2.0
    assert min(found[10:]) >= 1.0


def test_a_short_lease_means_short_pauses():
    assert max(islice(pauses(0.01), 20)) <= 0.004


def test_two_who_wait_do_not_come_at_the_same_moments():
    assert list(islice(pauses(5.0), 5)) != list(islice(pauses(5.0), 5))
