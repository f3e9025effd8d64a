"""Name servers as processes: where they listen, how they fail to, what is theirs to end."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import Pyro4
import pytest

from osbrain import Agent, NameServer, NSProxy, Proxy, SocketAddress, run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition
from osbrain.nameserver import NameServerProcess, random_nameserver_process
from osbrain.proxy import locate_ns
from tests.ports import free_port, free_ports


class Slow(Agent):
    delay = 0

    def shutdown(self):
        time.sleep(self.delay)
        super().shutdown()


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def taken(host='127.0.0.1', port=0):
    """A socket that listens, as a context manager."""
    listener = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    listener.bind((host, port))
    listener.listen(1)
    return listener


def answers(address):
    try:
        return locate_ns(address, timeout=0) == address
    except TimeoutError:
        return False


def run_script(tmp_path, text, **kwargs):
    script = Path(str(tmp_path), 'program.py')
    script.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        **kwargs,
    )


# NameServerProcess


def test_the_constructor_takes_an_address_in_several_forms():
    for addr, port in [
        (1234, 1234),
        ('127.0.0.1:1235', 1235),
        (SocketAddress('127.0.0.1', 1236), 1236),
    ]:
        process = NameServerProcess(addr)
        assert (process.host, process.port) == ('127.0.0.1', port)
        assert str(process.addr) == '127.0.0.1:%d' % port
        assert isinstance(process, multiprocessing.process.BaseProcess)
        assert process.daemon is False and not process.is_alive()


def test_a_name_server_process_from_start_to_shutdown():
    """The variable is set, the address is the one asked for, nothing is alive afterwards."""
    address = SocketAddress('127.0.0.1', free_port())
    process = NameServerProcess(address)
    assert process.start() is None
    try:
        assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == str(address)
        assert process.is_alive() and process.pid != os.getpid()
        assert NSProxy(address).addr() == address and process.agents() == []
        run_agent('a0')
        run_agent('a1')
        assert sorted(process.agents()) == ['a0', 'a1']
    finally:
        process.shutdown()
    assert not process.is_alive()
    assert not answers(address)


def test_shutdown_takes_as_long_as_the_slowest_agent():
    process = random_nameserver_process()
    for number in range(3):
        run_agent('a%d' % number, base=Slow).set_attr(delay=number)
    with lasts(1.8, 5):
        process.shutdown()
    assert not process.is_alive()


def test_shutdown_all_asks_and_does_not_wait():
    process = random_nameserver_process()
    run_agent('a0', base=Slow).set_attr(delay=4)
    with lasts(0, 3):
        process.shutdown_all()
    assert process.is_alive() and process.agents() == ['a0']
    assert wait_condition(lambda: process.agents() == [], timeout=20)
    process.shutdown()


def test_start_may_be_called_from_another_thread():
    process = NameServerProcess(free_port())
    starter = threading.Thread(target=process.start)
    starter.start()
    starter.join(10)
    try:
        assert NSProxy().ping() == 'pong' and process.is_alive()
    finally:
        process.shutdown()


def test_the_methods_of_processes_work():
    """A name server can be ended like any process."""
    process = random_nameserver_process()
    process.join(0.1)
    assert process.is_alive() and process.exitcode is None
    process.terminate()
    process.join(5)
    assert not process.is_alive() and process.exitcode in (0, -signal.SIGTERM)


def test_sigint_ends_the_name_server_and_leaves_its_agents():
    """At once, with exit code 0; the agents go on and can still be talked to."""
    process = random_nameserver_process()
    sender, receiver = run_agent('sender'), run_agent('receiver', attributes={'received': []})
    sender.connect(
        receiver.bind('PULL', handler=lambda agent, message: agent.received.append(message)),
        alias='out',
    )
    pids = [agent.execute_as_function(os.getpid) for agent in (sender, receiver)]
    with lasts(0, 4.5):
        os.kill(process.pid, signal.SIGINT)
        process.join(5)
    assert process.exitcode == 0
    sender.send('out', 'x')
    assert wait_agent_attr(receiver, value=['x'])
    for agent in (sender, receiver):
        agent.oneway.kill()
    assert wait_condition(lambda: not any(is_alive(pid) for pid in pids), timeout=10)


def is_alive(pid):
    """Tell whether there is such a process; a zombie has ended."""
    try:
        return Path('/proc/%d/stat' % pid).read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


@pytest.mark.parametrize('start', [run_nameserver, lambda addr: NameServerProcess(addr).start()])
def test_an_address_in_use_is_an_error(start):
    with taken() as listener:
        address = '127.0.0.1:%d' % listener.getsockname()[1]
        with lasts(0, 3), pytest.raises(RuntimeError) as error:
            start(address)
    for part in (
        'An error occurred while creating the daemon!',
        'OSError',
        'Address already in use',
    ):
        assert part in str(error.value)


def test_an_address_of_another_machine_is_an_error():
    with pytest.raises(RuntimeError, match='An error occurred while creating the daemon!') as error:
        run_nameserver('203.0.113.1:12345')
    assert 'OSError' in str(error.value)


def give_up_privileges():
    """Take the right to bind low ports from the program that is executed next."""
    if os.geteuid() == 0:
        import ctypes

        drop_from_bounding_set, net_bind_service = 24, 10
        ctypes.CDLL(None).prctl(drop_from_bounding_set, net_bind_service, 0, 0, 0)


def low_ports_are_free():
    limit = Path('/proc/sys/net/ipv4/ip_unprivileged_port_start')
    return not limit.exists() or int(limit.read_text()) <= 22


@pytest.mark.skipif(low_ports_are_free(), reason='this machine lets everybody bind low ports')
def test_a_privileged_port_is_an_error_without_the_right_to_it(tmp_path):
    program = run_script(
        tmp_path,
        '''
        from osbrain import run_agent, run_nameserver

        def attempt(function, *args):
            try:
                function(*args)
            except RuntimeError as error:
                text = str(error)
                parts = ('creating the daemon!', 'PermissionError', 'Permission denied')
                print(*[part in text for part in parts])

        if __name__ == '__main__':
            attempt(run_nameserver, '127.0.0.1:22')
            ns = run_nameserver()
            attempt(run_agent, 'a0', None, '127.0.0.1:22')
            print(ns.agents())
            ns.shutdown()
        ''',
        preexec_fn=give_up_privileges,
    )
    out, err = program.communicate(timeout=30)
    lines = [line for line in out.splitlines() if line.startswith(('True', 'False', '['))]
    assert lines == ['True True True', 'True True True', '[]'], err


# random_nameserver_process


def test_a_random_port_is_taken_from_the_range():
    """Both ends are included, by default from 10000 to 20000."""
    port = free_port()
    for kwargs, ports in [
        ({}, range(10000, 20001)),
        ({'port_start': port, 'port_stop': port}, [port]),
    ]:
        process = random_nameserver_process(**kwargs)
        try:
            assert process.port in ports and process.host == '127.0.0.1'
            assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == '127.0.0.1:%d' % process.port
            assert process.is_alive() and NSProxy().ping() == 'pong'
        finally:
            process.shutdown()


def test_busy_ports_are_passed_over_until_the_time_is_over():
    first, *_ = free_ports(3)
    with taken(port=first), taken(port=first + 2):
        process = random_nameserver_process(port_start=first, port_stop=first + 2, timeout=10)
        try:
            assert process.port == first + 1
            with lasts(0.5, 2.5), pytest.raises(RuntimeError, match='Address already in use'):
                random_nameserver_process('127.0.0.1', first, first + 2, timeout=0.5)
        finally:
            NSProxy('127.0.0.1:%d' % process.port).shutdown()
        process.join(5)
        assert not process.is_alive()


def test_an_empty_range_is_an_error():
    with lasts(0, 3), pytest.raises(ValueError):
        random_nameserver_process(port_start=15000, port_stop=14999)


# run_nameserver


@pytest.mark.parametrize('form', [lambda port: SocketAddress('127.0.0.1', port), '127.0.0.1:{}'.format])
def test_run_nameserver_listens_where_it_is_told(form):
    port = free_port()
    ns = run_nameserver(form(port))
    try:
        assert isinstance(ns, NSProxy) and ns.addr() == SocketAddress('127.0.0.1', port)
        assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == '127.0.0.1:%d' % port
    finally:
        ns.shutdown()


def test_run_nameserver_finds_a_port_by_itself():
    ns = run_nameserver()
    assert 10000 <= ns.addr().port <= 20000 and ns.addr().host == '127.0.0.1'
    assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == str(ns.addr())
    ns.shutdown()


def test_several_name_servers_have_agents_of_their_own():
    """The same name may be used in each; agents of different ones can be connected."""
    servers = [run_nameserver() for _ in range(3)]
    try:
        agents = [run_agent('same', nsaddr=ns.addr(), attributes={'received': []}) for ns in servers]
        for number, ns in enumerate(servers):
            assert ns.agents() == ['same']
            agents[number].set_attr(number=number)
        assert [Proxy('same', ns.addr()).get_attr('number') for ns in servers] == [0, 1, 2]
        address = agents[0].bind('PULL', handler=lambda agent, message: agent.received.append(message))
        agents[2].connect(address, alias='out')
        agents[2].send('out', 'x')
        assert wait_agent_attr(agents[0], value=['x'])
        servers.pop(1).shutdown()
        assert agents[0].ping() == agents[2].ping() == 'pong'
    finally:
        for ns in servers:
            ns.shutdown()


# Custom name servers


class Parent(NameServer):
    """Overrides what may be overridden, and starts a child process."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = []

    def note(self, call):
        self.calls.append(call)
        return len(self.calls)

    def run_child(self):
        child = multiprocessing.get_context('fork').Process(target=os._exit, args=(7,))
        child.start()
        child.join()
        return child.exitcode

    def daemon_shutdown(self):
        Path(self.calls[-1]).write_text('ended')
        super().daemon_shutdown()


