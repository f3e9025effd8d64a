"""Signals and what other threads tell arrive one after the other, and none is lost."""

import os
import signal
import threading

import pytest

from osbrain.cli.events import Event, Events

SIGNALS = {
    signal.SIGINT: Event.INTERRUPT,
    signal.SIGTERM: Event.SIGNAL,
    signal.SIGHUP: Event.SIGNAL,
}


@pytest.fixture
def events():
    with Events() as events:
        yield events


def send(number):
    os.kill(os.getpid(), number)


def test_events_come_in_the_order_in_which_they_were_told(events):
    told = [Event.DONE, Event.ASKED, Event.DONE]
    for event in told:
        events.tell(event)
    assert [events.next() for _ in told] == told


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_is_an_event(events, number):
    with events.signals():
        send(number)
        assert events.next() is SIGNALS[number]


@pytest.mark.parametrize('number', SIGNALS)
def test_a_signal_ends_the_waiting(events, number):
    with events.signals():
        threading.Timer(0.1, send, (number,)).start()
        assert events.next() is SIGNALS[number]


def test_a_signal_in_the_very_moment_of_waiting_is_not_lost(events):
    waiting = threading.Semaphore(0)

    def send_each_time():
        for _ in range(300):
            waiting.acquire()
            send(signal.SIGTERM)

    sender = threading.Thread(target=send_each_time)
    sender.start()
    with events.signals():
        for _ in range(300):
            waiting.release()
            assert events.next() is Event.SIGNAL
    sender.join()


def test_other_signals_are_no_events(events):
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with events.signals():
            send(signal.SIGUSR1)
            events.tell(Event.DONE)
            assert events.next() is Event.DONE
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_afterwards_signals_do_what_they_did_before(events):
    before = [signal.getsignal(number) for number in SIGNALS]
    with events.signals():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_hangup_that_is_ignored_stays_ignored(events):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with events.signals():
            send(signal.SIGHUP)
            events.tell(Event.DONE)
            assert events.next() is Event.DONE
    finally:
        signal.signal(signal.SIGHUP, before)


def test_who_is_late_is_not_heard_and_harms_nobody():
    with Events() as events:
        pass
    events.tell(Event.DONE)
