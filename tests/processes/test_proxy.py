"""A proxy stands for its agent: how it finds it, in which mode it calls it, and what comes back."""

import os
import pickle
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import cloudpickle
import dill
import Pyro4
import pytest

from osbrain import (
    Agent,
    AgentAddress,
    AgentProcess,
    NSProxy,
    Proxy,
    SocketAddress,
    run_agent,
    run_nameserver,
)
from osbrain.helper import wait_agent_attr, wait_condition
from osbrain.proxy import locate_ns
from tests.ports import free_port


class Worker(Agent):
    """Has something of everything that a proxy can reach."""

    level = 1

    def on_init(self):
        self.received = []
        self.spans = []
        self.busy = False

    @property
    def double(self):
        return 2 * self.level

    def add(self, first, second=0):
        return first + second

    def note(self, value):
        self.received.append(value)

    def work(self, seconds):
        start = time.monotonic()
        self.busy = True
        time.sleep(seconds)
        self.busy = False
        self.spans.append((start, time.monotonic()))
        return 'done'

    def thread(self):
        return threading.get_ident()

    def fail(self, error, hint=None):
        raise error


@pytest.fixture
def agent(nsproxy):
    return run_agent('a0', base=Worker)


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def keep_busy(agent, seconds):
    """Return when the agent's main thread has begun to be busy for that long."""
    agent.after(0, 'work', seconds)
    assert wait_agent_attr(agent, 'busy', value=True)


# Finding the agent


def test_the_name_server_may_be_given_in_any_form(agent, nsproxy, monkeypatch):
    address = nsproxy.addr()
    forms = [
        address,
        str(address),
        AgentAddress('tcp', address, 'PUB', 'server', 'pickle'),
        None,
        '',
    ]
    for nsaddr in forms:
        proxy = Proxy('a0', nsaddr)
        assert proxy == agent and proxy.ping() == 'pong'
        assert proxy.nsaddr() == address and type(proxy.nsaddr()) is SocketAddress
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', '127.0.0.1:%d' % free_port())
    assert Proxy('a0', nsaddr=str(address)).ping() == 'pong'


def test_without_a_name_server_the_wait_is_limited():
    with lasts(3, 8), pytest.raises(TimeoutError, match='Could not locate the name server!'):
        Proxy('a0', nsaddr='127.0.0.1:%d' % free_port())


def test_an_unknown_name_is_an_error_once_the_time_is_over(nsproxy):
    with lasts(0.5, 2.5), pytest.raises(Pyro4.errors.NamingError, match='unknown name'):
        Proxy('nobody', timeout=0.5)
    with lasts(0, 2.5), pytest.raises(Pyro4.errors.NamingError, match='unknown name'):
        Proxy('nobody', timeout=0)


def test_an_agent_that_comes_later_is_found_if_it_comes_in_time(nsproxy):
    """It is enough that it is registered: it need not be running."""
    process = AgentProcess('late')
    starter = threading.Timer(2, process.start)
    starter.start()
    with pytest.raises(Pyro4.errors.NamingError, match='unknown name'):
        Proxy('late', timeout=1)
    with lasts(0.5, 4):
        proxy = Proxy('late', timeout=10)
    starter.join()
    assert not proxy.is_running()
    with pytest.raises(RuntimeError, match='Agent must be running'):
        proxy.safe.ping()
    assert proxy.unsafe.ping() == 'pong'


def test_an_overridden_ping_decides_when_the_agent_is_found(agent):
    """The last error comes out as it is, after about ten tries a second."""
    pings = []

    class Picky(Proxy):
        needed = 10**6

        def ping(self):
            pings.append(time.monotonic())
            if len(pings) < self.needed:
                raise TimeoutError('ping %d' % len(pings))
            return 'pong'

    with lasts(0.9, 2), pytest.raises(TimeoutError) as error:
        Picky('a0', timeout=1.0)
    assert str(error.value) == 'ping %d' % len(pings)
    assert 5 <= len(pings) <= 12
    pings.clear()
    Picky.needed = 4
    assert Picky('a0').add(1, 2) == 3
    assert len(pings) == 4


def test_a_process_that_has_died_is_a_communication_error(nsproxy):
    """So it is for the proxy that is there; a new one finds a dead process or no name at all."""
    process = AgentProcess('a0')
    process.start()
    agent = Proxy('a0')
    agent.run()
    agent.wait_for_running()
    process.terminate()
    process.join()
    for call in (agent.ping, agent.unsafe.ping, lambda: agent.get_attr('name')):
        with pytest.raises(Pyro4.errors.CommunicationError):
            call()
    with lasts(0, 1.5), pytest.raises((Pyro4.errors.CommunicationError, Pyro4.errors.NamingError)):
        Proxy('a0', timeout=0.3)
    nsproxy.remove('a0')


