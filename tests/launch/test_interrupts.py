"""Ctrl-C is held while something must not be left half done, and is not lost."""

import signal
import threading

import pytest

from osbrain._launch.interrupts import interrupts_held


@pytest.fixture
def calls():
    """What reaches a program's own handler of Ctrl-C."""
    found = []
    before = signal.signal(signal.SIGINT, lambda number, frame: found.append(number))
    yield found
    signal.signal(signal.SIGINT, before)


def press():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_acts_when_the_block_is_over(calls):
    with interrupts_held():
        press()
        assert calls == []
    assert calls == [signal.SIGINT]


def test_an_interrupt_acts_although_the_block_fails(calls):
    with pytest.raises(ZeroDivisionError), interrupts_held():
        press()
        raise ZeroDivisionError
    assert calls == [signal.SIGINT]


def test_a_second_interrupt_acts_at_once(calls):
    with interrupts_held():
        press()
        press()
        assert calls == [signal.SIGINT]


def test_afterwards_everything_is_as_before(calls):
    with interrupts_held():
        pass
    press()
    assert calls == [signal.SIGINT]


def test_what_the_handler_raises_comes_out_of_the_block():
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        press()
        done = True
    assert done


def test_who_ignores_interrupts_goes_on_doing_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held():
            press()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_is_held_in_other_threads(calls):
    """Only the main thread may change how signals are handled."""
    seen = []

    def work():
        handler = signal.getsignal(signal.SIGINT)
        with interrupts_held():
            seen.append(signal.getsignal(signal.SIGINT) is handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert seen == [True]
