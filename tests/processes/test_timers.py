"""Timers of running agents: what they call and where, their pace, names and end."""

import threading
import time

import pytest

from osbrain import Agent, AgentProcess, Proxy, run_agent
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition


class Clock(Agent):
    """Note when each action started, with what arguments and in which thread."""

    def on_init(self):
        self.ticks = []
        self.calls = []

    def tick(self, *args, **kwargs):
        self.ticks.append(time.monotonic())
        self.calls.append((threading.get_ident(), args, kwargs))

    def slow_tick(self, duration=0.2, number=None):
        """Last ``duration`` seconds, or if there is a ``number`` only the first so many times."""
        self.ticks.append(time.monotonic())
        if number is None or len(self.ticks) <= number:
            time.sleep(duration)

    def thread(self):
        return threading.get_ident()

    def on_message(self, message):
        self.calls.append((threading.get_ident(), (message,), {}))

    def block(self):
        """Keep the main thread busy until told otherwise."""
        self.blocked = True
        deadline = time.monotonic() + 20
        while not self.released and time.monotonic() < deadline:
            time.sleep(0.005)

    blocked = released = False


@pytest.fixture
def clock(nsproxy):
    return run_agent('clock', base=Clock)


def ticks(agent, number, timeout=6):
    """The moments of the first so many ticks; they have to come in time."""
    assert wait_agent_attr(agent, 'ticks', length=number, timeout=timeout)
    return agent.get_attr('ticks')


def block(agent):
    agent.unsafe.after(0, 'block')
    assert wait_agent_attr(agent, 'blocked', value=True)


def still(agent, attribute='ticks', seconds=0.4):
    """Whether nothing is added for a while, once what was under way has finished."""
    agent.ping()
    number = len(agent.get_attr(attribute))
    return not wait_agent_attr(agent, attribute, length=number + 1, timeout=seconds)


# ---- what is called ------------------------------------------------------------------------


def test_a_method_is_named_or_a_function_that_takes_the_agent(clock):
    offset = 100

    def note(agent, *args, **kwargs):
        agent.calls.append(('note', args, kwargs))

    clock.after(0, 'tick', 1, two=2)
    clock.after(0.05, note, 'a', b='c')
    clock.after(0.1, lambda agent, x: agent.calls.append(('lambda', x + offset)), 5)
    assert wait_agent_attr(clock, 'calls', length=3)
    first, second, third = clock.get_attr('calls')
    assert first == (clock.thread(), (1,), {'two': 2})
    assert second == ('note', ('a',), {'b': 'c'})
    assert third == ('lambda', 105)


def test_each_passes_its_arguments_every_time(clock):
    clock.each(0.02, 'tick', 1, alias='not an argument', two=2)
    clock.set_attr(seen=[])
    clock.each(0.02, lambda agent, *args, **kwargs: agent.seen.append((args, kwargs)), 'x', y='z')
    ticks(clock, 3)
    assert wait_agent_attr(clock, 'seen', length=3)
    assert {call[1:] == ((1,), {'two': 2}) for call in clock.get_attr('calls')} == {True}
    assert clock.get_attr('seen')[:3] == [(('x',), {'y': 'z'})] * 3


def test_the_agents_own_methods_are_usable(nsproxy, clock, so_far):
    sender = run_agent('sender')
    sender.connect(clock.bind('PULL', alias='in', handler='on_message'), alias='out')
    sender.each(0.02, 'send', 'out', 'hello')
    sender.after(0, 'log_info', 'a record by a timer')
    assert wait_agent_attr(clock, 'calls', length=3)
    assert {call[1:] == (('hello',), {}) for call in clock.get_attr('calls')} == {True}
    assert wait_condition(lambda: '(sender): a record by a timer' in so_far('out'))
    sender.after(0.05, 'shutdown')
    assert agent_dies('sender', nsproxy, timeout=3)


