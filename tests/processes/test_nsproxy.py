"""The proxy of a name server: what it tells about agents, and how it ends them all in time."""

import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import cloudpickle
import Pyro4
import pytest

from osbrain import (
    Agent,
    AgentProcess,
    NameServer,
    NSProxy,
    Proxy,
    SocketAddress,
    run_agent,
    run_nameserver,
)
from osbrain.helper import wait_agent_attr, wait_condition
from osbrain.proxy import locate_ns
from tests.ports import free_port


class Slow(Agent):
    """Takes its time in what it is told to be slow in."""

    delay = 0
    kill_delay = 0
    state = ''

    def shutdown(self):
        time.sleep(self.delay)
        super().shutdown()

    def kill(self):
        super().kill()
        time.sleep(self.kill_delay)

    def sleep_then(self, seconds, method, *args):
        self.state = 'asleep'
        time.sleep(seconds)
        self.state = 'awake'
        getattr(self, method)(*args)


@pytest.fixture
def small_pool(monkeypatch):
    """Processes started from now on serve with four threads; ask for it before the name server."""
    monkeypatch.setattr(Pyro4.config, 'THREADPOOL_SIZE', 4)


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def answers(address):
    try:
        return locate_ns(address, timeout=0) == address
    except TimeoutError:
        return False


def block_in_send(agent):
    """Return when the agent's main thread waits for a peer that will never come."""
    agent.bind('PUSH', alias='push')
    agent.after(0, 'sleep_then', 0, 'send', 'push', 'x')
    assert wait_agent_attr(agent, 'state', value='awake')


def put_to_sleep(agent, *args):
    agent.after(0, 'sleep_then', *args)
    assert wait_agent_attr(agent, 'state', value='asleep')


# Connecting


def test_the_name_server_is_found_by_address_or_by_the_environment(nsproxy):
    address = nsproxy.addr()
    for nsaddr in (address, str(address), None, ''):
        ns = NSProxy(nsaddr)
        assert ns.ping() == 'pong' and ns == nsproxy and ns.addr() == address
        assert type(ns.addr()) is SocketAddress


def test_the_name_server_must_answer_in_time():
    address = SocketAddress('127.0.0.1', free_port())
    for timeout in (0, 0.5):
        with lasts(timeout, timeout + 2.5), pytest.raises(TimeoutError, match='Could not locate the name server!'):
            NSProxy(address, timeout=timeout)
    with lasts(3, 8), pytest.raises(TimeoutError, match='Could not locate the name server!'):
        NSProxy(address)


def test_a_name_server_that_starts_meanwhile_is_found():
    address = SocketAddress('127.0.0.1', free_port())
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(NSProxy, address, timeout=5)
        ns = run_nameserver(address)
        try:
            assert found.result().ping() == 'pong'
        finally:
            ns.shutdown()


def test_it_is_a_proxy_like_others(nsproxy):
    """Equal by name server, hashable, picklable, releasable; a with block only releases it."""
    for module in (pickle, cloudpickle):
        copy = module.loads(module.dumps(nsproxy))
        assert type(copy) is NSProxy and copy == nsproxy and hash(copy) == hash(nsproxy)
        assert copy.ping() == 'pong' and copy.addr() == nsproxy.addr()
    with NSProxy(nsproxy.addr()) as ns:
        assert ns.agents() == []
    for release in (ns.release, ns._pyroRelease):
        release()
        assert ns.ping() == 'pong'
    assert nsproxy.ping() == 'pong'
    second = run_nameserver()
    try:
        assert second != nsproxy and not second == nsproxy and second.addr() != nsproxy.addr()
    finally:
        second.shutdown()


# Asking


