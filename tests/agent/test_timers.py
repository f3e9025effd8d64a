"""An agent's timers, on a clock that the test moves."""

import pytest

from osbrain._agent import timers as module
from osbrain._agent.timers import Timers
from osbrain.errors import PeriodInvalid, UnknownTimer


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(module, 'monotonic', made)
    return made


@pytest.fixture
def woken():
    return []


@pytest.fixture
def timers(clock, woken):
    return Timers('a0', lambda: woken.append(True))


def run_due(timers):
    """Run what is due, as the loop does."""
    for timer in timers.due():
        if not timer.stopped:
            timer.action()
            timers.again(timer)


def run_for(timers, clock, seconds, step=0.25):
    """Let time pass in steps that a float holds exactly."""
    for _ in range(int(seconds / step)):
        run_due(timers)
        clock.now += step


def test_a_periodic_timer_starts_at_once_and_then_every_period(timers, clock):
    starts = []
    timers.every(0.5, lambda: starts.append(clock.now))
    run_for(timers, clock, 2)
    assert starts == [100.0, 100.5, 101.0, 101.5]


def test_starts_that_are_missed_are_dropped_and_the_plan_goes_on_from_the_late_one(timers, clock):
    starts = []

    def slow():
        starts.append(clock.now)
        if len(starts) == 1:
            clock.now += 2

    timers.every(0.5, slow)
    run_due(timers)
    run_for(timers, clock, 1)
    assert starts == [100.0, 102.0, 102.5]


def test_a_small_delay_does_not_move_the_plan(timers, clock):
    starts = []
    timers.every(1, lambda: starts.append(clock.now))
    run_due(timers)
    clock.now = 101.25
    run_due(timers)
    clock.now = 102.0
    run_due(timers)
    assert starts == [100.0, 101.25, 102.0]


def test_a_period_of_zero_is_due_whenever_it_is_asked(timers, clock):
    starts = []
    timers.every(0, lambda: starts.append(clock.now))
    for _ in range(5):
        run_due(timers)
    assert len(starts) == 5


def test_a_single_shot_runs_once_at_its_time_and_leaves_the_list(timers, clock):
    shots = []
    alias = timers.after(1, lambda: shots.append(clock.now))
    assert timers.aliases() == [alias]
    assert timers.seconds_to_next() == 1
    run_for(timers, clock, 3)
    assert shots == [101.0]
    assert timers.aliases() == []
    assert timers.seconds_to_next() is None


def test_stopping_a_shot_that_has_fired_is_no_error(timers, clock):
    alias = timers.after(0, lambda: None)
    run_due(timers)
    timers.stop(alias)
    timers.stop(alias)


def test_stopping_what_never_was_is_an_error_that_names_it(timers):
    with pytest.raises(UnknownTimer, match="'a0' has no timer 'typo'"):
        timers.stop('typo')


def test_a_stopped_timer_starts_no_more(timers, clock):
    starts = []
    periodic = timers.every(1, lambda: starts.append('periodic'))
    pending = timers.after(1, lambda: starts.append('shot'))
    run_due(timers)
    timers.stop(periodic)
    timers.stop(pending)
    run_for(timers, clock, 3)
    assert starts == ['periodic']
    assert timers.aliases() == []


def test_a_timer_may_stop_itself(timers, clock):
    starts = []

    def once():
        starts.append(True)
        timers.stop('mine')

    timers.every(0, once, 'mine')
    run_for(timers, clock, 1)
    assert starts == [True]


def test_a_timer_may_stop_a_periodic_one_that_is_due_with_it(timers, clock):
    starts = []
    timers.after(1, lambda: timers.stop('second'), 'first')
    clock.now += 1.5
    timers.every(1, lambda: starts.append(True), 'second')
    run_due(timers)
    assert starts == []


def test_a_timer_may_stop_one_that_is_due_with_it(timers, clock):
    starts = []
    timers.after(1, lambda: timers.stop('second'), 'first')
    timers.after(1.5, lambda: starts.append(True), 'second')
    clock.now += 2
    run_due(timers)
    assert starts == []


def test_a_shot_that_was_due_when_the_loop_was_stopped_is_listed_and_can_be_stopped(timers):
    done = []
    timers.after(0, lambda: done.append(True), 'mine')
    for timer in timers.due():
        timers.keep(timer)
    assert timers.aliases() == ['mine']
    timers.stop('mine')
    run_due(timers)
    assert done == []