@pytest.mark.new
@pytest.mark.parametrize('end', ['kill', 'shutdown', 'vanish'])
def test_the_error_about_an_agent_that_has_gone_names_it(nsproxy, end):
    """However it went, at the next call or in the middle of one, and without any time-out."""
    agent = run_agent('somebody', base=Worker)
    pid = agent.execute_as_function(os.getpid)
    if end == 'kill':
        os.kill(pid, signal.SIGKILL)
    elif end == 'shutdown':
        agent.shutdown()
        assert wait_condition(lambda: nsproxy.agents() == [])
    else:
        with lasts(0, 2), pytest.raises(Pyro4.errors.CommunicationError, match='somebody'):
            agent.execute_as_function(os._exit, 0)

    def gone():
        try:
            return agent.unsafe.ping() != 'pong'
        except Pyro4.errors.CommunicationError:
            return True

    assert wait_condition(gone)
    for call in (
        agent.ping,
        agent.unsafe.ping,
        lambda: agent.get_attr('name'),
        agent.is_running,
        agent.shutdown,
    ):
        with lasts(0, 3), pytest.raises(Pyro4.errors.CommunicationError, match='somebody'):
            call()


# Modes


def test_a_mode_holds_for_the_next_call_only(agent, nsproxy):
    """Also when that call fails; the three attributes can be read without an agent."""
    for default in (True, False):
        proxy = Proxy('a0', safe=default)
        assert (proxy._safe, proxy._default_safe, proxy._next_oneway) == (default, default, False)
        for other in (True, False):
            mode = 'safe' if other else 'unsafe'
            assert getattr(proxy, mode)._safe is other
            assert getattr(proxy, mode) == proxy and isinstance(getattr(proxy, mode), Proxy)
            assert getattr(proxy, mode).add(1, second=2) == 3
            assert proxy._safe is default
            with pytest.raises(AttributeError):
                getattr(proxy, mode).get_attr('no_such_thing')
            assert proxy._safe is default and proxy.get_attr('level') == 1
        assert proxy.oneway._next_oneway is True
        assert proxy.oneway.note('x') is None
        assert (proxy._safe, proxy._default_safe, proxy._next_oneway) == (default, default, False)
    agent.unsafe.shutdown()
    assert wait_condition(lambda: nsproxy.agents() == [])
    assert (agent._safe, agent._default_safe, agent._next_oneway) == (True, True, False)


def test_safe_calls_share_the_thread_of_the_loop(agent):
    """Unsafe ones do not; the default of run_agent and of the config is safe."""
    loop = agent.thread()
    assert agent.safe.thread() == agent.thread() == Proxy('a0').thread() == loop
    assert agent.unsafe.thread() != loop
    assert Proxy('a0', safe=False).thread() != loop
    assert Proxy('a0', safe=False).safe.thread() == loop
    assert run_agent('a1', base=Worker, safe=False)._default_safe is False


def test_a_safe_call_waits_for_a_busy_agent_and_an_unsafe_one_does_not(agent):
    keep_busy(agent, 4)
    assert agent.unsafe.ping() == 'pong'
    assert agent.is_running() is True
    assert agent.get_attr('busy') is True
    assert agent.oneway.add(1, 2) is None
    assert agent.unsafe.set_attr(level=5) is None
    assert agent.get_attr('spans') == [], 'it is still at it'
    assert agent.ping() == 'pong'
    assert len(agent.get_attr('spans')) == 1
    assert agent.get_attr('level') == 5


def test_safe_call_runs_in_the_loop_whatever_the_mode(agent):
    """It goes through a server thread, so that it does not wait for itself."""
    loop = agent.thread()
    assert agent.safe_call('thread') == agent.unsafe.safe_call('thread') == agent.safe.safe_call('thread') == loop
    assert agent.safe_call('add', 1, second=2) == 3


def test_what_is_never_executed_safely_also_answers_on_a_stopped_agent(agent):
    assert agent.stop() == 'OK'
    assert wait_condition(lambda: not agent.is_running())
    assert agent.safe.get_attr('level') == 1
    assert agent.safe.is_running() is False
    with pytest.raises(RuntimeError, match='Agent must be running to safely execute methods!'):
        agent.safe.safe_call('ping')
    for call in (agent.ping, lambda: agent.safe.add(1, 2)):
        with pytest.raises(RuntimeError, match='Agent must be running'):
            call()
    assert agent.unsafe.add(1, 2) == 3


