"""Targets as limits, calls as arguments."""

import pytest

from benchmarks.works import Better, Call


@pytest.mark.parametrize(
    'better, value, reached',
    [
        (Better.HIGHER, 0.94, False),
        (Better.HIGHER, 0.95, True),
        (Better.HIGHER, 1.2, True),
        (Better.LOWER, 0.94, True),
        (Better.LOWER, 0.95, True),
        (Better.LOWER, 1.2, False),
    ],
)
def test_a_target_is_reached_at_its_limit_and_beyond(better, value, reached):
    assert better.reached(value, 0.95) is reached


def test_a_call_hands_its_options_and_the_size_to_the_script():
    call = Call('bare.py', 'push_pull', {'transport': 'tcp', 'raw': 1})
    assert call.arguments({'count': 100}) == ['push_pull', 'transport=tcp', 'raw=1', 'count=100']