def test_an_agent_starts_timers_itself(nsproxy):
    class Countdown(Clock):
        left = 3

        def start(self):
            self.timer = self.each(0.02, 'count', 'down')
            return self.timer

        def count(self, how):
            self.left -= 1
            self.calls.append(how)
            if not self.left:
                self.stop_timer(self.timer)
                self.after(0.02, 'tick')

    agent = run_agent('a0', base=Countdown)
    timer = agent.start()
    ticks(agent, 1)
    assert agent.get_attr('left') == 0
    assert agent.get_attr('calls')[:3] == ['down'] * 3
    assert timer not in agent.list_timers()


@pytest.mark.new
def test_a_bound_method_of_the_agent_is_called_as_such(nsproxy):
    class Own(Clock):
        def start(self):
            self.each(0.02, self.tick, 'each', by='bound')
            self.after(0.02, self.tick, 'after')

    agent = run_agent('a0', base=Own)
    agent.start()
    ticks(agent, 4)
    calls = [call[1:] for call in agent.get_attr('calls')]
    assert calls.count((('after',), {})) == 1
    assert calls.count((('each',), {'by': 'bound'})) == len(calls) - 1


def test_actions_run_in_the_main_thread_in_turn_with_everything_else(nsproxy):
    class Alone(Clock):
        busy = 0
        collisions = 0

        def tick(self, *args):
            self.busy += 1
            self.collisions += self.busy > 1
            time.sleep(0.002)
            super().tick(*args)
            self.busy -= 1

    agent, sender = run_agent('alone', base=Alone), run_agent('sender')
    sender.connect(agent.bind('PULL', handler='tick'), alias='out')
    for period in (0, 0.003, 0.005):
        agent.each(period, 'tick', 'timer')
    sender.each(0.004, 'send', 'out', 'message')
    for _ in range(20):
        agent.tick('call')
    ticks(agent, 150)
    everything = {('timer',), ('message',), ('call',)}
    assert wait_condition(lambda: {args for _, args, _ in agent.get_attr('calls')} == everything, timeout=10)
    calls = agent.get_attr('calls')
    assert {thread for thread, _, _ in calls} == {agent.thread()}
    assert agent.get_attr('collisions') == 0


# ---- pace ----------------------------------------------------------------------------------


def test_starting_a_timer_returns_at_once_and_runs_the_action_at_once(clock):
    begin = time.monotonic()
    clock.each(60, 'slow_tick', 4)
    assert time.monotonic() - begin < 2
    (first,) = ticks(clock, 1, timeout=2)
    assert first - begin < 2

    # Unsafely even while the action keeps the agent busy.
    begin = time.monotonic()
    clock.unsafe.each(60, 'slow_tick', 0)
    clock.unsafe.after(60, 'slow_tick', 0)
    assert time.monotonic() - begin < 2
    assert len(clock.get_attr('ticks')) == 1
    ticks(clock, 2)


@pytest.mark.parametrize(
    'period, arguments, number, seconds',
    [
        (0.1, (0,), 20, 2.0),
        (0, (0.2,), 10, 2.0),
        (0.1, (0.05,), 10, 1.0),
        (0.1, (0.2, 5), 5, 1.0),
        (0.1, (0.2, 5), 15, 2.0),
    ],
    ids=['quick', 'back to back', 'slower', 'too slow', 'too slow at first'],
)
def test_pace(clock, period, arguments, number, seconds):
    """So many periods take so long; what a slow action missed is not made up for."""
    for _ in range(4):  # the best of some: this machine may be busy
        clock.set_attr(ticks=[])
        timer = clock.each(period, 'slow_tick', *arguments)
        times = ticks(clock, number + 1, timeout=30)
        clock.stop_timer(timer)
        lasted = times[number] - times[0]
        assert 0.93 * seconds < lasted
        if lasted < seconds + 0.4:
            return
    raise AssertionError(lasted)