def test_one_way_calls_return_at_once_and_run_in_parallel(agent):
    with lasts(0, 0.9):
        assert agent.oneway.work(1) is None
        assert agent.oneway.work(1) is None
    assert wait_agent_attr(agent, 'spans', length=2)
    (_, first_end), (second_start, _) = sorted(agent.get_attr('spans'))
    assert second_start < first_end


def test_a_failing_one_way_call_reaches_nobody(agent):
    assert agent.oneway.fail(ValueError('x')) is None
    assert agent.oneway.note('after') is None
    assert wait_agent_attr(agent, value=['after'])
    assert agent.ping() == 'pong' and agent.is_running()


@pytest.mark.new
def test_a_modifier_that_is_not_used_changes_nothing(agent):
    """It is a view of the proxy: the proxy itself and what others do with it keep their mode."""
    loop = agent.thread()
    view = agent.unsafe
    assert agent._safe is True and agent.thread() == loop
    assert view.thread() != loop and view == agent and hash(view) == hash(agent)
    assert agent.oneway is not agent and agent.add(1, 2) == 3


@pytest.mark.new
def test_a_proxy_may_be_used_from_eight_threads_at_once(agent):
    """Each gets its own answers in the mode that it asked for."""
    loop = agent.thread()

    def use(number):
        for turn in range(25):
            value = 1000 * number + turn
            assert agent.add(value, 1) == value + 1
            assert agent.thread() == loop
            assert agent.unsafe.thread() != loop
            assert agent.oneway.note(value) is None
            with pytest.raises(KeyError, match='typo %d' % value):
                agent.unsafe.addr('typo %d' % value)
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == list(range(8))
    assert wait_agent_attr(agent, length=200)
    assert sorted(agent.get_attr('received')) == [1000 * number + turn for number in range(8) for turn in range(25)]


def test_a_proxy_may_be_used_from_another_thread_than_its_makers(nsproxy):
    AgentProcess('a0', base=Worker).start()
    agent = Proxy('a0')
    timer = threading.Timer(0.1, agent.run)
    timer.start()
    agent.wait_for_running()
    timer.join()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(agent.add, 1, 2).result() == 3
    assert agent.add(2, 2) == 4


# What a proxy itself can do


def test_wait_for_running_looks_first(agent):
    for timeout in (0, 0.5, -1):
        assert agent.wait_for_running(timeout=timeout) == agent
    assert isinstance(agent.wait_for_running(), Proxy)


def test_wait_for_running_gives_up_in_time(nsproxy):
    AgentProcess('a0').start()
    agent = Proxy('a0')
    for timeout, least, most in [(0, 0, 3), (0.3, 0.3, 3)]:
        with lasts(least, most), pytest.raises(
            TimeoutError, match='Timed out while waiting for the agent to be running'
        ):
            agent.wait_for_running(timeout=timeout)
    with lasts(3, 8), pytest.raises(TimeoutError):
        agent.wait_for_running()


@pytest.mark.parametrize('timeout', [10, -1])
def test_wait_for_running_waits_for_a_late_run(nsproxy, timeout):
    AgentProcess('a0').start()
    agent = Proxy('a0')
    timer = threading.Timer(0.5, Proxy('a0').run)
    with lasts(0.5, 8):
        timer.start()
        assert agent.wait_for_running(timeout) == agent
    timer.join()
    assert agent.is_running()


def test_run_returns_at_once(nsproxy):
    AgentProcess('a0').start()
    agent = Proxy('a0')
    with lasts(0, 3):
        assert agent.run() is None
    agent.wait_for_running()


def test_a_released_proxy_connects_again(agent):
    """Releasing frees the connection, so that any number of proxies can follow each other."""
    for number in range(40):
        proxy = Proxy('a0')
        assert proxy.add(number) == number
        (proxy.release if number % 2 else proxy._pyroRelease)()
    assert proxy.add(1, 1) == 2
    with Proxy('a0') as proxy:
        assert isinstance(proxy, Proxy) and proxy.add(1, 2) == 3
    assert proxy.add(2, 2) == 4


def test_proxies_are_equal_by_agent_and_name_server(agent, nsproxy):
    other = run_agent('a1')
    same = Proxy('a0', safe=False)
    assert same == agent and not same != agent and hash(same) == hash(agent)
    assert other != agent and not other == agent and agent != 'a0'
    assert {agent, same, other} == {agent, other}
    second = run_nameserver()
    try:
        assert run_agent('a0', nsaddr=second.addr()) != agent
    finally:
        second.shutdown()