def test_agents_and_list_tell_who_is_registered(nsproxy):
    """The name server itself is in the listing but not among the agents."""
    assert nsproxy.agents() == [] and type(nsproxy.agents()) is list
    own = {'Pyro.NameServer': 'PYRO:Pyro.NameServer@%s' % nsproxy.addr()}
    assert nsproxy.list() == own and nsproxy.count() == 1
    run_agent('a0')
    AgentProcess('a1').start()
    assert sorted(nsproxy.agents()) == ['a0', 'a1'] and nsproxy.count() == 3
    listing = nsproxy.list()
    assert set(listing) == {'Pyro.NameServer', 'a0', 'a1'} and own.items() <= listing.items()
    for name in ('a0', 'a1'):
        uri = nsproxy.lookup(name)
        assert uri.asString() == listing[name] and listing[name].startswith('PYRO:')
        assert listing[name].endswith('@%s:%d' % (uri.host, uri.port)) and type(uri.port) is int
    with pytest.raises(Pyro4.errors.NamingError):
        nsproxy.lookup('nobody')


def test_entries_can_be_registered_and_removed(nsproxy):
    uri = 'PYRO:some_object@127.0.0.1:12345'
    nsproxy.register('extra', uri)
    assert nsproxy.agents() == ['extra'] and nsproxy.list()['extra'] == uri
    assert nsproxy.lookup('extra').asString() == uri
    with pytest.raises(Pyro4.errors.NamingError):
        nsproxy.register('extra', uri, safe=True)
    nsproxy.remove('extra')
    assert nsproxy.agents() == []


def test_addresses_of_agents_and_proxies_to_them(nsproxy):
    agent = run_agent('a0')
    address = agent.bind('PUSH', alias='out')
    assert nsproxy.addr('a0', 'out') == agent.addr('out') == address
    assert nsproxy.addr(agent_alias='a0', address_alias='out') == address
    assert nsproxy.proxy('a0') == agent and isinstance(nsproxy.proxy('a0'), Proxy)
    second = run_nameserver()
    try:
        assert nsproxy.proxy('a0').ping() == 'pong'
        with lasts(0.3, 3), pytest.raises(Pyro4.errors.NamingError):
            second.proxy('a0', timeout=0.3)
    finally:
        second.shutdown()
    for half in ({'agent_alias': 'a0'}, {'address_alias': 'out'}):
        with pytest.raises((LookupError, TypeError, ValueError, Pyro4.errors.NamingError)):
            nsproxy.addr(**half)


def test_methods_of_a_custom_name_server_can_be_called():
    class Own(NameServer):
        @Pyro4.expose
        def greet(self, name, greeting='hello'):
            return '%s %s, %d here' % (greeting, name, len(self.agents()))

    ns = run_nameserver(base=Own)
    try:
        run_agent('a0')
        assert ns.greet('you') == 'hello you, 1 here'
        assert NSProxy().greet('you', greeting='good day') == 'good day you, 1 here'
        assert ns.ping() == 'pong' and ns.agents() == ['a0']
    finally:
        ns.shutdown()