def test_a_timer_of_a_busy_agent_has_one_tick_waiting_at_most(clock):
    block(clock)
    clock.unsafe.each(0.05, 'tick')
    assert not wait_agent_attr(clock, 'ticks', length=1, timeout=0.6), 'the main thread is busy'
    released = time.monotonic()
    clock.unsafe.set_attr(released=True)
    times = ticks(clock, 7)
    assert times[6] - released > 0.2, 'ticks were made up for'


def test_a_timer_started_before_the_loop_keeps_its_pace(nsproxy):
    class Early(Clock):
        def before_loop(self):
            self.each(0.5, 'tick')

    agent = run_agent('a0', base=Early)
    begin = time.monotonic()
    assert ticks(agent, 3)[2] - begin < 1.4


def test_period_zero_ticks_thousands_of_times_while_being_polled(nsproxy):
    agent = run_agent('a0', base=Clock)
    begin = time.monotonic()
    agent.each(0, 'tick')
    while len(agent.execute_as_method(lambda agent: agent.ticks)) < 1000:
        assert time.monotonic() - begin < 10


def test_safe_calls_get_a_turn_between_any_two_ticks(clock):
    clock.set_method(count=lambda agent: len(agent.ticks))
    begin = time.monotonic()
    clock.each(0, 'slow_tick', 0.1)
    pause = threading.Event()
    turns = []

    def turn(agent):
        before = len(agent.ticks)
        return agent.safe_call('count') - before

    while len(clock.get_attr('ticks')) < 14 or len(turns) < 6:
        assert time.monotonic() - begin < 30
        turns.append((clock.unsafe.execute_as_method(turn), time.monotonic() - begin))
        pause.wait(0.01)
    assert max(waited for waited, _ in turns) <= 2
    number = len(clock.get_attr('ticks'))
    assert number <= (time.monotonic() - begin) / 0.1 + 1


def test_after_runs_once_after_its_delay_and_does_not_disturb_another(clock):
    begin = time.monotonic()
    clock.after(1, 'tick', 'later')
    clock.after(0.5, 'tick', 'sooner')
    times = ticks(clock, 2)
    assert [args for _, args, _ in clock.get_attr('calls')] == [('sooner',), ('later',)]
    assert 0.49 < times[0] - begin < times[1] - begin
    assert 0.99 < times[1] - begin < 10
    assert still(clock)


def test_after_zero_runs_as_soon_as_the_main_thread_is_free(clock):
    begin = time.monotonic()
    clock.after(0, 'tick')
    assert ticks(clock, 1)[0] - begin < 0.8

    block(clock)
    clock.unsafe.after(0, 'tick')
    assert not wait_agent_attr(clock, 'ticks', length=2, timeout=0.3)
    released = time.monotonic()
    clock.unsafe.set_attr(released=True)
    assert ticks(clock, 2)[1] - released < 0.8


# ---- identifiers and stopping --------------------------------------------------------------


def test_identifiers_are_the_alias_or_unique_and_listed_at_once(clock):
    assert clock.list_timers() == []
    mine = clock.each(60, 'tick', alias='mine')
    assert mine == 'mine'
    others = [clock.each(60, 'tick'), clock.each(60, 'tick'), clock.after(60, 'tick')]
    assert clock.after(60, 'tick', alias='once') == 'once'
    assert len({mine, 'once', *others}) == 5
    listed = clock.list_timers()
    assert isinstance(listed, list)
    assert sorted(listed, key=repr) == sorted([mine, 'once', *others], key=repr)


def test_a_stopped_timer_starts_no_more_actions_and_leaves_the_list(clock):
    assert clock.each(0.02, 'tick', 'named', alias='named') == 'named'
    unnamed = clock.each(0.02, 'tick', 'unnamed')
    ticks(clock, 6)
    assert clock.stop_timer('named') is None
    assert clock.list_timers() == [unnamed]
    clock.set_attr(calls=[])
    assert wait_agent_attr(clock, 'calls', length=3)
    assert {args for _, args, _ in clock.get_attr('calls')} == {('unnamed',)}
    clock.stop_timer(unnamed)
    assert clock.list_timers() == []
    assert still(clock)


