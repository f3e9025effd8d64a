"""When the library calls what a subclass overrides: construction, start, idle times, end."""

import os
import threading
import time
from itertools import pairwise

import Pyro4
import pytest

from osbrain import Agent, AgentProcess, NSProxy, Proxy, run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition


class Diary(Agent):
    """Write down what was called, in which thread and in which state."""

    def on_init(self):
        self.notes = []
        self.note('on_init')

    def before_loop(self):
        self.note('before_loop')

    def note(self, what):
        self.notes.append((what, self.is_running(), threading.get_ident()))


# ---- construction --------------------------------------------------------------------------


def test_the_process_builds_the_agent_with_exactly_the_documented_keywords(nsproxy):
    class Wrapped(Agent):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.given = kwargs

        def on_init(self):
            self.initial = (self.name, self.x, hasattr(self, 'given'))

    agent = run_agent('a0', base=Wrapped, serializer='json', transport='tcp', attributes={'x': lambda: 'x'})
    given = agent.get_attr('given')
    assert sorted(given) == ['attributes', 'host', 'name', 'serializer', 'transport']
    assert (given['name'], given['serializer'], given['transport']) == ('a0', 'json', 'tcp')
    name, x, late = agent.get_attr('initial')
    assert (name, x(), late) == ('a0', 'x', False)


def test_on_init_runs_in_the_new_process_before_the_name_is_known(nsproxy):
    class Curious(Agent):
        def on_init(self):
            self.pid = os.getpid()
            self.known = NSProxy().agents()
            self.running = self.is_running()

    agent = run_agent('a0', base=Curious)
    assert agent.get_attr('pid') == agent.execute_as_function(os.getpid) != os.getpid()
    assert agent.get_attr('known') == []
    assert agent.get_attr('running') is False
    assert nsproxy.agents() == ['a0']


def test_on_init_may_bind_and_connect(nsproxy):
    class Server(Agent):
        def on_init(self):
            self.received = []
            self.bind('PULL', alias='in', handler='on_message')
            self.bind('REP', alias='rep', handler=lambda agent, message: message + '!')

        def on_message(self, message):
            self.received.append(message)

    class Client(Agent):
        def on_init(self):
            self.connect(self.inbox, alias='out')
            self.connect(self.desk, alias='req')
            self.send('out', 'from on_init')
            self.answer = self.send_recv('req', 'hello')

    server = run_agent('server', base=Server)
    addresses = {'inbox': server.addr('in'), 'desk': server.addr('rep')}
    client = run_agent('client', base=Client, attributes=addresses)
    assert client.get_attr('answer') == 'hello!'
    client.send('out', 'from outside')
    assert wait_agent_attr(server, length=2)
    assert server.get_attr('received') == ['from on_init', 'from outside']


@pytest.mark.parametrize(
    'hook',
    ['__init__', 'on_init', pytest.param('before_loop', marks=pytest.mark.new)],
)
def test_an_exception_on_the_way_up_is_an_error_of_the_start(nsproxy, hook, monkeypatch):
    # Nobody waits until the time for a start is over.
    monkeypatch.setattr('osbrain._process.RUN_WAIT', 60.0)
    def fail(self, *args, **kwargs):
        raise ZeroDivisionError('not today')

    broken = type('Broken', (Agent,), {hook: fail})
    begin = time.monotonic()
    with pytest.raises(RuntimeError) as error:
        run_agent('a0', base=broken)
    assert time.monotonic() - begin < 30
    assert 'ZeroDivisionError' in str(error.value)
    assert 'not today' in str(error.value)
    assert nsproxy.agents() == []
    assert run_agent('a0').ping() == 'pong'


# ---- the loop ------------------------------------------------------------------------------


def test_before_loop_runs_once_in_the_main_thread_while_the_agent_counts_as_running(nsproxy):
    AgentProcess('a0', base=Diary).start()
    agent = Proxy('a0')
    (init,) = agent.get_attr('notes')
    assert init[:2] == ('on_init', False)

    agent.run()
    agent.wait_for_running()
    agent.note('safe call')
    _, before, call = agent.get_attr('notes')
    assert before[:2] == ('before_loop', True)
    assert call == ('safe call', True, before[2])


def test_before_loop_comes_before_any_message_and_may_start_timers(nsproxy):
    class Slow(Diary):
        def on_init(self):
            super().on_init()
            self.bind('PULL', alias='in', handler='note')

        def before_loop(self):
            self.timer = self.each(0.05, 'note', 'tick')
            self.after(0, lambda agent: agent.note('once'))
            deadline = time.monotonic() + 20
            while not self.go_on and time.monotonic() < deadline:
                time.sleep(0.01)
            super().before_loop()

    AgentProcess('slow', base=Slow, attributes={'go_on': False}).start()
    slow, sender = Proxy('slow', safe=False), run_agent('sender')
    sender.connect(slow.addr('in'), alias='out')
    sender.send('out', 'message')
    slow.run()
    slow.wait_for_running()
    slow.set_attr(go_on=True)

    def notes():
        return [what for what, _, _ in slow.get_attr('notes')]

    assert wait_condition(lambda: notes().count('tick') >= 3 and 'message' in notes())
    assert notes()[:2] == ['on_init', 'before_loop']
    assert notes().count('once') == 1
    assert slow.get_attr('timer') in slow.list_timers()