def test_what_was_due_when_the_loop_was_stopped_is_due_again(timers):
    done = []
    timers.after(0, lambda: done.append('shot'))
    timers.every(1, lambda: done.append('periodic'))
    for timer in timers.due():
        timers.keep(timer)
    run_due(timers)
    assert sorted(done) == ['periodic', 'shot']


def test_a_timer_that_is_started_by_an_action_waits_for_the_next_round(timers, clock):
    starts = []

    def chain():
        starts.append(True)
        timers.after(0, chain)

    timers.after(0, chain)
    run_due(timers)
    assert starts == [True]
    run_due(timers)
    assert starts == [True, True]


def test_the_same_alias_again_stops_the_timer_that_had_it(timers, clock):
    starts = []
    timers.every(1, lambda: starts.append('old'), 'mine')
    timers.every(1, lambda: starts.append('new'), 'mine')
    run_for(timers, clock, 2)
    assert starts == ['new', 'new']
    assert timers.aliases() == ['mine']


def test_an_alias_that_has_fired_can_be_used_again(timers, clock):
    timers.after(0, lambda: None, 'mine')
    run_due(timers)
    timers.after(1, lambda: None, 'mine')
    assert timers.aliases() == ['mine']
    timers.stop('mine')
    with pytest.raises(UnknownTimer):
        timers.stop('mine')


def test_two_timers_without_alias_are_two(timers):
    aliases = {timers.every(1, lambda: None), timers.after(1, lambda: None)}
    assert len(aliases) == 2
    assert set(timers.aliases()) == aliases


def test_stopping_all_leaves_later_ones_and_waits_alone(timers, clock):
    done = []
    timers.every(1, lambda: done.append('before'))
    timers.wait(1, lambda: done.append('wait'))
    timers.stop_all()
    timers.after(1, lambda: done.append('after'))
    run_for(timers, clock, 2)
    assert sorted(done) == ['after', 'wait']


def test_clearing_forgets_waits_too(timers, clock):
    timers.every(1, lambda: None)
    timers.wait(1, lambda: None)
    timers.clear()
    assert (timers.aliases(), timers.seconds_to_next()) == ([], None)


def test_a_wait_is_seen_by_nobody_and_can_be_stopped(timers, clock):
    done = []
    stop = timers.wait(1, lambda: done.append('stopped'))
    timers.wait(1, lambda: done.append('waited'))
    assert timers.aliases() == []
    stop()
    run_for(timers, clock, 2)
    assert done == ['waited']


def test_starting_a_timer_wakes_the_loop(timers, woken):
    timers.every(1, lambda: None)
    timers.after(1, lambda: None)
    timers.wait(1, lambda: None)
    assert len(woken) == 3


@pytest.mark.parametrize('seconds', [-1, float('nan'), float('inf'), 'soon', None])
def test_what_is_no_time_is_refused_and_nothing_is_started(timers, seconds):
    with pytest.raises(PeriodInvalid, match='a period'):
        timers.every(seconds, lambda: None)
    with pytest.raises(PeriodInvalid, match='a delay'):
        timers.after(seconds, lambda: None)
    assert (timers.aliases(), timers.seconds_to_next()) == ([], None)


def test_only_so_many_shots_that_have_fired_are_remembered(timers, monkeypatch):
    monkeypatch.setattr(module, '_FIRED_KNOWN', 10)
    for number in range(20):
        timers.after(0, lambda: None, number)
        run_due(timers)
    timers.stop(19)
    with pytest.raises(UnknownTimer):
        timers.stop(0)


def test_a_watchdog_that_is_set_anew_with_each_message_does_not_pile_up(timers):
    for _ in range(10_000):
        timers.after(3600, lambda: None, 'watchdog')
    assert len(timers._heap) < 1_000


def test_waits_that_are_answered_do_not_pile_up(timers):
    for _ in range(10_000):
        timers.wait(3600, lambda: None)()
    assert len(timers._heap) < 1_000


def test_an_alias_that_is_made_up_is_not_one_that_is_taken(timers):
    timers.every(1, lambda: None, alias=b'timer-1')
    timers.every(1, lambda: None, alias=b'timer-2')
    assert timers.every(1, lambda: None) == b'timer-3'


def test_who_wants_to_know_is_told_of_each_single_shot_when_it_has_fired(timers, clock):
    fired = []
    timers.on_fired = fired.append
    timers.after(0.5, lambda: fired.append('action'), alias='shot')
    timers.after(5, lambda: None, alias='late')
    timers.every(0.25, lambda: None, alias='tick')
    timers.wait(0.25, lambda: None)
    run_for(timers, clock, 1)
    assert fired == ['action', 'shot']
