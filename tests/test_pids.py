"""Processes of this machine: whether one is still the one that it was, and how it ended."""

import os
import signal

import pytest

from osbrain._pids import ENDED, how_ended, in_words, is_alive, is_frozen, started


@pytest.fixture
def child():
    """Fork a child that ends as *end* says; it stays a zombie until the test is over. Returns its pid and start."""
    pids = []

    def fork(end):
        hold, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                os.read(hold, 1)
                end()
            finally:
                os._exit(99)
        pids.append(pid)
        when = started(pid)
        os.write(go, b'.')
        for fd in (hold, go):
            os.close(fd)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return pid, when

    yield fork
    for pid in pids:
        os.waitpid(pid, 0)


def test_how_a_process_ended_is_known_until_it_is_reaped(child):
    pid, when = child(lambda: os._exit(3))
    assert not is_alive(pid, when)
    assert how_ended(pid, when) == 'exit code 3'


def test_a_signal_that_ended_a_process_is_named(child):
    assert how_ended(*child(lambda: os.kill(os.getpid(), signal.SIGALRM))) == 'killed by SIGALRM'
    killed = how_ended(*child(lambda: os.kill(os.getpid(), signal.SIGKILL)))
    assert killed == 'killed by SIGKILL (the system may have been out of memory)'


def test_of_a_process_that_lives_or_is_forgotten_or_was_another_one_nothing_is_said(child):
    assert how_ended(os.getpid(), started(os.getpid())) == ENDED
    pid, when = child(lambda: os._exit(3))
    assert how_ended(pid, when + 1) == ENDED
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    os.waitpid(pid, 0)
    assert how_ended(pid, 0) == ENDED


@pytest.mark.parametrize(
    'code, words',
    [(None, 'nothing is known of how'), (0, 'exit code 0'), (-15, 'killed by SIGTERM'), (-99, 'killed by signal 99')],
)
def test_an_exit_code_is_put_into_words(code, words):
    assert in_words(code) == words


def test_a_process_that_a_signal_has_stopped_is_frozen():
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(99)
    try:
        assert not is_frozen(pid)
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        assert is_frozen(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not is_frozen(pid)
