"""A child as multiprocessing sees it: alive until its descriptor says otherwise, and its exit code once."""

import os
import signal
import threading

import pytest

from osbrain._launch.popen import BasePopen

LIMIT = 5


class Child(BasePopen):
    """A child that ends when its pipe is closed."""

    def __init__(self):
        super().__init__()
        self.sentinel, self.end = os.pipe()
        self.pid = 123_456_789
        self.asked = 0

    def _status(self):
        self.asked += 1
        return 7

    def ends(self):
        os.close(self.end)


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


@pytest.fixture
def child():
    made = Child()
    yield made
    if made.returncode is None:
        made.ends()
    made.close()


@pytest.fixture
def signals(monkeypatch):
    sent = []
    monkeypatch.setattr(os, 'kill', lambda pid, number: sent.append((pid, number)))
    return sent


def test_a_child_that_lives_has_no_exit_code(child):
    assert child.poll() is None
    assert child.wait(0) is None
    assert child.wait(0.01) is None
    assert child.asked == 0


def test_a_child_that_has_ended_has_one_and_it_is_asked_for_once(child):
    child.ends()
    assert child.wait() == child.poll() == child.wait(0) == 7
    assert child.asked == 1


def test_the_end_of_a_child_ends_a_wait(child):
    threading.Thread(target=child.ends).start()
    assert child.wait(LIMIT) == 7


def test_polling_without_a_flag_waits(child):
    threading.Thread(target=child.ends).start()
    assert child.poll(0) == 7


def test_threads_that_wait_together_all_get_the_exit_code(child):
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(child.wait(LIMIT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    child.ends()
    for thread in threads:
        thread.join(LIMIT)
    assert codes == [7] * 4
    assert child.asked == 1


@pytest.mark.parametrize('method, number', [('terminate', signal.SIGTERM), ('kill', signal.SIGKILL)])
def test_a_child_that_lives_is_sent_its_signal_and_one_that_has_ended_is_not(child, signals, method, number):
    getattr(child, method)()
    assert signals == [(child.pid, number)]
    child.ends()
    # Nobody has waited for it yet; its number may be another process's by now.
    getattr(child, method)()
    assert signals == [(child.pid, number)]
    child.wait()
    getattr(child, method)()
    assert len(signals) == 1


def test_a_child_that_is_gone_can_be_sent_signals_without_harm(child, monkeypatch):
    def gone(pid, number):
        raise ProcessLookupError

    monkeypatch.setattr(os, 'kill', gone)
    child.kill()


def test_closing_gives_the_descriptor_back_once(child):
    closed = []
    sentinel = child.sentinel
    child.close(closed.append)
    child.close(closed.append)
    assert closed == [sentinel]
    os.close(sentinel)
