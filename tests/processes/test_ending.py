"""How agents end: what each way cleans up, what it leaves, and how long it may take."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import Pyro4
import pytest

from osbrain import Agent, AgentProcess, NSProxy, Proxy, run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition
from osbrain.proxy import locate_ns
from tests.ports import free_port


class Worker(Agent):
    """Has an ipc file, a timer to be stopped, and a way to be busy."""

    def on_init(self):
        self.received = []
        self.ticks = 0
        self.state = 'idle'
        self.address = self.bind('PULL', alias='in', handler='take', transport='ipc')
        self.bind('PUSH', alias='nowhere')

    def take(self, message):
        self.received.append(message)
        if message == 'end':
            self.shutdown()

    def tick(self):
        self.ticks += 1

    def work(self, seconds):
        self.state = 'busy'
        time.sleep(seconds)
        self.state = 'worked'

    def block(self):
        self.state = 'blocked'
        self.send('nowhere', 'x')


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


@pytest.fixture
def start(nsproxy):
    """Start an agent of class Worker; return its process and its proxy."""

    def start(name='a0', run=True):
        process = AgentProcess(name, base=Worker)
        process.start()
        agent = Proxy(name)
        if run:
            agent.run()
            agent.wait_for_running()
        return process, agent

    return start


def ends(process, within):
    process.join(within)
    return not process.is_alive()


def ipc_files(agent):
    return [agent.unsafe.addr(alias).address for alias in ('in', 'nowhere')]


# Shutdown


@pytest.mark.parametrize('way', ['safe', 'unsafe', 'oneway', 'handler', 'timer'])
def test_shutdown_ends_and_cleans_everything(start, nsproxy, way):
    """Asked from outside or by itself: name, ipc files and process are gone, the exit code is 0."""
    process, agent = start()
    files = ipc_files(agent)
    agent.each(0.01, 'tick')
    assert all(file.exists() for file in files) and process.is_alive()
    if way == 'handler':
        sender = run_agent('a1')
        sender.connect(agent.addr('in'), alias='out')
        sender.send('out', 'end')
    elif way == 'timer':
        agent.after(0, 'shutdown')
    else:
        assert getattr(agent, way).shutdown() is None
    assert agent_dies('a0', nsproxy, timeout=1 if way == 'safe' else 2)
    assert ends(process, 5) and process.exitcode == 0
    assert not any(file.exists() for file in files)


def test_shutdown_lets_the_current_message_finish(start, tmp_path):
    process, agent = start()

    def handle(agent, path):
        agent.state = 'busy'
        time.sleep(0.5)
        path.write_text('finished')

    agent.after(0, handle, tmp_path / 'file')
    assert wait_agent_attr(agent, 'state', value='busy')
    agent.unsafe.shutdown()
    assert ends(process, 5)
    assert (tmp_path / 'file').read_text() == 'finished'


def test_what_was_sent_just_before_shutdown_still_arrives(start):
    """Sockets are closed with the default linger."""
    _, receiver = start()
    sender = run_agent('a1')
    sender.connect(receiver.addr('in'), alias='out')

    def send_and_end(agent):
        for number in range(500):
            agent.send('out', number)
        agent.shutdown()

    sender.after(0, send_and_end)
    assert wait_agent_attr(receiver, value=list(range(500)))


def test_shutdown_called_unsafely_is_noticed_at_the_next_round(start, nsproxy):
    """Which on an idle agent is a poll timeout of a second away, at most."""
    process, agent = start()
    with lasts(0, 2.5):
        agent.unsafe.shutdown()
        assert agent_dies('a0', nsproxy, timeout=2)
    assert ends(process, 3)


def test_an_agent_that_does_not_run_refuses_or_ignores_shutdown(start, nsproxy):
    process, agent = start(run=False)
    with pytest.raises(RuntimeError, match='Agent must be running'):
        agent.safe.shutdown()
    agent.unsafe.shutdown()
    assert not agent_dies('a0', nsproxy, timeout=0.5)
    assert process.is_alive() and agent.unsafe.ping() == 'pong'


def test_names_and_ports_of_an_ended_agent_can_be_taken_at_once(nsproxy):
    port = free_port()
    for _ in range(3):
        agent = run_agent('a0', transport='tcp')
        address = agent.bind('PUSH', addr='127.0.0.1:%d' % port)
        assert address.address.port == port
        agent.shutdown()
        assert agent_dies('a0', nsproxy)


# Stop


@pytest.mark.parametrize('way', ['stop', '_keep_alive'])
def test_a_stopped_agent_stays_and_answers_unsafe_calls(start, nsproxy, way):
    """The loop ends; process, name and sockets stay."""
    process, agent = start()
    if way == 'stop':
        assert agent.stop() == 'OK'
    else:
        agent.set_attr(_keep_alive=False)
    assert agent.get_attr('_keep_alive') is False
    assert wait_agent_attr(agent, '_running', value=False)
    assert agent.is_running() is False
    with pytest.raises(RuntimeError, match='Agent must be running'):
        agent.safe.ping()
    assert agent.unsafe.ping() == 'pong' and agent.get_attr('received') == []
    assert agent.unsafe.has_socket('in') and all(file.exists() for file in ipc_files(agent))
    assert process.is_alive() and nsproxy.agents() == ['a0']
    agent.oneway.kill()
    assert agent_dies('a0', nsproxy, timeout=3) and ends(process, 3)


def test_stop_called_unsafely_is_noticed_within_a_poll_timeout(start):
    _, agent = start()
    assert agent.unsafe.stop() == 'OK'
    assert wait_condition(lambda: not agent.is_running(), timeout=2)


def test_stopping_an_agent_that_does_not_run_changes_nothing(start, nsproxy):
    process, agent = start(run=False)
    agent.unsafe.stop()
    assert agent.unsafe.ping() == 'pong' and not agent.is_running()
    assert process.is_alive() and nsproxy.agents() == ['a0']


@pytest.mark.new
def test_a_stopped_agent_can_be_run_again(start):
    _, agent = start()
    agent.stop()
    assert wait_condition(lambda: not agent.is_running())
    agent.run()
    agent.wait_for_running()
    sender = run_agent('a1')
    sender.connect(agent.addr('in'), alias='out')
    sender.send('out', 'x')
    assert wait_agent_attr(agent, value=['x'])


# Kill


@pytest.mark.parametrize('state', ['running', 'not run', 'stopped', 'crashed', 'busy', 'blocked'])
@pytest.mark.parametrize('way', ['oneway', 'unsafe'])
def test_kill_ends_an_agent_in_any_state(start, nsproxy, state, way):
    """Name and ipc files go soon; a caller that waits for the answer may lose the connection."""
    process, agent = start(run=state != 'not run')
    files = ipc_files(agent)
    if state == 'stopped':
        agent.stop()
    elif state == 'crashed':
        with pytest.raises(RuntimeError, match='User raised an exception!'):
            agent.raise_exception()
    elif state == 'busy':
        agent.after(0, 'work', 1)
        assert wait_agent_attr(agent, 'state', value='busy')
    elif state == 'blocked':
        agent.after(0, 'block')
        assert wait_agent_attr(agent, 'state', value='blocked')
    if state in ('stopped', 'crashed'):
        assert wait_condition(lambda: not agent.is_running())
    try:
        assert getattr(agent, way).kill() is None
    except Pyro4.errors.CommunicationError:
        assert way != 'oneway'
    assert agent_dies('a0', nsproxy, timeout=3)
    assert wait_condition(lambda: not any(file.exists() for file in files))
    assert ends(process, 5)


# From outside


@pytest.mark.parametrize('run', [True, False])
def test_agent_process_kill_ends_the_process(start, nsproxy, run):
    """Without asking the agent: its name goes, the exit code is 0."""
    process, agent = start(run=run)
    pid = process.pid
    process.kill()
    with lasts(0, 4):
        assert ends(process, 5)
    assert (process.exitcode, process.pid) == (0, pid)
    assert nsproxy.agents() == []
    with pytest.raises(Pyro4.errors.CommunicationError):
        agent.unsafe.ping()
    assert run_agent('a0').ping() == 'pong'


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
def test_signals_that_end_at_once(start, nsproxy, number):
    """The agent cannot clean up; its stale name can be removed by hand, and then used again."""
    process, agent = start()
    files = ipc_files(agent)
    with lasts(0, 4.5):
        os.kill(process.pid, number)
        assert ends(process, 5)
    assert process.exitcode == -number or (number, process.exitcode) == (signal.SIGTERM, 0)
    with pytest.raises(Pyro4.errors.CommunicationError):
        agent.ping()
    nsproxy.remove('a0')
    assert nsproxy.agents() == [] and run_agent('a0').ping() == 'pong'
    for file in files:
        if file.exists():
            file.unlink()


def test_sigint_ends_an_agent_by_itself(start, nsproxy):
    process, agent = start()
    files = ipc_files(agent)
    os.kill(process.pid, signal.SIGINT)
    with lasts(0, 8):
        assert ends(process, 10)
    nsproxy.remove('a0')
    for file in files:
        if file.exists():
            file.unlink()


@pytest.mark.new
@pytest.mark.parametrize('run', [True, False])
@pytest.mark.parametrize('way', ['SIGINT', 'SIGTERM', 'AgentProcess.kill'])
def test_what_can_still_act_cleans_up(start, nsproxy, way, run):
    """Name and ipc files go with the process, within two seconds."""
    process, agent = start(run=run)
    files = ipc_files(agent)
    with lasts(0, 3):
        if way == 'AgentProcess.kill':
            process.kill()
        else:
            os.kill(process.pid, getattr(signal, way))
        assert ends(process, 5)
    assert agent_dies('a0', nsproxy)
    assert not any(file.exists() for file in files)


@pytest.mark.new
def test_sigint_does_not_wait_for_a_name_server_that_has_gone():
    ns = run_nameserver()
    process = AgentProcess('a0')
    process.start()
    agent = Proxy('a0')
    agent.run()
    agent.wait_for_running()
    with suppress(Pyro4.errors.ConnectionClosedError):
        ns.daemon_shutdown()
    assert wait_condition(lambda: not reachable(ns.addr()))
    os.kill(process.pid, signal.SIGINT)
    with lasts(0, 3):
        assert ends(process, 5)


def test_an_agent_ends_after_its_name_server(start):
    """Without the name server there is nobody to sign off with; the process exits all the same."""
    ns = run_nameserver()
    process = AgentProcess('orphan', nsaddr=ns.addr(), base=Worker)
    process.start()
    agent = Proxy('orphan', ns.addr())
    agent.run()
    agent.wait_for_running()
    files = ipc_files(agent)
    with suppress(Pyro4.errors.ConnectionClosedError):
        ns.daemon_shutdown()
    assert wait_condition(lambda: not reachable(ns.addr()))
    agent.shutdown()
    with lasts(0, 6):
        assert ends(process, 8)
    assert not any(file.exists() for file in files)


def reachable(address):
    try:
        return locate_ns(address, timeout=0) == address
    except TimeoutError:
        return False


# Programs


PROGRAM = '''
    import os, sys, time
    from osbrain import run_agent, run_nameserver

    if __name__ == '__main__':
        ns = run_nameserver()
        pids = [run_agent(name).execute_as_function(os.getpid) for name in ('a0', 'a1')]
        print('READY', ns.addr(), *pids, flush=True)
'''


@contextmanager
def program(folder, text, **kwargs):
    """Run a program; give its process, the address of its name server, the ids of its agents."""
    script = folder / 'program.py'
    script.write_text(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        **kwargs,
    )
    with process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        for line in process.stdout:
            if line.startswith('READY'):
                break
        else:
            raise RuntimeError(process.stderr.read())
        address, *pids = line.split()[1:]
        yield process, address, [int(pid) for pid in pids]
        watchdog.cancel()


def is_alive(pid):
    """Tell whether there is such a process; a zombie has ended."""
    try:
        stat = Path('/proc/%d/stat' % pid).read_text()
        return stat.rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


def test_a_program_that_ends_waits_for_its_agents(tmp_path):
    """They go on until somebody ends them."""
    with program(tmp_path, PROGRAM) as (process, address, pids):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        ns = NSProxy(address)
        assert sorted(ns.agents()) == ['a0', 'a1'] and ns.proxy('a0').ping() == 'pong'
        ns.shutdown()
        assert process.wait(10) == 0
        assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize('text', [PROGRAM, PROGRAM + '        time.sleep(60)\n'], ids=['at exit', 'at work'])
def test_ctrl_c_ends_a_program_with_all_its_processes(tmp_path, text):
    """The signal reaches the whole group, as it does from a terminal."""
    with program(tmp_path, text, start_new_session=True) as (process, address, pids):
        with lasts(0, 12):
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=15)
        assert wait_condition(lambda: not any(is_alive(pid) for pid in pids), timeout=8)
        assert wait_condition(lambda: not reachable(address))


@pytest.mark.new
def test_a_script_that_ends_with_proxies_at_hand_ends_in_silence(tmp_path):
    """Their connections are closed while everything that closing them needs is still there."""
    program = tmp_path / 'program.py'
    program.write_text(
        textwrap.dedent('''
            from osbrain import run_agent, run_nameserver

            with run_nameserver() as ns:
                agents = [run_agent(), run_agent()]
                print([agent.unsafe.ping() for agent in agents])
        ''')
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['pong', 'pong']\n", '')
