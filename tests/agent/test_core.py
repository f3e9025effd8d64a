"""A whole agent in this process: what its loop does with failures, calls, waits and the wish to end."""

import gc
import threading

import pytest

import osbrain
from osbrain import Agent
from osbrain._agent.core import checked_policy, core_of, core_of_this_thread
from osbrain._agent.mailbox import Job
from osbrain.errors import NotRunning, OptionInvalid, WaitTimeout

LIMIT = 5


class Mute(Exception):
    def __str__(self):
        raise ZeroDivisionError('no text')


def fail(agent, *args):
    raise LookupError('why')


def stop(agent, *args):
    agent.stop()


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


def run_with(agent, *actions):
    """Run the agent in this thread: one action after the other, and what comes of them; then stop unless it has."""
    for number, action in enumerate(actions):
        agent.after(number / 1000, action)
    agent.after(len(actions) / 1000 + 0.01, stop_when_idle)
    agent.run()


def stop_when_idle(agent):
    agent._poll_timeout = 10
    agent.idle = agent.stop


def test_an_agent_runs_until_it_is_stopped_and_can_run_again(new_agent):
    agent = new_agent()
    states = []
    for _ in range(2):
        run_with(agent, lambda agent: states.append((agent.is_running(), core_of_this_thread() is core_of(agent))))
        assert not agent.is_running()
        assert core_of_this_thread() is None
    assert states == [(True, True)] * 2


def test_messages_reach_handlers_of_the_running_agent(new_agent):
    agent = new_agent()
    address = agent.bind('PULL', 'pull', handler=keep)
    agent.connect(address, 'push')
    run_with(agent, *[lambda agent, number=number: agent.send('push', number) for number in range(3)])
    assert agent.received == [0, 1, 2]


@pytest.mark.parametrize('where', ['timer', 'handler', 'idle', 'on_error'])
def test_a_failure_in_the_agent_s_own_code_stops_it_with_one_record(new_agent, capsys, where):
    agent = new_agent()
    if where == 'idle':
        agent._poll_timeout = 1
        agent.idle = lambda: fail(agent)
        agent.run()
    else:
        agent.bind('PULL', 'pull', handler=fail)
        agent.connect(agent.addr('pull'), 'push')
        agent.connect(agent.bind('ASYNC_REP', 'rep', handler=keep), 'req', handler=keep)
        actions = {
            'timer': fail,
            'handler': lambda agent: agent.send('push', 1),
            'on_error': lambda agent: agent.send('req', 1, wait=0.001, on_error=fail),
        }
        if where == 'on_error':
            core_of(agent).loop.forget(core_of(agent).endpoints['rep'].wire)  # so that nobody answers
        agent.after(0, actions[where])
        agent.after(LIMIT, 'stop')
        agent.run()
    assert not agent.is_running()
    assert core_of(agent).reason == 'LookupError: why'
    assert agent.list_timers() == []
    assert agent.counters()['errors'] == 1
    err = capsys.readouterr().err
    assert err.count('ERROR [') == 1
    assert '): An exception occurred while running! (why)\n' in err
    assert '|LookupError: why' in err


def test_the_log_of_a_method_that_fails_shows_where_it_failed_and_nothing_of_how_it_was_called(new_agent, capsys):
    def divide(agent):
        return 1 / 0

    def call(agent):
        with pytest.raises(ZeroDivisionError, match='Error executing `execute_as_method`!'):
            agent.safe_call('execute_as_method', divide)

    agent = new_agent()
    job = threading.Thread(target=call, args=[agent])
    agent.after(0, lambda agent: job.start())
    agent.after(LIMIT, 'stop')
    agent.run()
    job.join(LIMIT)
    err = capsys.readouterr().err
    assert err.count('Traceback (most recent call last)') == 1
    assert err.rstrip().splitlines()[-2] == '|ZeroDivisionError: division by zero'


def test_an_agent_that_goes_on_after_errors_counts_and_logs_them(new_agent, capsys):
    agent = new_agent()
    core_of(agent).on_error = 'continue'
    run_with(agent, fail, fail, lambda agent: keep(agent, 'still here'))
    assert agent.received == ['still here']
    assert agent.counters()['errors'] == 2
    assert core_of(agent).reason == 'it was stopped'
    assert capsys.readouterr().err.count('An exception occurred while running!') == 2