def test_repr_names_class_agent_and_name_server(agent, nsproxy):
    class Special(Proxy):
        pass

    for cls in (Proxy, Special):
        text = repr(cls('a0'))
        assert cls.__name__ in text and 'a0' in text and str(nsproxy.addr()) in text


def test_dir_shows_the_remote_methods(agent):
    assert {'add', 'note', 'ping', 'bind', 'shutdown'} <= set(dir(agent))


@pytest.mark.parametrize('module', [pickle, cloudpickle, dill], ids=lambda module: module.__name__)
def test_a_proxy_survives_pickling(agent, module):
    for safe in (True, False):
        copy = module.loads(module.dumps(Proxy('a0', safe=safe)))
        assert type(copy) is Proxy and copy == agent and hash(copy) == hash(agent)
        assert (copy._safe, copy._default_safe) == (safe, safe)
        assert copy.add(1, 2) == 3 and copy.nsaddr() == agent.nsaddr()


def test_proxies_travel_as_arguments_attributes_results_and_messages(agent):
    """On arrival they are proxies of the same agent."""
    other = run_agent('a1', base=Worker, attributes={'early': agent})
    other.set_attr(friend=agent)

    def judge(self, value):
        return isinstance(value, Proxy), value == self.friend, value.add(1, 2)

    assert other.execute_as_method(judge, agent) == (True, True, 3)
    assert other.execute_as_method(lambda self: (self.early == self.friend, self.early.add(1))) == (
        True,
        1,
    )
    assert other.get_attr('friend') == agent and isinstance(other.get_attr('friend'), Proxy)
    address = other.bind('PULL', handler=lambda self, message: self.note(message.add(2, 3)))
    agent.connect(address, alias='out')
    agent.send('out', agent)
    assert wait_agent_attr(other, value=[5])


def test_several_processes_see_the_same_agent(agent):
    others = [run_agent('a%d' % number) for number in (1, 2)]
    for number, other in enumerate(others):
        other.execute_as_function(lambda number=number: Proxy('a0').note(number))
    assert agent.get_attr('received') == [0, 1]
    assert others[0].execute_as_function(lambda: Proxy('a0').get_attr('received')) == [0, 1]


@pytest.mark.new
def test_five_hundred_open_proxies_to_one_agent(agent):
    """Each keeps its connection; all answer, in any order."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        proxies = [Proxy('a0') for _ in range(500)]
        for round_ in (0, 1):
            for number, proxy in enumerate(proxies):
                assert proxy.add(number, round_) == number + round_
            assert [proxy.unsafe.add(1) for proxy in reversed(proxies)] == [1] * 500
        for proxy in proxies:
            proxy.release()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.new
def test_a_thousand_connections_to_one_name_server(nsproxy):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        proxies = [NSProxy() for _ in range(1000)]
        for _ in (0, 1):
            assert all(proxy.ping() == 'pong' for proxy in proxies)
        for proxy in proxies:
            proxy.release()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Remote members


def test_unknown_and_private_names_are_refused_locally(agent):
    """The agent is not harmed, and not asked if it is no longer there."""
    for name in ('no_such_thing', '_private', '_poller', '__missing__'):
        for proxy in (agent, Proxy('a0', safe=False)):
            with pytest.raises(AttributeError, match='has no exposed attribute'):
                getattr(proxy, name)
    assert agent.ping() == 'pong'


def test_properties_read_through(agent):
    assert agent.double == 2
    agent.set_attr(level=4)
    assert agent.double == 8 and Proxy('a0').double == 8


def test_assignment_sets_the_remote_attribute(agent):
    """Reading it through that proxy gives the value of the moment; private names need set_attr."""
    agent.x = 1
    assert agent.get_attr('x') == 1 and agent.x == 1
    agent.set_attr(y=2, _hidden=3)
    assert agent.y == 2 and agent.get_attr('_hidden') == 3
    Proxy('a0').set_attr(x=10, y=20)
    assert (agent.x, agent.y) == (10, 20)
    with pytest.raises(AttributeError):
        agent._hidden = 4
    assert agent.get_attr('_hidden') == 3
    agent.set_attr(_DEBUG=True)
    assert agent.get_attr('_DEBUG') is True


def test_added_methods_are_callable_through_the_proxy_that_added_them(agent):
    factor = 3

    def triple(self, value):
        return factor * value

    def level_of(self):
        return self.level

    assert agent.set_method(triple, lambda_=lambda self: 'lambda', other=level_of) == 'other'
    assert (agent.triple(2), agent.lambda_(), agent.other()) == (6, 'lambda', 1)
    assert agent.unsafe.triple(3) == 9


@pytest.mark.new
def test_any_proxy_reads_public_attributes_and_calls_added_methods(agent):
    early = Proxy('a0')
    agent.x = [1]
    agent.set_method(triple=lambda self, value: 3 * value)
    for proxy in (agent, early, Proxy('a0'), Proxy('a0', safe=False)):
        assert (proxy.name, proxy.level, proxy.x, proxy.received) == ('a0', 1, [1], [])
        assert proxy.triple(2) == 6


# Remote exceptions


def test_an_unsafe_call_raises_the_original_exception(agent):
    """Type and text are those of the agent's; the agent goes on."""

    class Own(Exception):
        pass

    for error in (ValueError('reason 42'), ZeroDivisionError('0'), Own('mine')):
        with pytest.raises(type(error)) as caught:
            agent.unsafe.fail(error)
        assert type(caught.value).__name__ == type(error).__name__ and str(caught.value) == str(error)
    with pytest.raises(AttributeError, match='object has no attribute'):
        agent.get_attr('no_such_thing')
    with pytest.raises(TypeError, match='positional arguments but 5 were given'):
        agent.unsafe.addr(1, 2, 3, 4)
    assert agent.ping() == 'pong'