def test_a_custom_name_server(tmp_path):
    """Its methods are remote, its state lasts, it may have children, its overrides are called."""
    ns = run_nameserver(base=Parent)
    assert (ns.note('x'), NSProxy().note('y')) == (1, 2)
    assert ns.run_child() == 7
    run_agent('a0')
    assert ns.agents() == ['a0'] and ns.ping() == 'pong'
    ns.note(str(tmp_path / 'file'))
    ns.shutdown()
    assert wait_condition((tmp_path / 'file').exists)
    assert (tmp_path / 'file').read_text() == 'ended'


def test_the_base_may_be_given_in_every_way():
    place = 'made here'

    @Pyro4.expose
    class Local(NameServer):
        def where(self):
            return place

    process = NameServerProcess(free_port(), base=Local)
    process.start()
    assert NSProxy().where() == place
    process.shutdown()
    process = random_nameserver_process(base=Local)
    assert NSProxy().where() == place
    process.shutdown()
    ns = run_nameserver('127.0.0.1:%d' % free_port(), Local)
    assert ns.where() == place
    ns.shutdown()


# New: scopes, sharing, addresses, quiet


class Boom(Exception):
    pass


@pytest.mark.new
@pytest.mark.parametrize('error', [None, Boom, KeyboardInterrupt])
def test_a_with_block_ends_everything_also_when_its_body_raises(error):
    """The error comes out unchanged."""
    processes = []

    def body():
        with run_nameserver() as ns:
            assert isinstance(ns, NSProxy)
            processes.extend(run_agent(name).execute_as_function(os.getpid) for name in ('a0', 'a1'))
            processes.append(ns.addr())
            if error:
                raise error('in the body')

    if error:
        with pytest.raises(error, match='in the body'):
            body()
    else:
        body()
    address = processes.pop()
    assert wait_condition(lambda: not answers(address) and not any(is_alive(pid) for pid in processes))


