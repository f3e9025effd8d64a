"""Contenders take turns, round after round."""

import pytest

from benchmarks.contender import Contender, Place
from benchmarks.measurement import Outcome
from benchmarks.results import Results
from benchmarks.runner import run, steps
from benchmarks.works import Call, Metric, Work

BARE, THIS, OTHER = Contender
ALL = {contender: Place(contender.value) for contender in Contender}


def make_work(name, *contenders):
    calls = {contender: Call(f'{name}.py', name) for contender in contenders}
    return Work((Metric(name, 'messages/s'),), calls, {'count': 100}, {'count': 1})


def run_recorded(works, rounds=1, quick=False, places=ALL, outcomes=lambda contender: Outcome({'value': 1.0})):
    """Run without processes; return who was measured with which arguments, and the results."""
    log, results = [], Results()

    def measure(place, script, arguments):
        log.append((place.python, script, *arguments))
        return outcomes(Contender(place.python))

    run(works, places, rounds, quick, results, measure=measure)
    return log, results


def turns(log):
    return ' '.join(entry[0] for entry in log)


def test_contenders_alternate():
    log, _ = run_recorded([make_work('push', BARE, THIS, OTHER)], rounds=2)
    assert turns(log) == 'bare this other bare this other'


def test_a_work_is_finished_before_the_next_one():
    log, _ = run_recorded([make_work('push', THIS), make_work('pull', THIS)], rounds=2)
    assert [entry[1] for entry in log] == ['push.py', 'push.py', 'pull.py', 'pull.py']


def test_only_who_is_there_takes_part():
    log, _ = run_recorded([make_work('push', BARE, THIS, OTHER)], places={THIS: ALL[THIS]})
    assert turns(log) == 'this'


@pytest.mark.parametrize('quick, count', [(False, 100), (True, 1)])
def test_a_quick_run_does_the_small_size(quick, count):
    log, _ = run_recorded([make_work('push', THIS)], quick=quick)
    assert log == [('this', 'push.py', 'push', f'count={count}')]


def test_who_fails_is_left_out_and_the_others_go_on():
    def outcomes(contender):
        return Outcome(failed='no route') if contender is OTHER else Outcome({'value': 1.0})

    log, results = run_recorded([make_work('push', BARE, THIS, OTHER)], rounds=2, outcomes=outcomes)
    assert turns(log) == 'bare this other bare this'
    assert results.failed


def test_without_this_library_there_is_nothing_to_compare():
    def outcomes(contender):
        return Outcome(unavailable='no send_many') if contender is THIS else Outcome({'value': 1.0})

    log, results = run_recorded([make_work('push', BARE, THIS), make_work('pull', BARE)], rounds=3, outcomes=outcomes)
    assert turns(log) == 'bare this bare'
    assert not results.failed


def test_an_interrupt_leaves_what_was_measured_before():
    results = Results()

    def measure(place, script, arguments):
        if results.rows:
            raise KeyboardInterrupt
        return Outcome({'value': 5.0})

    with pytest.raises(KeyboardInterrupt):
        run([make_work('push', BARE, THIS)], ALL, 1, False, results, measure=measure)
    assert results.rows[0].median(BARE) == 5.0


def test_each_step_is_announced():
    steps_seen = []
    work = make_work('push', BARE, THIS)
    run(
        [work],
        ALL,
        2,
        False,
        Results(),
        before=lambda work, contender: steps_seen.append(contender),
        measure=lambda *_: Outcome({'value': 1.0}),
    )
    assert steps_seen == [BARE, THIS, BARE, THIS]
    assert steps([work], ALL, rounds=2) == len(steps_seen)
