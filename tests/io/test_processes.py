"""Watching processes: their end is told once, at once, and never of another one with the same number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osbrain._io.poller import wait_readable
from osbrain._io.processes import ProcessWatch
from osbrain._pids import space, started

LIMIT = 5

pytestmark = pytest.mark.skipif(not hasattr(os, 'pidfd_open'), reason='the system cannot watch processes')


@pytest.fixture
def watch():
    made = ProcessWatch()
    yield made
    made.close()


@pytest.fixture
def process():
    made = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


def test_the_end_of_a_process_is_told_once(watch, process):
    told = []
    watch.watch(process.pid, started(process.pid), lambda: told.append(process.pid))
    watch.serve()
    assert told == []
    process.kill()
    assert wait_readable([watch.fd], LIMIT) == [watch.fd]
    watch.serve()
    watch.serve()
    assert told == [process.pid]
    assert wait_readable([watch.fd], 0) == []


def test_who_stops_watching_is_not_told(watch, process):
    stop = watch.watch(process.pid, started(process.pid), lambda: pytest.fail('told'))
    stop()
    stop()
    process.kill()
    process.wait()
    watch.serve()


def test_another_process_with_the_same_number_is_not_the_one(watch, process):
    with pytest.raises(ProcessLookupError):
        watch.watch(process.pid, started(process.pid) - 1, lambda: None)


def test_a_process_that_has_ended_is_not_there(watch, process):
    when = started(process.pid)
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):
        watch.watch(process.pid, when, lambda: None)


def test_no_descriptor_is_left(process):
    before = len(list(Path('/proc/self/fd').iterdir()))
    watch = ProcessWatch()
    watch.watch(process.pid, started(process.pid), lambda: None)
    watch.close()
    assert len(list(Path('/proc/self/fd').iterdir())) == before


def test_pids_mean_the_same_in_every_process_of_this_machine():
    code = 'from osbrain._pids import space; print(space())'
    assert space()
    assert subprocess.check_output([sys.executable, '-c', code], text=True).strip() == space()


def test_where_nothing_can_be_watched_nobody_is_told(monkeypatch, process):
    monkeypatch.delattr(os, 'pidfd_open')
    watch = ProcessWatch()
    assert watch.fd is None
    watch.watch(process.pid, 0, lambda: pytest.fail('told'))()
    watch.serve()
    watch.close()