def test_a_safe_call_adds_what_was_called_and_the_remote_traceback(agent):
    with pytest.raises(ValueError) as caught:
        agent.safe.fail(ValueError('reason 42'), hint='a hint')
    text = str(caught.value)
    assert text.startswith('Error executing `fail`! (reason 42)')
    for part in ('reason 42', 'a hint', '|>>>>>>>>', '|<<<<<<<<', 'in fail', 'raise error'):
        assert part in text
    assert wait_condition(lambda: not agent.is_running())


@pytest.mark.new
def test_a_wrong_call_is_the_callers_error_alone(agent):
    """Python's own text says what was wrong; the agent goes on."""
    for proxy in (agent.safe, agent.unsafe):
        with pytest.raises(TypeError, match='positional arguments but 5 were given'):
            proxy.addr(1, 2, 3, 4)
    assert agent.is_running() and agent.ping() == 'pong'


@pytest.mark.new
@pytest.mark.parametrize('mode', ['unsafe', 'safe'])
def test_exceptions_of_any_shape_come_back(agent, mode):
    """As their own type where that can travel, else as one whose text names the type."""

    class Odd(Exception):
        def __init__(self, code, *, where):
            super().__init__('odd %s at %s' % (code, where))
            self.code = code

    class Stuck(Exception):
        def __init__(self):
            super().__init__('cannot travel')
            self.lock = threading.Lock()

    agent.set_method(odd=lambda self: self.fail(Odd(7, where='home')), stuck=lambda self: self.fail(Stuck()))
    call = getattr(agent, mode)
    with lasts(0, 2), pytest.raises(Exception) as caught:
        call.odd()
    assert type(caught.value).__name__ == 'Odd' and 'odd 7 at home' in str(caught.value)
    agent = run_agent('a1', base=Worker)
    agent.set_method(stuck=lambda self: self.fail(Stuck()))
    with lasts(0, 2), pytest.raises(Exception) as caught:
        getattr(agent, mode).stuck()
    told = '%s: %s' % (type(caught.value).__name__, caught.value)
    assert 'Stuck' in told and 'cannot travel' in told


@pytest.mark.new
def test_a_failed_call_prints_nothing(agent, capfd):
    capfd.readouterr()
    for call in (agent.unsafe, agent.safe):
        with pytest.raises(ValueError):
            call.fail(ValueError('reason 42'))
    out, _ = capfd.readouterr()
    assert 'Traceback' not in out and '|>>>' not in out


# locate_ns


def test_locate_ns_returns_the_address_unchanged(nsproxy):
    for timeout in (3.0, 0, 0.5):
        for address in (nsproxy.addr(), str(nsproxy.addr())):
            assert locate_ns(address, timeout=timeout) is address


def test_locate_ns_gives_up_in_time():
    address = SocketAddress('127.0.0.1', free_port())
    for timeout in (0, 0.5):
        with lasts(timeout, timeout + 2.5), pytest.raises(TimeoutError, match='Could not locate the name server!'):
            locate_ns(address, timeout=timeout)
    with lasts(3, 8), pytest.raises(TimeoutError):
        locate_ns(address)


def test_locate_ns_finds_one_that_starts_meanwhile():
    address = SocketAddress('127.0.0.1', free_port())
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(locate_ns, address, timeout=5)
        ns = run_nameserver(address)
        try:
            assert found.result() == address
        finally:
            ns.shutdown()
