"""Many agents at once: all of them run in the end, or none is left."""

import contextlib
import os
import signal
import threading
import time

import pytest

from osbrain import Agent, Proxy, config, run_agent, run_agents, run_nameserver
from osbrain import _batch as batch
from osbrain.helper import wait_condition

pytestmark = pytest.mark.new


@pytest.fixture(params=['forkserver', 'fork', 'spawn'])
def start_method(request, monkeypatch):
    """Each way of starting processes; ask for it before the name server."""
    monkeypatch.setenv('OSBRAIN_START_METHOD', request.param)
    return request.param


@pytest.fixture
def narrow(monkeypatch):
    """Only two agents are under way at a time, so that the others of a batch run or wait."""
    monkeypatch.setattr(batch, '_PER_CORE', 1)
    monkeypatch.setattr(batch, '_cores', lambda: 2)


@pytest.fixture
def settings():
    """The settings of osbrain, which are put back afterwards."""
    before = dict(config)
    yield config
    config.clear()
    config.update(before)


@contextlib.contextmanager
def fails(nsproxy, *fragments, others=()):
    """Starting a batch fails with an error that says so, within seconds; only the names *others* are taken."""
    before = time.monotonic()
    with pytest.raises(RuntimeError) as caught:
        yield caught
    assert time.monotonic() - before < 30  # slow() takes 60
    # Looked at once: the names are free when the error is raised.
    assert sorted(nsproxy.agents()) == sorted(others)
    assert all(fragment in str(caught.value) for fragment in fragments), caught.value


def failing(hook='on_init'):
    def fail(self):
        raise ZeroDivisionError('on purpose')

    return type('Failing', (Agent,), {hook: fail})


def bound():
    """Have a socket whose file must not stay."""

    class Bound(Agent):
        def on_init(self):
            self.bind('PULL', alias='in', handler=lambda agent, message: None, transport='ipc')

    return Bound


def slow(seconds=60):
    class Slow(Agent):
        def on_init(self):
            time.sleep(seconds)

    return Slow


# All of them run


def test_the_proxies_come_in_the_order_of_the_specs(start_method, nsproxy):
    """Whatever way they are started; all of them run."""
    names = [f'a{number}' for number in (3, 1, 4, 5, 9, 2, 6)]
    agents = run_agents(names)
    assert all(isinstance(agent, Proxy) and agent.is_running() for agent in agents)
    assert [agent.get_attr('name') for agent in agents] == names
    assert sorted(nsproxy.agents()) == sorted(names)
    assert len({agent.execute_as_function(os.getpid) for agent in agents}) == 7