@pytest.mark.new
def test_a_running_name_server_is_shared_with_reuse(nsproxy, monkeypatch):
    """Where there is none one is started; without being asked for, a second one stays an error."""
    address = nsproxy.addr()
    run_agent('a0')
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', '127.0.0.1:1')
    for addr in (address, str(address)):
        same = run_nameserver(addr, reuse=True)
        assert same == nsproxy and same.agents() == ['a0']
        assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == str(address)
    with pytest.raises(RuntimeError, match='Address already in use'):
        run_nameserver(address)
    fresh = run_nameserver('127.0.0.1:%d' % free_port(), reuse=True)
    try:
        assert fresh != nsproxy and fresh.agents() == []
    finally:
        fresh.shutdown()
    with taken() as foreign, lasts(0, 5), pytest.raises((RuntimeError, TimeoutError)):
        run_nameserver('127.0.0.1:%d' % foreign.getsockname()[1], reuse=True)


@pytest.mark.new
@pytest.mark.parametrize('host', ['localhost', '::1'])
def test_host_names_and_ipv6_work_where_addresses_are_taken(host):
    try:
        port = free_port(host)
    except OSError:
        pytest.skip('no IPv6 on this machine')
    text = '%s:%d' % ('[::1]' if host == '::1' else host, port)
    ns = run_nameserver(text)
    try:
        assert ns.addr().port == port
        assert os.environ['OSBRAIN_NAMESERVER_ADDRESS'] == str(ns.addr())
        assert NSProxy(text).ping() == NSProxy(str(ns.addr())).ping() == 'pong'
        assert locate_ns(text) == text
        agent_addr = text.rpartition(':')[0]
        agents = [run_agent('a0'), run_agent('a1', text, agent_addr)]
        assert Proxy('a1', nsaddr=text).ping() == 'pong'
        receiver = agents[1].bind('PULL', transport='tcp', handler=lambda agent, message: agent.set_attr(got=message))
        assert receiver.address.host in ('127.0.0.1', '::1')
        agents[1].set_attr(got=None)
        agents[0].connect(receiver, alias='out')
        agents[0].send('out', 'x')
        assert wait_agent_attr(agents[1], 'got', value='x')
    finally:
        ns.shutdown()


@pytest.mark.new
def test_a_name_server_is_quiet(capfd):
    ns = run_nameserver()
    run_agent('a0').shutdown()
    assert agent_dies('a0', ns)
    ns.shutdown()
    assert wait_condition(lambda: not answers(ns.addr()))
    assert capfd.readouterr() == ('', '')