class Idler(Agent):
    poll_timeout = 300

    def on_init(self):
        self.idle_times = []
        self.idle_threads = set()
        if self.poll_timeout:
            self._poll_timeout = self.poll_timeout

    def idle(self):
        self.idle_times.append(time.monotonic())
        self.idle_threads.add(threading.get_ident())

    def thread(self):
        return threading.get_ident()


def test_idle_is_called_in_the_main_thread_each_time_the_poll_timeout_is_over(nsproxy):
    agent = run_agent('a0', base=Idler)
    assert wait_agent_attr(agent, 'idle_times', length=6, timeout=30)
    times = agent.get_attr('idle_times')
    assert 0.26 < min(later - earlier for earlier, later in pairwise(times)) < 0.5
    assert agent.get_attr('idle_threads') == {agent.thread()}


def test_the_poll_timeout_is_one_second_and_read_again_before_each_poll(nsproxy):
    class Patient(Idler):
        poll_timeout = None

    agent = run_agent('a0', base=Patient)
    assert agent.get_attr('_poll_timeout') == 1000
    assert wait_agent_attr(agent, 'idle_times', length=3, timeout=30)
    times = agent.get_attr('idle_times')
    assert 0.9 < min(later - earlier for earlier, later in pairwise(times)) < 1.5
    agent.set_attr(_poll_timeout=20)
    seen = len(agent.get_attr('idle_times'))
    assert wait_agent_attr(agent, 'idle_times', length=seen + 20, timeout=15)


def test_an_agent_that_is_spoken_to_all_the_time_is_not_idle(nsproxy):
    agent = run_agent('a0', base=Idler)
    pause, longest, last = threading.Event(), 0, time.monotonic()
    agent.ping()
    before = len(agent.get_attr('idle_times'))
    for _ in range(30):
        pause.wait(0.03)
        agent.ping()
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    after = len(agent.get_attr('idle_times'))
    longest = max(longest, time.monotonic() - last)
    # Between two pings the agent hears nothing for two round trips at most: a late answer, and a late request.
    if longest < 0.15:  # else the machine was too busy for the agent to be spoken to all the time
        assert after == before
    assert wait_agent_attr(agent, 'idle_times', length=after + 1, timeout=30)


# ---- overridden methods --------------------------------------------------------------------


def test_any_method_may_be_overridden_and_call_the_one_it_overrides(nsproxy):
    class Polite(Agent):
        def ping(self):
            return super().ping() + ', sir'

        def log_info(self, message, logger='_logger'):
            self.last = message
            super().log_info('sir, ' + message, logger)

        def set_attr(self, **kwargs):
            super().set_attr(**{'my_' + key: value for key, value in kwargs.items()})

    agent = run_agent('a0', base=Polite)
    assert agent.ping() == 'pong, sir'
    agent.log_info('hello')
    assert agent.get_attr('last') == 'hello'
    agent.set_attr(x=1)
    assert agent.get_attr('my_x') == 1


class LateRunner(Agent):
    @Pyro4.oneway
    def run(self):
        time.sleep(1)
        super().run()


class LateRunnerWithoutDecorator(Agent):
    def run(self):
        time.sleep(1)
        super().run()


@pytest.mark.parametrize('base', [LateRunner, pytest.param(LateRunnerWithoutDecorator, marks=pytest.mark.new)])
def test_an_overridden_run_may_start_late(nsproxy, base):
    begin = time.monotonic()
    agent = run_agent('a0', base=base)
    assert time.monotonic() - begin > 1
    assert agent.ping() == 'pong'


class Leaver(Agent):
    """Leave a file with the name of each method that was called at the end."""

    def shutdown(self):
        (self.folder / 'shutdown').touch()
        super().shutdown()

    def kill(self):
        (self.folder / 'kill').touch()
        super().kill()


@pytest.mark.parametrize(
    'ask',
    [
        lambda ns, agent: agent.shutdown(),
        lambda ns, agent: agent.unsafe.shutdown(),
        lambda ns, agent: agent.after(0, 'shutdown'),
        lambda ns, agent: ns.shutdown_agents(),
    ],
    ids=['safely', 'unsafely', 'by a timer', 'by the name server'],
)
def test_an_overridden_shutdown_is_called_whoever_asks(nsproxy, ask, tmp_path):
    agent = run_agent('a0', base=Leaver, attributes={'folder': tmp_path})
    ask(nsproxy, agent)
    assert agent_dies('a0', nsproxy, timeout=3)
    assert [path.name for path in tmp_path.iterdir()] == ['shutdown']


def test_the_end_of_the_name_server_calls_an_overridden_shutdown(tmp_path):
    nameserver = run_nameserver()
    run_agent('a0', base=Leaver, attributes={'folder': tmp_path})
    nameserver.shutdown()
    assert [path.name for path in tmp_path.iterdir()] == ['shutdown']


def test_an_overridden_kill_is_called_for_agents_that_do_not_run(nsproxy, tmp_path):
    (tmp_path / 'stopped').mkdir()
    (tmp_path / 'new').mkdir()
    stopped = run_agent('stopped', base=Leaver, attributes={'folder': tmp_path / 'stopped'})
    stopped.stop()
    assert wait_agent_attr(stopped, '_running', value=False)
    AgentProcess('new', base=Leaver, attributes={'folder': tmp_path / 'new'}).start()
    nsproxy.shutdown_agents()
    assert (tmp_path / 'stopped' / 'kill').exists()
    assert (tmp_path / 'new' / 'kill').exists()
