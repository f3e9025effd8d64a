"""What a person reads."""

import io

import pytest
from rich.console import Console

from benchmarks import report
from benchmarks.contender import Contender
from benchmarks.measurement import Outcome
from benchmarks.results import Results
from benchmarks.works import Better, Metric, Work

BARE, THIS, OTHER = Contender
FACTS = {
    'cpu': 'Abacus 3',
    'cores': 2,
    'system': 'Linux 6.1',
    'date': '2024-05-01T10:00:00+00:00',
    'rounds': 5,
    'quick': False,
}
FOUND = {'python': '3.12.1', 'pyzmq': '27.0', 'libzmq': '4.3.5'}
VERSIONS = {BARE: FOUND, THIS: {**FOUND, 'osbrain': '0.7.0'}, OTHER: {**FOUND, 'osbrain': '0.6.5'}}


def make_rows():
    results = Results()
    push = Work((Metric('push', 'messages/s', to_bare=0.9, to_other=2),), {}, {}, {})
    start = Work((Metric('start', 'ms', better=Better.LOWER, to_other=0.25),), {}, {}, {})
    many = Work((Metric('many', 'messages/s', to_bare=3),), {}, {}, {})
    for contender, value in ((BARE, 500_000.0), (THIS, 400_000.0), (OTHER, 100_000.0)):
        results.add(push, contender, Outcome({'value': value}))
    results.add(start, THIS, Outcome({'value': 10.0}))
    results.add(start, OTHER, Outcome({'value': 50.0}))
    results.add(many, THIS, Outcome(failed='[Errno 2] no such file'))
    return results.rows


def printed(rows=None, versions=VERSIONS, **facts):
    output = Console(file=io.StringIO(), width=200)
    report.print_report(make_rows() if rows is None else rows, {**FACTS, **facts}, versions, output)
    return output.file.getvalue()


def line(beginning, text):
    return ' '.join(next(line for line in text.splitlines() if line.strip().startswith(beginning)).split())


def test_the_machine_stands_first():
    assert printed().splitlines()[0] == 'Abacus 3, 2 cores, Linux 6.1, 2024-05-01T10:00:00+00:00, 5 rounds'


def test_a_quick_run_says_so():
    assert printed(rounds=1, quick=True).splitlines()[0].endswith(', 1 round, quick')


def test_each_contender_is_told_with_its_versions():
    assert line('osbrain 0.6.5:', printed()) == 'osbrain 0.6.5: Python 3.12.1, pyzmq 27.0, libzmq 4.3.5'


def test_a_row_has_medians_ratios_targets_and_the_verdict():
    assert line('push', printed()) == 'push messages/s 500,000 400,000 100,000 0.80 (≥ 0.9) 4.00 (≥ 2) missed'


def test_upper_limits_are_told_as_such():
    assert line('start', printed()) == 'start ms 10.0 50.0 0.20 (≤ 0.25) met'


def test_a_failure_is_in_the_table_and_its_reason_below():
    text = printed()
    assert line('many', text) == 'many messages/s failed'
    assert 'this, many: failed: [Errno 2] no such file' in text


def test_a_contender_that_does_not_take_part_has_no_column():
    versions = {contender: found for contender, found in VERSIONS.items() if contender is not OTHER}
    assert '0.6.5' not in printed(versions=versions)


def test_the_last_line_counts_targets():
    assert printed().splitlines()[-1] == '2 of 3 targets met.'


def test_nothing_measured_is_no_target_missed():
    assert printed(rows=[]).splitlines()[-1] == 'Nothing was compared with a target.'


@pytest.mark.parametrize(
    'amount, text',
    [(123456.7, '123,457'), (100, '100'), (12.34, '12.3'), (1.234, '1.23'), (0.0123, '0.0123'), (0, '0')],
)
def test_numbers_have_three_digits_or_more(amount, text):
    assert report.number(amount) == text
