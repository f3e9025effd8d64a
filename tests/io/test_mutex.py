"""The mutex of a socket: one at a time, nobody forgotten, and no wait without an end."""

import threading

import pytest

from osbrain._io import mutex as module
from osbrain._io.mutex import Mutex
from osbrain.errors import WaitTimeout

LIMIT = 10.0


@pytest.fixture
def mutex():
    return Mutex()


def started(*actions):
    """Run each of *actions* in a thread of its own; returns the threads."""
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    return threads


def joined(threads):
    for thread in threads:
        thread.join(LIMIT)
    return not any(thread.is_alive() for thread in threads)


def is_free(mutex):
    """Whether nobody has it, and nobody is thought to wait for it."""
    with mutex:
        return not mutex.waiting


def test_one_thread_claims_it_again_and_again(mutex):
    for _ in range(3):
        with mutex, pytest.raises(IndexError):
            mutex.claim()
    assert is_free(mutex)


def test_it_is_given_back_when_the_block_fails(mutex):
    with pytest.raises(ZeroDivisionError), mutex:
        raise ZeroDivisionError
    assert is_free(mutex)


def test_threads_take_turns(mutex):
    count = 0

    def add():
        nonlocal count
        for _ in range(20_000):
            with mutex:
                before = count
                count = before + 1

    assert joined(started(*[add] * 4))
    assert count == 80_000
    assert is_free(mutex)


def test_who_waits_gets_it_although_another_asks_all_the_time(mutex):
    done, rounds = threading.Event(), []

    def greedy():
        while not done.is_set():
            with mutex:
                rounds.append(None)

    def modest():
        for _ in range(100):
            with mutex:
                pass
        done.set()

    assert joined(started(greedy, modest))
    assert rounds
    assert is_free(mutex)


def test_those_who_wait_get_it_in_their_order(mutex):
    order, threads = [], []

    def take(number):
        with mutex:
            order.append(number)

    with mutex:
        for number in range(5):
            threads += started(lambda number=number: take(number))
            while len(mutex.waiting) <= number:
                threading.Event().wait(0.001)
    assert joined(threads)
    assert order == list(range(5))


def test_who_asks_for_what_he_has_himself_is_told_so_in_the_end(mutex, monkeypatch):
    monkeypatch.setattr(module, '_SECONDS', 0.01)
    with mutex, pytest.raises(WaitTimeout, match='in use'):
        mutex.wait()
    assert is_free(mutex)
