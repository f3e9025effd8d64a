"""The chart: bars to the right are good, whatever is measured."""

import pytest

from benchmarks.contender import Contender
from benchmarks.measurement import Outcome
from benchmarks.results import Results
from benchmarks.works import Better, Metric, Work

chart = pytest.importorskip('benchmarks.chart', reason='matplotlib is an extra')

BARE, THIS, OTHER = Contender
VERSIONS = {BARE: {}, THIS: {'osbrain': '0.7.0'}, OTHER: {'osbrain': '0.6.5'}}


def make_rows(better=Better.HIGHER, **values):
    results = Results()
    work = Work((Metric('push', '/s', better=better),), {}, {}, {})
    for name, value in values.items():
        results.add(work, Contender(name), Outcome({'value': value}))
    return results.rows


@pytest.mark.parametrize('better, times', [(Better.HIGHER, 4.0), (Better.LOWER, 0.25)])
def test_what_is_better_is_more(better, times):
    (row,) = make_rows(better, this=8.0, other=2.0)
    assert chart.advantage(row, OTHER) == times


@pytest.mark.parametrize('better', Better)
def test_there_is_no_bar_for_infinity(better):
    (row,) = make_rows(better, this=0.0, other=2.0)
    assert chart.advantage(row, OTHER) is None


def test_rows_without_a_ratio_are_left_out():
    assert chart.drawn(make_rows(this=8.0), [BARE, OTHER]) == []


@pytest.mark.parametrize(
    'values', [{}, {'this': 1.0}, {'this': 0.9, 'bare': 1.0}, {'this': 200.0, 'bare': 300.0, 'other': 1.0}]
)
def test_a_png_is_written(tmp_path, values):
    path = tmp_path / 'ratios.png'
    chart.write_png(make_rows(**values), VERSIONS, path)
    assert path.read_bytes().startswith(b'\x89PNG')
