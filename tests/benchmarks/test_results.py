"""Medians, ratios, and what they say about targets."""

import pytest

from benchmarks.contender import Contender
from benchmarks.measurement import Outcome
from benchmarks.results import Results
from benchmarks.works import Better, Call, Metric, Work

BARE, THIS, OTHER = Contender


def make_row(metric, **values):
    """Return the row of *metric* with the values of each contender, or with outcomes as they are."""
    results = Results()
    work = Work((metric,), {THIS: Call('a.py', 'a')}, {}, {})
    for name, given in values.items():
        for value in given:
            results.add(work, Contender(name), value if isinstance(value, Outcome) else Outcome({metric.key: value}))
    (row,) = results.rows
    return row


def test_the_median_of_all_rounds_counts():
    row = make_row(Metric('push', '/s'), this=[5.0, 1.0, 100.0])
    assert row.median(THIS) == 5.0
    assert row.values(THIS) == [5.0, 1.0, 100.0]


def test_a_ratio_is_this_library_by_the_other():
    row = make_row(Metric('push', '/s'), bare=[10.0], this=[8.0], other=[2.0])
    assert (row.ratio(BARE), row.ratio(OTHER)) == (0.8, 4.0)


@pytest.mark.parametrize('values', [{'this': [1.0]}, {'bare': [1.0]}, {'this': [1.0], 'bare': [0.0]}])
def test_there_is_no_ratio_without_both_numbers(values):
    assert make_row(Metric('push', '/s'), **values).ratio(BARE) is None


@pytest.mark.parametrize(
    'metric, met',
    [
        (Metric('push', '/s', to_bare=0.8, to_other=4), True),
        (Metric('push', '/s', to_bare=0.81, to_other=4), False),
        (Metric('push', '/s', to_bare=0.8, to_other=5), False),
        (Metric('push', '/s', better=Better.LOWER, to_bare=0.8, to_other=5), True),
        (Metric('push', '/s', better=Better.LOWER, itself=7), False),
        (Metric('push', '/s', itself=8), True),
        (Metric('push', '/s'), None),
    ],
)
def test_a_row_meets_all_its_targets_or_has_missed(metric, met):
    assert make_row(metric, bare=[10.0], this=[8.0], other=[2.0]).met is met


def test_a_target_that_cannot_be_judged_is_neither_met_nor_missed():
    row = make_row(Metric('push', '/s', to_bare=0.8, to_other=4), bare=[10.0], this=[9.0])
    assert row.target(OTHER).met is None
    assert row.met is True


def test_the_reason_of_a_failure_is_kept():
    row = make_row(Metric('push', '/s'), this=[1.0, Outcome(failed='no route')])
    assert row.trouble(THIS) == 'failed: no route'
    assert row.median(THIS) == 1.0


def test_what_a_release_cannot_do_is_not_available():
    row = make_row(Metric('push', '/s'), this=[Outcome(unavailable='no send_many')])
    assert row.trouble(THIS) == 'not available: no send_many'


def test_a_number_that_a_contender_does_not_tell_is_not_available():
    row = make_row(Metric('push', '/s', key='p99'), this=[Outcome({'p50': 1.0})])
    assert row.trouble(THIS) == 'not available'


def test_one_measurement_fills_a_row_for_each_of_its_numbers():
    work = Work((Metric('a', 's', 'p50'), Metric('b', 's', 'p99')), {}, {}, {})
    results = Results()
    results.add(work, THIS, Outcome({'p50': 1.0, 'p99': 2.0}))
    assert [(row.metric.name, row.median(THIS)) for row in results.rows] == [('a', 1.0), ('b', 2.0)]


def test_json_has_all_single_values():
    row = make_row(Metric('push', '/s', to_bare=0.9), bare=[10.0, 12.0], this=[11.0, Outcome(failed='no route')])
    assert row.as_json() == {
        'name': 'push',
        'unit': '/s',
        'better': 'higher',
        'values': {'bare': [10.0, 12.0], 'this': [11.0]},
        'medians': {'bare': 11.0, 'this': 11.0},
        'trouble': {'this': 'failed: no route'},
        'ratios': {'bare': 1.0},
        'targets': {'bare': 0.9, 'this': None, 'other': None},
        'met': True,
    }
