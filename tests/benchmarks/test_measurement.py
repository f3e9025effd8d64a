"""What a contender's process has printed becomes an outcome."""

import pytest

from benchmarks.measurement import Outcome, read

VALUE = '{"value": 12.5}\n'


@pytest.mark.parametrize(
    'out',
    [
        VALUE,
        f'NS running on 127.0.0.1:1234\n\n{VALUE}NS shut down.\n',
        f'{{"value": 1}}\n{VALUE}',
    ],
    ids=['alone', 'among what else is printed', 'the last one counts'],
)
def test_the_line_of_json_is_found(out):
    assert read(0, out, 'a warning\n') == Outcome({'value': 12.5})


def test_a_failure_is_told_by_the_last_line_of_its_traceback():
    err = 'Traceback (most recent call last):\n  File "bare.py"\nModuleNotFoundError: no numpy\n\n'
    assert read(1, '', err) == Outcome(failed='ModuleNotFoundError: no numpy')


def test_a_process_that_failed_has_measured_nothing():
    assert read(1, VALUE, 'ValueError: too late\n') == Outcome(failed='ValueError: too late')


@pytest.mark.parametrize('code', [0, -9])
def test_a_process_that_ended_without_a_word_has_failed(code):
    assert read(code, 'NS shut down.\n', '').failed == f'ended with code {code} and without a result'


def test_what_a_release_cannot_do_is_no_failure():
    assert read(0, '{"unavailable": "no send_many"}\n', '') == Outcome(unavailable='no send_many')