@pytest.mark.parametrize('policy', ['stop', 'continue'])
@pytest.mark.parametrize('error', [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_a_handler_that_ends_the_program_ends_the_agent_and_the_rest_is_left(new_agent, capsys, error, policy):
    def leave(agent, message):
        keep(agent, message)
        raise error

    agent = new_agent()
    core_of(agent).on_error = policy
    agent.connect(agent.bind('PULL', handler=leave), 'push')
    agent.send_many('push', [1, 2])
    agent.run()
    assert agent.received == [1]
    assert core_of(agent).ending
    assert capsys.readouterr().err == ''


def test_what_no_program_means_to_raise_goes_to_whoever_runs_the_agent(new_agent):
    class Odd(BaseException):
        pass

    def raise_it(agent, message):
        raise Odd

    agent = new_agent()
    core_of(agent).on_error = 'continue'
    agent.connect(agent.bind('PULL', handler=raise_it), 'push')
    agent.send('push', 1)
    with pytest.raises(Odd):
        agent.run()
    assert not agent.is_running()
    assert core_of_this_thread() is None


def test_the_record_of_a_crash_comes_when_the_agent_counts_as_stopped(new_agent, monkeypatch):
    agent = new_agent()
    states = []
    core = core_of(agent)
    monkeypatch.setattr(core, 'log', lambda level, message: states.append((level, agent.is_running())))
    run_with(agent, fail)
    assert states == [('ERROR', False)]


@pytest.mark.parametrize('policy', ['stop', 'continue'])
def test_an_error_that_cannot_be_shown_is_dealt_with_as_any_other(new_agent, capsys, policy):
    def mute(agent):
        raise Mute

    agent = new_agent()
    core_of(agent).on_error = policy
    run_with(agent, mute, lambda agent: keep(agent, 'still here'))
    assert agent.counters()['errors'] == 1
    assert hasattr(agent, 'received') == (policy == 'continue')
    assert 'Mute' in capsys.readouterr().err


@pytest.mark.parametrize('error', [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_what_ends_a_program_ends_the_agent_without_a_record(new_agent, capsys, error):
    def leave(agent):
        raise error

    agent = new_agent()
    run_with(agent, leave, fail)
    assert core_of(agent).ending
    assert core_of(agent).reason == 'it was shut down'
    assert agent.counters()['errors'] == 0
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('error', [LookupError('why'), SystemExit(3)], ids=repr)
def test_what_before_loop_raises_goes_to_whoever_runs_the_agent(new_agent, error):
    class Unprepared(Agent):
        def before_loop(self):
            raise error

    agent = new_agent(Unprepared)
    with pytest.raises(type(error)):
        agent.run()
    assert not agent.is_running()


def test_before_loop_runs_when_the_agent_counts_as_running(new_agent):
    class Prepared(Agent):
        def before_loop(self):
            self.state = self.is_running()
            self.after(0, 'stop')

    agent = new_agent(Prepared)
    agent.run()
    assert agent.state is True


def test_a_message_that_cannot_be_read_is_logged_and_counted_and_the_agent_goes_on(new_agent, capsys):
    agent = new_agent()
    agent.connect(agent.bind('PULL', 'in', handler=keep), 'out')
    out = core_of(agent).endpoints['out']
    run_with(agent, lambda agent: out.wire.send(b'no pickle'), lambda agent: agent.send('out', 'good'))
    assert agent.received == ['good']
    assert agent.counters() == {'errors': 0, 'undecodable': 1, 'overflows': 0, 'refused': 0}
    record = capsys.readouterr().err
    assert "ignored on socket 'in' of agent 'a0'" in record


def test_a_handler_may_close_its_own_socket(new_agent):
    def once(agent, message):
        keep(agent, message)
        agent.close('in')

    agent = new_agent()
    agent.connect(agent.bind('PULL', 'in', handler=once), 'out')
    run_with(agent, lambda agent: [agent.send('out', number) for number in range(5)])
    assert agent.received == [0]
    assert not agent.has_socket('in')


def test_an_agent_that_runs_cannot_be_run_once_more(new_agent):
    agent = new_agent()
    refused = []

    def again(agent):
        with pytest.raises(OptionInvalid):
            agent.run()
        refused.append(agent.is_running())

    run_with(agent, again)
    assert refused == [True]


# -- Calls of other threads -----------------------------------------------------------------------------------------


def test_a_safe_call_runs_in_the_loop_s_thread(new_agent, running):
    with running(new_agent()) as agent:
        loop = agent.safe_call('execute_as_function', threading.get_ident)
        assert loop != threading.get_ident()
        assert agent.safe_call('execute_as_function', threading.get_ident) == loop


def test_a_safe_call_from_inside_the_loop_runs_at_once(new_agent, running):
    with running(new_agent()) as agent:
        assert agent.safe_call('execute_as_method', lambda agent: agent.safe_call('ping')) == 'pong'


def test_a_safe_call_that_fails_raises_at_the_caller_and_stops_the_agent(new_agent, running, capsys):
    with running(new_agent()) as agent:
        with pytest.raises(LookupError, match=r'Error executing `execute_as_method`! \(why\)'):
            agent.safe_call('execute_as_method', fail)
        assert not agent.is_running()
        with pytest.raises(NotRunning, match='LookupError: why'):
            agent.safe_call('ping')


def test_a_caller_s_mistake_is_the_caller_s_alone(new_agent, running, capsys):
    with running(new_agent()) as agent:
        for wrong in (('typo',), ('addr', 'typo'), ('ping', 'argument')):
            with pytest.raises((AttributeError, KeyError, TypeError)):
                agent.safe_call(*wrong)
        assert agent.safe_call('ping') == 'pong'
    assert agent.counters()['errors'] == 0
    assert capsys.readouterr().err == ''


def test_an_agent_that_never_ran_refuses_safe_calls(new_agent):
    with pytest.raises(NotRunning, match='Agent must be running to safely execute methods!'):
        new_agent().safe_call('ping')


def test_a_stop_fails_the_calls_that_wait(new_agent, running):
    agent = new_agent()
    entered, leave = threading.Event(), threading.Event()

    def busy(agent):
        entered.set()
        leave.wait(LIMIT)
        agent.stop()

    agent.after(0, busy)
    with running(agent):
        assert entered.wait(LIMIT)
        job = core_of(agent).mailbox.submit(lambda: None)
        leave.set()
        with pytest.raises(NotRunning, match='it was stopped'):
            job.wait(LIMIT)


def test_who_calls_is_known_while_the_job_runs_and_forgotten_after_it(new_agent, running):
    with running(new_agent()) as agent:
        core = core_of(agent)
        assert core.mailbox.submit(lambda: core.waits.job, waiting=('me',)).wait(LIMIT) == ('me',)
        assert core.mailbox.submit(lambda: core.waits.job).wait(LIMIT) == ()


# -- Waits inside a handler -----------------------------------------------------------------------------------------


@pytest.fixture
def waiting(new_agent, running):
    """A running agent whose handler waits for an answer that does not come."""
    agent = new_agent()
    agent.connect(agent.bind('REP', 'rep', handler=lambda agent, message: message), 'req')
    entered = threading.Event()

    def ask(agent):
        entered.set()
        try:
            agent.outcome = agent.send_recv('req', 1, timeout=LIMIT)
        except BaseException as error:
            agent.outcome = type(error).__name__
            raise

    agent.after(0, ask)
    with running(agent):
        assert entered.wait(LIMIT)
        yield agent


def test_urgent_calls_are_answered_while_a_handler_waits(waiting):
    core = core_of(waiting)
    assert core.mailbox.submit(waiting.ping, urgent=True).wait(LIMIT) == 'pong'
    patient = core.mailbox.submit(waiting.ping)
    with pytest.raises(WaitTimeout):
        patient.wait(0.01)


def test_the_wish_to_end_ends_a_handler_that_waits(waiting):
    core_of(waiting).mailbox.submit(waiting.shutdown, urgent=True).wait(LIMIT)
    core = core_of(waiting)
    with core.changed:
        assert core.changed.wait_for(lambda: not core.running, LIMIT)
    assert waiting.outcome == 'Interrupted'
    assert waiting.counters()['errors'] == 0


def test_a_call_that_was_interrupted_gets_an_answer(new_agent, running):
    agent = new_agent()
    agent.connect(agent.bind('REP', 'rep', handler=lambda agent, message: message), 'req')
    with running(agent):
        core = core_of(agent)
        job = core.mailbox.submit(lambda: agent.send_recv('req', 1))
        core.mailbox.submit(agent.shutdown, urgent=True)
        with pytest.raises(Exception, match='Interrupted'):
            job.wait(LIMIT)


# -- Small things ---------------------------------------------------------------------------------------------------


def test_what_a_failing_handler_does_is_one_of_two_things(monkeypatch, new_agent):
    assert [checked_policy(one) for one in ('stop', 'continue')] == ['stop', 'continue']
    with pytest.raises(OptionInvalid, match="'stop' or 'continue'"):
        checked_policy('ignore')
    monkeypatch.setitem(osbrain.config, 'ON_ERROR', 'continue')
    assert core_of(new_agent()).on_error == 'continue'


def test_a_job_outside_of_the_loop_gets_its_share_of_a_failure(new_agent):
    core = core_of(new_agent())
    job = Job(lambda: 1 / 0, False, ())
    core.run_job(job)
    with pytest.raises(ZeroDivisionError):
        job.wait(0)
    assert core.counters['errors'] == 1


def test_an_agent_that_is_built_and_forgotten_gives_its_sockets_back():
    agent = Agent(transport='inproc')
    agent.bind('PUSH', 'push')
    (socket,) = core_of(agent).wires._sockets
    del agent
    gc.collect()
    assert socket.closed


def test_closing_all_leaves_no_name_behind(new_agent):
    agent = new_agent()
    for number in range(3):
        agent.bind('PUSH', f'alias {number}')
    agent.close_all()
    assert core_of(agent).endpoints == {}
    assert core_of(agent).wires._sockets == set()
