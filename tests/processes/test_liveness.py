"""Agents and name servers that die: what is noticed, told and taken up again."""

import os
import queue
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

import osbrain
from osbrain import Agent, AgentProcess, NSProxy, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr, wait_condition
from osbrain.nameserver import NameServerProcess
from osbrain.proxy import AgentGone
from tests.ports import free_port

pytestmark = pytest.mark.new

LIMIT = 10  # seconds for what takes milliseconds on an idle machine


class Heard:
    """A callback that keeps what it is told."""

    def __init__(self):
        self.events = queue.Queue()

    def __call__(self, event):
        self.events.put(event)

    def until(self, kind, name):
        """The next event of that kind and name; all others are left out."""
        while True:
            event = self.events.get(timeout=LIMIT)
            if (event.kind, event.name) == (kind, name):
                return event


def pid_of(agent):
    return agent.unsafe.execute_as_function(os.getpid)


@pytest.fixture
def heard(nsproxy):
    told = Heard()
    with nsproxy.watch(told):
        yield told


@pytest.fixture(params=['forkserver', 'fork', 'spawn'])
def start_method(request, monkeypatch):
    monkeypatch.setenv('OSBRAIN_START_METHOD', request.param)


# -- Death on the same host -------------------------------------------------------------------------------------------


def test_a_killed_agent_is_out_of_the_book_at_once_and_how_it_died_is_told(start_method, nsproxy, heard):
    pid = pid_of(run_agent('a0'))
    began = time.time()
    os.kill(pid, signal.SIGKILL)
    event = heard.until('death', 'a0')
    assert 'a0' not in nsproxy.agents()
    assert event.reason.startswith('killed by SIGKILL')
    assert event.when - began < 1  # 0.01 on an idle machine


def test_a_process_that_has_ended_is_reaped_though_nobody_looks(nsproxy):
    pid = pid_of(run_agent('a0'))
    os.kill(pid, signal.SIGKILL)
    assert wait_condition(lambda: not Path(f'/proc/{pid}').exists(), timeout=LIMIT)


@pytest.mark.parametrize('code', [0, 3])
def test_a_process_that_exits_without_a_word_is_told_with_its_exit_code(nsproxy, heard, code):
    run_agent('a0').oneway.execute_as_function(os._exit, code)
    assert heard.until('death', 'a0').reason == f'exit code {code}'


def test_the_next_agent_of_a_killed_one_s_name_can_be_started_at_once(nsproxy):
    for _ in range(5):
        agent = AgentProcess('a0')
        agent.start()
        os.kill(agent.pid, signal.SIGKILL)
        agent.join()
    assert run_agent('a0').ping() == 'pong'


def test_waiting_until_everybody_has_left_ends_with_a_death(nsproxy):
    pid = pid_of(run_agent('a0'))
    killer = threading.Timer(0.05, os.kill, (pid, signal.SIGKILL))
    killer.start()
    assert nsproxy.wait_until_empty(LIMIT) == []
    killer.join()


