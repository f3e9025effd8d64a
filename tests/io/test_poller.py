"""Waiting on descriptors, and the bell that ends a wait from another thread."""

import os
import socket
import threading
import time

import pytest

from osbrain._io.poller import Bell, Look, Pair, Poller, wait_hung_up, wait_readable

LIMIT = 5


@pytest.fixture
def bell():
    made = Bell()
    yield made
    made.close()


@pytest.fixture
def poller():
    made = Poller()
    yield made
    made.close()


def test_a_bell_is_readable_once_it_was_rung_until_it_is_silenced(bell):
    assert wait_readable([bell.fd], 0) == []
    bell.ring()
    bell.ring()
    assert wait_readable([bell.fd], 0) == [bell.fd]
    bell.silence()
    assert wait_readable([bell.fd], 0) == []
    bell.silence()


def test_a_bell_can_be_rung_more_often_than_anybody_listens(bell):
    for _ in range(10_000):
        bell.ring()
    assert wait_readable([bell.fd], 0) == [bell.fd]
    for _ in range(10):
        bell.silence()
    assert wait_readable([bell.fd], 0) == []


def test_ringing_ends_the_wait_of_another_thread(bell, poller):
    poller.add(bell.fd)
    ringer = threading.Thread(target=bell.ring)
    began = time.monotonic()
    ringer.start()
    assert poller.wait(LIMIT) == [bell.fd]
    ringer.join()
    assert time.monotonic() - began < LIMIT


def test_a_closed_bell_is_silent_and_closes_again_without_harm(bell):
    bell.close()
    bell.ring()
    bell.silence()
    bell.close()


def test_a_poller_gives_those_that_are_readable(poller):
    bells = [Bell() for _ in range(3)]
    for one in bells:
        poller.add(one.fd)
    bells[1].ring()
    assert poller.wait(0) == [bells[1].fd]
    bells[0].ring()
    assert sorted(poller.wait(0)) == sorted([bells[0].fd, bells[1].fd])
    poller.remove(bells[1].fd)
    assert poller.wait(0) == [bells[0].fd]


def test_removing_what_is_not_watched_or_not_open_is_no_error(poller):
    bell = Bell()
    poller.remove(bell.fd)
    poller.add(bell.fd)
    fd = bell.fd
    bell.close()
    poller.remove(fd)
    poller.remove(-1)
    assert poller.wait(0) == []


def test_a_wait_lasts_as_long_as_it_was_told(poller):
    bell = Bell()
    poller.add(bell.fd)
    for wait in (lambda: poller.wait(0.02), lambda: wait_readable([bell.fd], 0.02)):
        began = time.monotonic()
        assert wait() == []
        assert 0.015 < time.monotonic() - began < LIMIT


@pytest.mark.parametrize(
    'seconds',
    [None, LIMIT, 1e9, float('inf')],
    ids=str,
)
def test_a_single_wait_may_be_as_long_as_anybody_likes(bell, seconds):
    bell.ring()
    assert wait_readable([bell.fd], seconds) == [bell.fd]
    assert Pair(bell.fd, Bell().fd).wait(seconds) == [bell.fd]


@pytest.mark.parametrize('has_poll', [True, False])
def test_a_pair_is_waited_on_again_and_again(monkeypatch, has_poll):
    if not has_poll:
        monkeypatch.delattr('select.poll')
    bells = [Bell(), Bell()]
    pair = Pair(*(one.fd for one in bells))
    assert pair.wait(0) == []
    for one in bells:
        one.ring()
        assert pair.wait(LIMIT) == [one.fd]
        one.silence()
        assert pair.wait(0.001) == []
    for one in bells:
        one.ring()
    assert sorted(pair.wait(LIMIT)) == sorted(one.fd for one in bells)


def test_ringing_ends_the_wait_for_a_pair(bell):
    ringer = threading.Thread(target=bell.ring)
    ringer.start()
    assert Pair(Bell().fd, bell.fd).wait(LIMIT) == [bell.fd]
    ringer.join()


def test_a_short_wait_is_not_rounded_down_to_a_busy_one(monkeypatch):
    asked = []

    class Poll:
        def register(self, fd, events):
            pass

        def poll(self, milliseconds):
            asked.append(milliseconds)
            return []

    monkeypatch.setattr('select.poll', Poll)
    for seconds in (0.0001, 0.0011, 0, -1):
        wait_readable([0], seconds)
    assert asked == [1, 2, 0, 0]


def test_without_poll_a_single_wait_works_too(monkeypatch):
    monkeypatch.delattr('select.poll')
    bell = Bell()
    assert wait_readable([bell.fd], 0) == []
    bell.ring()
    assert wait_readable([bell.fd], None) == [bell.fd]


def test_a_descriptor_hangs_up_when_its_other_end_is_gone_and_not_when_there_is_something_to_read():
    one, other = socket.socketpair()
    reads, writes = os.pipe()
    try:
        other.send(b'news')
        assert wait_hung_up([one.fileno(), writes], 0) == []
        other.close()
        assert wait_hung_up([one.fileno(), writes], LIMIT) == [one.fileno()]
        os.close(reads)
        assert wait_hung_up([writes], None) == [writes]
        assert wait_hung_up([], 0) == []
    finally:
        one.close()
        os.close(writes)


@pytest.mark.parametrize('with_poll', [True, False])
def test_a_look_says_whether_something_is_there_without_waiting(bell, monkeypatch, with_poll):
    if not with_poll:
        monkeypatch.delattr('select.poll')
    look = Look(bell.fd)
    assert not look()
    bell.ring()
    assert look() and look()
    bell.silence()
    assert not look()