def test_specs_are_names_or_arguments_of_run_agent(nsproxy):
    class Base(Agent):
        def on_init(self):
            self.doubled = 2 * self.value

    def specs():
        yield 'plain'
        yield {'name': 'full', 'base': Base, 'attributes': {'value': 21}, 'transport': 'tcp', 'serializer': 'json'}
        yield {'name': 'loose', 'safe': False, 'addr': '127.0.0.1', 'advertise': '127.0.0.1', 'on_error': 'continue'}
        yield {}
        yield {'name': ''}

    plain, full, loose, *unnamed = run_agents(specs(), nsaddr=nsproxy.addr())
    address = full.bind('PUSH')
    assert (full.get_attr('doubled'), address.transport, address.serializer) == (42, 'tcp', 'json')
    assert plain._default_safe is True and loose._default_safe is False
    with pytest.raises(ZeroDivisionError):
        loose.safe.execute_as_function(lambda: 1 // 0)
    assert loose.is_running()
    made_up = [agent.get_attr('name') for agent in unnamed]
    assert sorted(nsproxy.agents()) == sorted(['plain', 'full', 'loose', *made_up]) and len(set(made_up)) == 2


def test_the_specs_are_left_as_they_are(nsproxy):
    spec = {'safe': False}
    assert len(run_agents([spec, spec])) == 2
    assert spec == {'safe': False}


def test_progress_is_told_in_the_callers_thread(nsproxy, narrow):
    """From none to all, one by one, each time when so many run."""
    told = []

    def progress(done, total):
        running = [record for record in nsproxy.status().values() if record.pid]
        told.append((done, total, threading.current_thread(), len(running) >= done))

    run_agents([f'a{number}' for number in range(5)], progress=progress)
    assert told == [(done, 5, threading.current_thread(), True) for done in range(6)]


def test_fifty_agents(nsproxy):
    """The limits count the time of each agent, not that of the batch."""
    agents = run_agents([f'a{number}' for number in range(50)])
    assert [agent.ping() for agent in agents] == ['pong'] * 50
    assert len(nsproxy.agents()) == 50


def test_time_in_the_queue_does_not_count(nsproxy, narrow, settings):
    settings['START_TIMEOUT'] = 3
    agents = run_agents([{'base': slow(0.6)}] * 12)  # two at a time: 3.6 s
    assert all(agent.is_running() for agent in agents)


def test_all_of_a_batch_join_the_name_server_that_is_given(nsproxy):
    with run_nameserver() as other:
        run_agents(['a0', 'a1'], nsaddr=nsproxy.addr())
        assert sorted(nsproxy.agents()) == ['a0', 'a1'] and other.agents() == []
        run_agents(['a0', 'a1'])
        assert sorted(other.agents()) == ['a0', 'a1']


def test_agents_run_batches_from_inside_a_handler(start_method, nsproxy):
    class Foreman(Agent):
        def hire(self, names):
            workers = run_agents(names)
            return [worker.get_attr('name') for worker in workers]

        def hire_in_vain(self, names, base):
            run_agents([*names, {'name': 'lazy', 'base': base}])

    foreman = run_agent('foreman', base=Foreman, on_error='continue')
    assert foreman.hire(['a0', 'a1', 'a2']) == ['a0', 'a1', 'a2']
    with fails(nsproxy, "'lazy' could not be started", others=['foreman', 'a0', 'a1', 'a2']):
        foreman.hire_in_vain(['b0', 'b1'], failing())
    assert foreman.is_running()


# One fails


@pytest.mark.parametrize('hook', ['on_init', 'before_loop'])
def test_when_one_fails_none_is_left(start_method, nsproxy, hook):
    """Neither processes nor names nor the files of sockets; and all of it can be had again."""
    specs = [{'name': f'a{number}', 'base': bound()} for number in range(4)]
    bad = {'name': 'bad', 'base': failing(hook)}
    text = "Of 5 agents, 'bad' could not be started; none is left.\nTraceback"
    with fails(nsproxy, text, 'ZeroDivisionError: on purpose') as caught:
        run_agents([*specs[:2], bad, *specs[2:]])
    assert caught.value.name == 'bad'
    assert len(run_agents([*specs, 'bad'])) == 5


@pytest.mark.parametrize(
    'die, how',
    [(lambda self: os._exit(37), 'exit code 37'), (lambda self: os.kill(os.getpid(), signal.SIGKILL), 'SIGKILL')],
)
@pytest.mark.parametrize('hook', ['on_init', 'before_loop'])
def test_a_death_counts_as_a_failure(nsproxy, die, how, hook):
    with fails(nsproxy, "'bad' could not be started", how):
        run_agents(['a0', {'name': 'bad', 'base': type('Mortal', (Agent,), {hook: die})}, 'a1'])


def test_those_that_run_are_shut_down_as_ever(nsproxy, narrow, tmp_path):
    """Their own ``shutdown`` is called, as when somebody else ends them."""

    class Tidy(Agent):
        def shutdown(self):
            (tmp_path / self.name).touch()
            super().shutdown()

    with fails(nsproxy, "'bad' could not be started"):
        run_agents([*({'name': f'a{number}', 'base': Tidy} for number in range(4)), {'name': 'bad', 'base': failing()}])
    # Of the two under way at a time one was the bad one, so that three at least ran before.
    assert len(list(tmp_path.iterdir())) >= 3


def test_those_that_take_too_long_are_interrupted(nsproxy):
    with fails(nsproxy, "Of 3 agents, 'bad' could not be started; none is left."):
        run_agents([{'name': 'a0', 'base': slow()}, {'name': 'bad', 'base': failing()}, {'name': 'a1', 'base': slow()}])


def test_those_that_nothing_stops_are_killed(nsproxy):
    class Stubborn(Agent):
        def on_init(self):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            time.sleep(60)

    with fails(nsproxy, "'bad' could not be started"):
        run_agents([{'base': Stubborn}, {'name': 'bad', 'base': failing()}])


def test_one_that_never_runs_is_a_failure(nsproxy):
    class Never(Agent):
        def run(self):
            pass

    with fails(nsproxy, "'never' could not be started", 'Timed out while waiting for the agent to be running'):
        run_agents(['a0', {'name': 'never', 'base': Never}])


def test_one_that_is_not_ready_in_time_is_a_failure(nsproxy, settings):
    settings['START_TIMEOUT'] = 3
    with fails(nsproxy, "'slow' could not be started", 'has not said whether it is ready (waited 3 s)'):
        run_agents([{'name': 'slow', 'base': slow()}, 'a0'])


def test_what_cannot_travel_is_a_failure(nsproxy):
    with fails(nsproxy, "'bad' could not be started", 'cannot pickle'):
        run_agents(['a0', {'name': 'bad', 'attributes': {'lock': threading.Lock()}}, 'a1'])


def test_a_name_that_somebody_takes_meanwhile_is_a_failure(nsproxy):
    """Whoever has taken it keeps it."""

    def progress(done, total):
        if not done:
            run_agent('a1')

    with fails(nsproxy, "'a1' could not be started", 'name already registered: a1', others=['a1']):
        run_agents(['a0', 'a1', 'a2'], progress=progress)
    assert Proxy('a1').ping() == 'pong'


def test_a_name_that_is_taken_is_an_error_before_anything_is_started(nsproxy):
    run_agent('a1')
    with fails(nsproxy, 'name already registered: a1', others=['a1']) as caught:
        run_agents(['a0', 'a1', 'a2'], progress=lambda done, total: pytest.fail('begun'))
    assert caught.value.name == 'a1'


# Whoever started them changes his mind


@pytest.mark.parametrize('when', [0, 1, 4, 5])
def test_what_progress_raises_ends_the_batch(nsproxy, narrow, when):
    class Cancelled(Exception):
        """Somebody has pressed a button."""

    def progress(done, total):
        if done == when:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_agents([{'name': f'a{number}', 'base': bound()} for number in range(5)], progress=progress)
    assert wait_condition(lambda: nsproxy.agents() == [])


@pytest.mark.parametrize('presses', [1, 2])
def test_an_interrupt_leaves_nothing(start_method, nsproxy, presses):
    """Some run by then, one is on its way; whoever presses again waits no longer for that one."""

    def press():
        assert wait_condition(lambda: len(nsproxy.agents()) == 2, timeout=10)
        os.kill(os.getpid(), signal.SIGINT)
        if presses == 2:
            assert wait_condition(lambda: not nsproxy.agents(), timeout=10)
            os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press)
    finger.start()
    with pytest.raises(KeyboardInterrupt):
        try:
            run_agents([{'name': 'a0', 'base': bound()}, 'a1', {'name': 'endless', 'base': slow()}])
        finally:
            finger.join()  # in here: who presses again may do so when the first press has done its work
    assert wait_condition(lambda: nsproxy.agents() == [])


@pytest.mark.parametrize('delay', [0.001, 0.004, 0.007, 0.013, 0.02])
def test_an_interrupt_may_come_at_any_moment(nsproxy, delay):
    """Also while a process is being made."""
    run_agent('first')

    def progress(done, total):
        if not done:
            signal.setitimer(signal.ITIMER_REAL, delay)

    def ring(number, frame):
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_agents([f'a{number}' for number in range(20)], progress=progress)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert wait_condition(lambda: nsproxy.agents() == ['first'])