def test_a_pending_after_that_is_stopped_never_runs(clock):
    timer = clock.after(0.2, 'tick')
    clock.after(0.2, 'tick', alias='kept')
    clock.stop_timer(timer)
    assert timer not in clock.list_timers()
    ticks(clock, 1)
    assert still(clock)


@pytest.mark.new
def test_a_tick_that_waits_for_the_main_thread_is_dropped_when_its_timer_is_stopped(clock):
    block(clock)
    timer = clock.unsafe.after(0.05, 'tick')
    clock.unsafe.each(60, 'slow_tick', 0, alias='marker')
    assert not wait_agent_attr(clock, 'ticks', length=1, timeout=0.2)
    clock.unsafe.stop_timer(timer)
    clock.unsafe.set_attr(released=True)
    ticks(clock, 1)
    assert still(clock)
    assert clock.get_attr('calls') == []


def test_all_timers_are_stopped_and_later_ones_work(clock):
    assert clock.stop_all_timers() is None
    for number in range(5):
        clock.each(0.02, 'tick', number)
    clock.after(0.4, 'tick', 'pending')
    ticks(clock, 10)
    assert clock.stop_all_timers() is None
    assert clock.list_timers() == []
    assert still(clock, seconds=0.6)
    clock.set_attr(calls=[])
    clock.each(0.02, 'tick', 'new')
    assert wait_agent_attr(clock, 'calls', length=2)


@pytest.mark.parametrize(
    'stop',
    [
        lambda agent: agent.unsafe.stop_timer('typo'),
        pytest.param(lambda agent: agent.stop_timer('typo'), marks=pytest.mark.new),
    ],
    ids=['unsafely', 'safely'],
)
def test_stopping_an_unknown_timer_is_a_key_error_and_harmless(clock, stop):
    with pytest.raises(KeyError, match='typo'):
        stop(clock)
    assert clock.ping() == 'pong'


def test_stopping_a_timer_that_has_fired_is_silent(clock):
    timer = clock.after(0, 'tick')
    clock.after(0, 'tick', alias='named')
    ticks(clock, 2)
    assert clock.stop_timer(timer) is None
    assert clock.stop_timer('named') is None
    assert clock.list_timers() == []
    assert clock.ping() == 'pong'


@pytest.mark.new
def test_a_timer_that_has_fired_leaves_the_list(clock):
    timers = [clock.after(0, 'tick'), clock.after(0, 'tick', alias='named')]
    later = clock.after(60, 'tick')
    ticks(clock, 2)
    assert wait_condition(lambda: clock.list_timers() == [later])
    for timer in timers:
        assert clock.stop_timer(timer) is None


@pytest.mark.new
def test_the_same_alias_again_replaces_the_timer(clock):
    clock.each(0.02, 'tick', 'first', alias='mine')
    ticks(clock, 2)
    clock.each(0.02, 'tick', 'second', alias='mine')
    clock.set_attr(calls=[])
    assert wait_agent_attr(clock, 'calls', length=5)
    assert {args for _, args, _ in clock.get_attr('calls')} == {('second',)}
    assert clock.list_timers() == ['mine']
    clock.stop_timer('mine')
    assert still(clock)


@pytest.mark.new
def test_functions_of_the_same_name_make_timers_of_their_own_and_are_not_stored(clock):
    def make(text):
        def action(agent):
            agent.calls.append(text)

        return action

    clock.each(0.02, lambda agent: agent.calls.append('first lambda'))
    clock.each(0.02, lambda agent: agent.calls.append('second lambda'))
    clock.each(0.02, make('first function'))
    clock.after(0.02, make('second function'))
    expected = {'first lambda', 'second lambda', 'first function', 'second function'}
    assert wait_condition(lambda: set(clock.get_attr('calls')) == expected)
    for name in ('<lambda>', 'action'):
        with pytest.raises(AttributeError):
            clock.get_attr(name)