@pytest.mark.new
def test_status_tells_what_state_each_agent_is_in_and_why(nsproxy):
    AgentProcess('starting').start()
    running, stopped, crashed, gone = (run_agent(name) for name in ('running', 'stopped', 'crashed', 'gone'))
    pids = {agent.get_attr('name'): agent.execute_as_function(os.getpid) for agent in (running, stopped, crashed, gone)}
    stopped.stop()
    with pytest.raises(ZeroDivisionError):
        crashed.execute_as_function(lambda: 1 // 0)
    os.kill(pids['gone'], signal.SIGKILL)

    def states():
        return {name: record.state for name, record in nsproxy.status().items()}

    expected = {
        'starting': 'starting',
        'running': 'running',
        'stopped': 'stopped',
        'crashed': 'stopped',
    }
    assert wait_condition(lambda: states() == expected), states()
    status = nsproxy.status()
    del pids['gone']
    assert {name: record.pid for name, record in status.items() if name != 'starting'} == pids
    assert isinstance(status['starting'].pid, int)
    assert status['starting'].reason is None and status['running'].reason is None
    assert 'ZeroDivisionError' in status['crashed'].reason or 'division' in status['crashed'].reason
    assert isinstance(status['stopped'].reason, str)


# Ending


def test_shutdown_without_agents_is_immediate_and_ends_the_process():
    ns = run_nameserver()
    address = ns.addr()
    with lasts(0, 5):  # whoever waits for nobody takes 10
        assert ns.shutdown() is None
    assert wait_condition(lambda: not answers(address))


def test_shutdown_agents_leaves_the_name_server_alive(nsproxy):
    """It returns when the last one is gone, whatever its state; the names can be used again."""
    for _ in range(2):
        run_agent('a0')
        AgentProcess('a1').start()
        run_agent('a2').stop()
        with lasts(0, 5):
            assert nsproxy.shutdown_agents() is None
        assert nsproxy.agents() == [] and nsproxy.ping() == 'pong'


@pytest.mark.parametrize('delay', [1, 3, 5])
def test_shutdown_waits_for_agents_that_need_time(delay):
    ns = run_nameserver()
    agent = run_agent('a0', base=Slow)
    agent.set_attr(delay=delay)
    with lasts(delay / 2, delay + 2):
        assert ns.shutdown() is None


@pytest.mark.parametrize('number', [1, 20])
def test_without_time_shutdown_fails_and_can_be_repeated(small_pool, number):
    """The name server lives on until the second attempt."""
    ns = run_nameserver()
    for index in range(number):
        run_agent('a%d' % index)
    with pytest.raises(TimeoutError, match=r'Chances are .* were not shutdown after 0\.0 s!'):
        ns.shutdown(timeout=0.0)
    assert ns.ping() == 'pong'
    assert ns.shutdown(timeout=30) is None


def test_shutdown_of_more_agents_than_the_name_server_has_threads(small_pool):
    ns = run_nameserver()
    for number in range(20):
        run_agent('a%d' % number)
    with lasts(0, 60):
        assert ns.shutdown(timeout=60) is None


def test_shutdown_kills_an_agent_that_is_blocked_in_a_send():
    """At half time, so that it is gone when the time is over."""
    ns = run_nameserver()
    block_in_send(run_agent('a0', base=Slow))
    with lasts(0, 4.5):
        assert ns.shutdown(timeout=3.0) is None


@pytest.mark.parametrize('kill_delay', [0, 2])
def test_shutdown_kills_agents_that_do_not_run(kill_delay):
    """Be they crashed, stopped or never run; also if their own kill dawdles after its work."""
    ns = run_nameserver()
    crashed, stopped = (run_agent(name, base=Slow) for name in ('crashed', 'stopped'))
    AgentProcess('idle', base=Slow).start()
    for agent in (crashed, stopped, Proxy('idle')):
        agent.unsafe.set_attr(kill_delay=kill_delay)
    with pytest.raises(RuntimeError, match='User raised an exception!'):
        crashed.raise_exception()
    stopped.stop()
    assert wait_condition(lambda: not crashed.is_running() and not stopped.is_running())
    with lasts(0, 10):
        assert ns.shutdown() is None


def test_shutdown_kills_an_agent_that_crashes_after_it_was_asked():
    ns = run_nameserver()
    agent = run_agent('a0', base=Slow)
    put_to_sleep(agent, 2, 'raise_exception')
    with lasts(0, 6):
        assert ns.shutdown(timeout=6) is None


def test_shutdown_is_not_held_up_by_a_send_to_a_peer_that_has_gone():
    ns = run_nameserver()
    sender, receiver = run_agent('sender', base=Slow), run_agent('receiver')
    sender.connect(receiver.bind('PULL', handler=lambda agent, message: None), alias='push')
    put_to_sleep(sender, 1, 'send', 'push', 'x')
    with lasts(0, 8):
        assert ns.shutdown(timeout=8) is None


def test_shutdown_copes_with_processes_that_are_just_being_ended():
    """Nor does asking the agents directly fail because of them."""
    ns = run_nameserver()
    processes = [AgentProcess('a%d' % number) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.kill()
    ns.async_shutdown_agents(ns.addr())
    ns.async_kill_agents(ns.addr())
    assert ns.shutdown() is None
    for process in processes:
        process.join(5)
        assert not process.is_alive()


@pytest.mark.parametrize('method', ['async_shutdown_agents', 'async_kill_agents'])
def test_agents_can_be_asked_to_end_without_waiting(nsproxy, method):
    agent = run_agent('a0', base=Slow)
    put_to_sleep(agent, 1, 'ping')
    run_agent('a1')
    AgentProcess('a2').start()
    with lasts(0, 2):
        getattr(nsproxy, method)(nsproxy.addr())
    assert wait_condition(lambda: nsproxy.agents() == [], timeout=5)


def test_daemon_shutdown_ends_the_process():
    ns = run_nameserver()
    address = ns.addr()
    with suppress(Pyro4.errors.ConnectionClosedError):
        ns.daemon_shutdown()
    assert wait_condition(lambda: not answers(address))


def test_a_connection_that_closes_during_daemon_shutdown_is_no_error():
    """A custom name server may end so fast that the answer is lost."""

    class Hasty(NameServer):
        def daemon_shutdown(self):
            super().daemon_shutdown()
            raise Pyro4.errors.ConnectionClosedError('too fast')

    ns = run_nameserver(base=Hasty)
    address = ns.addr()
    assert ns.shutdown() is None
    assert wait_condition(lambda: not answers(address))


@pytest.mark.new
def test_the_report_of_a_shutdown_tells_how_each_agent_ended():
    """Who ended by itself, who was killed, who is left; nobody twice; and how long it took."""
    ns = run_nameserver()
    for name in ('a0', 'a1'):
        run_agent(name)
    os.kill(pid_of(run_agent('died')), signal.SIGKILL)
    assert wait_condition(lambda: 'died' not in ns.agents())
    put_to_sleep(run_agent('deaf', base=Slow), 60, 'ping')
    with lasts(0, 3):
        report = ns.shutdown(2, report=True)
    assert sorted(report.clean) == ['a0', 'a1']
    assert (report.killed, report.gone, report.left) == (('deaf',), ('died',), ())
    assert all(isinstance(names, tuple) for names in (report.clean, report.killed, report.left))
    assert 0 < report.seconds < 2.5


@pytest.mark.new
def test_the_report_of_a_shutdown_without_agents_is_empty():
    report = run_nameserver().shutdown(report=True)
    assert (report.clean, report.killed, report.left) == ((), (), ())
    assert 0 <= report.seconds < 1


def pid_of(agent):
    return agent.execute_as_function(os.getpid)


def never_return(agent, message):
    agent.state = 'asleep'
    threading.Event().wait()


@pytest.mark.new
@pytest.mark.parametrize('trouble', ['frozen', 'dead', 'deaf'])
def test_shutdown_ends_in_time_whatever_an_agent_is_like(trouble):
    """One stopped by a signal, one killed by a signal, one whose handler never returns."""
    ns = run_nameserver()
    run_agent('good')
    bad = run_agent('bad', base=Slow)
    pid = bad.execute_as_function(os.getpid)
    if trouble == 'deaf':
        agent = run_agent('sender')
        agent.connect(bad.bind('PULL', handler=never_return), alias='push')
        agent.send('push', 'x')
        assert wait_agent_attr(bad, 'state', value='asleep')
    else:
        os.kill(pid, signal.SIGSTOP if trouble == 'frozen' else signal.SIGKILL)
    with lasts(0, 2.5):
        report = ns.shutdown(2, report=True)
    assert report.left == () and 'good' in report.clean and 'bad' not in report.clean
    if trouble == 'dead':
        assert report.seconds < 1 and report.gone == ('bad',)
    else:
        assert report.killed == ('bad',)
    assert wait_condition(lambda: not is_alive(pid))
    assert wait_condition(lambda: not answers(ns.addr()))


def is_alive(pid):
    """Tell whether there is such a process; a zombie has ended."""
    try:
        stat = Path('/proc/%d/stat' % pid).read_text()
        return stat.rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False