@pytest.mark.parametrize(
    'end, reason',
    [
        (lambda agent: agent.shutdown(), 'it was shut down'),
        (lambda agent: agent.oneway.kill(), 'it was killed'),
        (lambda agent: agent.after(0, lambda agent: 1 // 0), None),
    ],
)
def test_a_clean_end_says_which_it_was_and_a_crash_is_no_death(nsproxy, heard, end, reason):
    agent = run_agent('a0')
    end(agent)
    if reason:
        assert heard.until('death', 'a0').reason == reason
    else:
        assert heard.until('stopped', 'a0').reason.startswith('ZeroDivisionError')
        assert nsproxy.agents() == ['a0']


def test_many_deaths_are_each_told_once(nsproxy, heard):
    pids = {name: pid_of(run_agent(name)) for name in ('a0', 'a1', 'a2', 'a3')}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    assert wait_condition(lambda: nsproxy.agents() == [], timeout=LIMIT)
    deaths = []
    while len(deaths) < 4:
        event = heard.events.get(timeout=LIMIT)
        if event.kind == 'death':
            deaths.append(event.name)
    assert sorted(deaths) == sorted(pids)


# -- Watching and monitoring ------------------------------------------------------------------------------------------


def test_events_are_numbered_without_a_gap(nsproxy, heard):
    for _ in range(3):
        agent = run_agent('a0')
        assert wait_condition(lambda: nsproxy.status()['a0'].state == 'running')
        agent.shutdown()
        assert wait_condition(lambda: nsproxy.agents() == [])
    told = [heard.events.get(timeout=LIMIT) for _ in range(9)]
    assert [event.kind for event in told] == ['birth', 'running', 'death'] * 3
    assert [event.number for event in told] == list(range(1, 10))


class Guardian(Agent):
    def on_init(self):
        self.told = []
        self.monitor('ward', 'on_event')

    def on_event(self, event):
        self.told.append((event.kind, event.reason))

    def threads(self):
        return [thread.name for thread in threading.enumerate()]


def test_an_agent_that_monitors_another_is_told_in_its_loop(nsproxy):
    guardian = run_agent('guardian', base=Guardian)
    assert wait_agent_attr(guardian, 'told', length=1)
    pid = pid_of(run_agent('ward'))
    os.kill(pid, signal.SIGKILL)
    assert wait_agent_attr(guardian, 'told', length=3)
    told = guardian.get_attr('told')
    assert told[:2] == [('death', 'nobody has this name'), ('birth', None)]
    assert told[2][0] == 'death' and told[2][1].startswith('killed by SIGKILL')


def test_the_thread_of_monitors_ends_with_the_last_one(nsproxy):
    plain, guardian = run_agent('plain', base=Guardian), run_agent('guardian', base=Agent)
    guardian.set_method(threads=Guardian.threads)
    assert 'osbrain-events' in plain.threads()
    assert 'osbrain-events' not in guardian.threads()
    references = [guardian.monitor('ward', lambda agent, event: None) for _ in range(2)]
    assert guardian.threads().count('osbrain-events') == 1
    for reference in references:
        guardian.demonitor(reference)
    assert 'osbrain-events' not in guardian.threads()


def test_a_monitor_whose_handler_fails_crashes_its_agent_as_any_handler_does(nsproxy, heard):
    agent = run_agent('a0')
    agent.monitor('nobody', lambda agent, event: 1 // 0)
    assert heard.until('stopped', 'a0').reason.startswith('ZeroDivisionError')


# -- A name server that comes back ------------------------------------------------------------------------------------


class Home:
    """A name server that can be killed, and started again at its address."""

    def __init__(self, storage=None):
        self.storage = storage
        self.process = None
        self.address = f'127.0.0.1:{free_port()}'

    def start(self):
        self.process = NameServerProcess(self.address, storage=self.storage)
        self.process.start()
        return NSProxy(self.address)

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


@pytest.fixture(params=['memory', 'storage'])
def home(request, tmp_path):
    made = Home(tmp_path / 'names' if request.param == 'storage' else None)
    ns = made.start()
    yield made
    if not made.process.is_alive():
        made.start()
    ns.shutdown()


def known(ns):
    return {name: (record.state, record.kind, record.uri, record.pid) for name, record in ns.status().items()}


def test_agents_are_back_as_they_were_when_their_name_server_is(home):
    ns = NSProxy(home.address)
    agents = {name: run_agent(name) for name in ('runs', 'stopped')}
    agents['stopped'].stop()
    assert wait_condition(lambda: ns.status()['stopped'].state == 'stopped')
    before = known(ns)
    for _ in range(2):
        home.kill()
        assert agents['runs'].ping() == 'pong'
        home.start()
        assert wait_condition(lambda: known(ns) == before, timeout=osbrain.config['LEASE'])
    assert ns.proxy('runs').ping() == 'pong'


def test_a_watch_goes_on_with_the_next_name_server_and_tells_nothing_twice(home, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'LEASE', 2.0)
    ns = NSProxy(home.address)
    heard = Heard()
    run_agent('stays')
    pid = pid_of(run_agent('dies'))
    with ns.watch(heard):
        home.kill()
        os.kill(pid, signal.SIGKILL)
        home.start()
        death = heard.events.get(timeout=LIMIT)
        assert (death.kind, death.name) == ('death', 'dies')
        known_reason = 'its process ended while the name server was away'
        assert death.reason == (known_reason if home.storage else 'it did not come back when the name server did')
        assert wait_condition(lambda: 'stays' in ns.agents(), timeout=LIMIT)
        run_agent('new')
        assert heard.events.get(timeout=LIMIT).name == 'new'


def test_a_name_that_was_taken_meanwhile_is_given_up_with_an_error(so_far):
    home = Home()
    home.start()
    agent = run_agent('a0')
    home.kill()
    # Before the first one has noticed that there is a name server again.
    pid = pid_of(agent)
    os.kill(pid, signal.SIGSTOP)
    ns = home.start()
    other = run_agent('a0')
    os.kill(pid, signal.SIGCONT)
    assert wait_condition(lambda: 'name already registered: a0' in so_far('err'), timeout=LIMIT)
    assert agent.ping() == 'pong'
    assert pid_of(ns.proxy('a0')) == pid_of(other)
    agent.shutdown()
    ns.shutdown()


def test_an_agent_has_no_thread_more_than_that_which_waits_for_its_starter(nsproxy):
    agent = run_agent('a0')
    names = agent.execute_as_function(lambda: sorted(thread.name for thread in threading.enumerate()))
    assert [name for name in names if name.startswith('osbrain-') and name != 'osbrain-connection'] == [
        'osbrain-daemon',
        'osbrain-vigil',
    ]


# -- Leases -----------------------------------------------------------------------------------------------------------


class Foreigner(Agent):
    """An agent of another machine, as far as its name server can know."""

    def on_init(self):
        socket.gethostname = lambda: 'another machine'


def test_an_agent_of_another_host_lives_as_long_as_it_renews_its_lease(nsproxy, heard, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'LEASE', 2.0)
    agent = run_agent('far', base=Foreigner)
    record = nsproxy.status()['far']
    assert (record.host, record.lease) == ('another machine', 2.0)
    pid = pid_of(agent)
    assert not wait_condition(lambda: 'far' not in nsproxy.agents(), timeout=5.0)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert heard.until('death', 'far').reason == 'its lease ran out'
    finally:
        os.kill(pid, signal.SIGCONT)
    # It was frozen and not dead: it comes back.
    heard.until('birth', 'far')
    assert agent.ping() == 'pong'


# -- Proxies ----------------------------------------------------------------------------------------------------------


def test_a_call_that_waits_ends_when_the_agent_is_killed(nsproxy):
    agent = run_agent('a0')
    killer = threading.Timer(0.2, os.kill, (pid_of(agent), signal.SIGKILL))
    killer.start()
    began = time.monotonic()
    with pytest.raises(AgentGone, match=r'it died at .*: killed by SIGKILL .*not repeated'):
        agent.execute_as_function(lambda: threading.Event().wait())
    assert time.monotonic() - began < LIMIT
    killer.join()


def test_a_proxy_goes_on_with_the_next_agent_of_its_name(nsproxy):
    agent = run_agent('a0', attributes={'number': 1})
    views = agent.safe, agent.unsafe, agent.oneway
    os.kill(pid_of(agent), signal.SIGKILL)
    assert wait_condition(lambda: nsproxy.agents() == [])
    with pytest.raises(AgentGone, match='it died at'):
        agent.ping()
    run_agent('a0', attributes={'number': 2})
    assert agent.number == 2
    assert views[0].ping() == views[1].ping() == 'pong'
    views[2].set_attr(number=3)
    assert wait_agent_attr(agent, 'number', value=3)


# -- Storage ----------------------------------------------------------------------------------------------------------


def test_a_storage_that_cannot_be_used_is_an_error_before_anything_runs(tmp_path):
    path = tmp_path / 'names'
    path.write_text('this is no database, ' * 100)
    before, environment = path.read_bytes(), dict(os.environ)
    with pytest.raises(ValueError, match='not a database'):
        run_nameserver(storage=path)
    assert path.read_bytes() == before
    assert dict(os.environ) == environment
