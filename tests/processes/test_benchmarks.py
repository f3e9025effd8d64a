"""The benchmarks from end to end: a few works, tiny, with the processes that they need."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.contender import Place
from benchmarks.exits import Exit
from benchmarks.measurement import measure

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 100

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='memory and threads are counted in /proc')


def benchmarks(*argv):
    return subprocess.run(
        [sys.executable, '-m', 'benchmarks', *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture
def outcome():
    """Measure a tiny work with this interpreter and return its numbers."""

    def measure_here(script, *arguments):
        found = measure(Place(), f'{script}.py', arguments, LIMIT)
        assert not found.failed
        return found.values

    return measure_here


def test_a_run_is_reported_and_written(tmp_path):
    file = tmp_path / 'out.json'
    result = benchmarks('--quick', '--only', 'REQ-REP tcp', '--only', 'proxy calls, unsafe', '--json', str(file))
    assert result.returncode == Exit.OK, result.stderr
    assert 'REQ-REP tcp' in result.stdout
    assert result.stderr == ''
    written = json.loads(file.read_text())
    assert written['machine']['complete'] is True
    assert written['versions'].keys() == {'bare', 'this'}
    both, alone = written['works']
    assert (both['name'], both['values'].keys()) == ('REQ-REP tcp', {'bare', 'this'})
    assert (alone['name'], alone['values'].keys()) == ('proxy calls, unsafe', {'this'})
    assert all(value > 0 for work in (both, alone) for values in work['values'].values() for value in values)


@pytest.mark.parametrize('script', ['bare', 'agents_messages'])
def test_publications_arrive_without_a_loss(outcome, script):
    # A lost one would leave the work without an end.
    assert outcome(script, 'pub_sub', 'subscribers=2', 'count=1000')['value'] > 0


@pytest.mark.parametrize('script', ['bare', 'agents_messages'])
def test_latencies_are_in_order(outcome, script):
    found = outcome(script, 'latency', 'per_second=10000', 'count=500')
    assert 0 < found['p50'] <= found['p99'] <= found['p999']


def test_an_agent_has_memory_of_its_own(outcome):
    assert outcome('agents_systems', 'start', 'agents=2')['pss'] > 1


def test_timers_are_all_counted(outcome):
    found = outcome('agents_timers', 'timers', 'count=20', 'seconds=1')
    assert 0 < found['fired'] <= 100
    assert found['threads'] > 0


def test_who_takes_too_long_is_ended_and_leaves_nothing():
    # The fixture of all tests looks for what was left.
    found = measure(Place(), 'agents_messages.py', ['push_pull', 'transport=ipc', 'count=1000000000'], limit=3)
    assert found.failed == 'no result within 3 s'


def test_an_error_of_a_contender_is_its_result():
    found = measure(Place(), 'bare.py', ['push_pull', 'transport=ipc'])
    assert found.failed.startswith('TypeError')
    assert 'count' in found.failed


@pytest.mark.parametrize('python', ['/no/such/python', sys.executable + '-of-another-age'])
def test_an_interpreter_that_is_not_there_is_a_mistake(python):
    result = benchmarks('--against', python, '--only', 'REQ-REP ipc')
    assert result.returncode == Exit.USAGE
    assert result.stderr.startswith(f'Error: cannot measure with {python}: ')
    assert result.stderr.count('\n') == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_shows_what_there_was(number):
    process = subprocess.Popen(
        [sys.executable, '-m', 'benchmarks', '--only', 'REQ-REP ipc', '--rounds', '1000'],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_child(process.pid)
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == Exit.INTERRUPTED
    assert 'Interrupted' in err
    assert 'Traceback' not in err
    assert 'REQ-REP ipc' in out or 'Nothing was compared' in out


def wait_for_child(pid):
    """Wait until the benchmarks measure: a child that is a contender's work."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for task in Path(f'/proc/{pid}/task').iterdir():
            for child in (task / 'children').read_text().split():
                try:
                    if b'req_rep' in Path(f'/proc/{child}/cmdline').read_bytes():
                        return
                except OSError:  # gone since it was listed
                    continue
        os.sched_yield()
    raise AssertionError('nothing is measured')