@pytest.mark.new
def test_two_hundred_timers_have_no_two_hundred_threads(clock):
    before = clock.execute_as_function(threading.active_count)
    for number in range(200):
        clock.each(0.2, 'tick', number)
    assert wait_condition(lambda: len({args for _, args, _ in clock.get_attr('calls')}) == 200, timeout=5)
    assert len(clock.list_timers()) == 200
    assert clock.execute_as_function(threading.active_count) < before + 5


# ---- mistakes and failures -----------------------------------------------------------------


@pytest.mark.new
@pytest.mark.parametrize('start', ['each', 'after'])
def test_an_unknown_method_is_the_callers_mistake(clock, start):
    for proxy in (clock, clock.unsafe):
        with pytest.raises(AttributeError, match='typo'):
            getattr(proxy, start)(0.1, 'typo')
    for nonsense in (7, None):
        with pytest.raises(TypeError):
            getattr(clock, start)(0.1, nonsense)
    assert clock.list_timers() == []
    assert clock.ping() == 'pong'


@pytest.mark.new
def test_a_negative_period_is_the_callers_mistake(clock):
    for proxy in (clock, clock.unsafe):
        with pytest.raises(ValueError, match=r'-0\.5'):
            proxy.each(-0.5, 'tick')
    assert clock.list_timers() == []
    assert clock.get_attr('ticks') == []
    assert clock.ping() == 'pong'


def test_an_exception_in_an_action_stops_the_agent_and_all_its_timers(clock):
    clock.each(0.02, 'tick')
    ticks(clock, 3)
    clock.after(0.05, lambda agent: 1 / 0)
    assert wait_agent_attr(clock, '_running', value=False)
    number = len(clock.get_attr('ticks'))
    assert not wait_agent_attr(clock, 'ticks', length=number + 1, timeout=0.4)


def test_a_delay_that_ends_when_the_agent_runs_may_start_before_it(nsproxy):
    class Early(Clock):
        def on_init(self):
            super().on_init()
            self.after(0.6, 'tick', 'on_init')

    AgentProcess('a0', base=Early).start()
    agent = Proxy('a0', safe=False)
    agent.after(0.6, 'tick', 'not running yet')
    agent.run()
    agent.wait_for_running()
    ticks(agent, 2)
    assert {args for _, args, _ in agent.get_attr('calls')} == {('on_init',), ('not running yet',)}


@pytest.mark.new
def test_ticks_that_are_due_before_the_agent_runs_are_held(nsproxy):
    class Early(Clock):
        def on_init(self):
            super().on_init()
            self.each(0.05, 'tick', 'each')
            self.after(0, lambda agent: agent.calls.append('after'))

    AgentProcess('a0', base=Early).start()
    agent = Proxy('a0', safe=False)
    assert not wait_agent_attr(agent, 'calls', length=1, timeout=0.3)
    agent.run()
    agent.wait_for_running()
    ticks(agent, 4)
    assert agent.get_attr('calls').count('after') == 1
    assert agent.is_running()


@pytest.mark.parametrize(
    'end',
    [
        lambda ns, agent: agent.shutdown(),
        lambda ns, agent: agent.oneway.kill(),
        lambda ns, agent: ns.shutdown_agents(),
    ],
    ids=['shutdown', 'kill', 'name server'],
)
def test_timers_do_not_hold_up_the_end(nsproxy, clock, end):
    clock.each(0, 'tick')
    clock.each(0.05, 'slow_tick', 0.3)
    clock.after(3600, 'tick')
    ticks(clock, 20)
    end(nsproxy, clock)
    assert agent_dies('clock', nsproxy, timeout=4)
