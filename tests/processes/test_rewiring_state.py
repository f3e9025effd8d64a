"""The state of an agent outlives its process, and its program if somebody has chosen a file."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from osbrain import Agent, AgentProcess, config, run_agent, run_agents, run_supervisor
from osbrain._memory import Memory
from osbrain.helper import wait_agent_attr

LIMIT = 10


class Counter(Agent):
    def on_init(self):
        self.count = 0
        self.order = ['on_init']

    def before_loop(self):
        self.order.append('before_loop')

    def add(self, number=1):
        self.count += number
        return self.count

    def save_state(self):
        return self.count

    def load_state(self, state):
        self.count = state
        self.order.append('load_state')


def until(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def start(nsproxy):
    """Start the process of an agent, which has a memory; return it and the proxy."""
    started = []

    def one(process=None, name='counter', base=Counter, **arguments):
        if process is None:
            arguments.setdefault('memory', Memory())
            process = AgentProcess(name, nsproxy.addr(), base=base, **arguments)
        process.run_at_once = True
        process.start()
        process.wait_for_word(LIMIT)
        started.append(process)
        return process, nsproxy.proxy(process.name)

    yield one
    nsproxy.shutdown_agents()
    for process in started:
        process.join(LIMIT)
        if process.memory is not None:
            process.memory.discard_state()


def kill(process, ns):
    os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT)
    ns.reap()


def test_what_was_saved_last_comes_back_after_a_death(start, nsproxy):
    process, agent = start(checkpoint=0.01)
    agent.add(5)
    first = process.memory.state_file
    until(first.exists)
    written = first.stat().st_mtime_ns
    until(lambda: first.stat().st_mtime_ns != written)
    kill(process, nsproxy)
    _, agent = start(process.again())
    assert agent.count == 5


class Saving(Counter):
    def on_init(self):
        super().on_init()
        self.checkpoint()  # too early: there is nothing to be saved

    def keep(self, number):
        self.add(number)
        self.checkpoint()


def test_a_checkpoint_is_saved_when_the_call_returns(start, nsproxy):
    process, agent = start(base=Saving)
    assert not process.memory.state_file.exists()
    agent.keep(5)
    agent.add(2)
    kill(process, nsproxy)
    _, agent = start(process.again())
    assert agent.count == 5


def test_a_checkpoint_of_an_agent_whose_state_nobody_keeps_is_nothing(start):
    _, agent = start(base=Saving, memory=None)
    agent.keep(5)
    assert (agent.count, agent.counters()['errors']) == (5, 0)


def test_a_clean_stop_saves_to_the_last_message(start):
    process, agent = start()
    agent.add(5)
    agent.oneway.shutdown()
    process.join(LIMIT)
    _, agent = start(process.again())
    assert agent.count == 5


def test_a_loop_that_is_stopped_has_saved(start):
    process, agent = start()
    agent.add(5)
    agent.stop()
    until(process.memory.state_file.exists)


def test_ctrl_c_is_a_clean_end(start):
    process, agent = start()
    agent.add(5)
    os.kill(process.pid, signal.SIGINT)
    process.join(LIMIT)
    _, agent = start(process.again())
    assert agent.count == 5


def test_a_failure_does_not_save_what_it_has_left_behind(start, nsproxy, capfd):
    process, agent = start()
    agent.add(5)
    with pytest.raises(ValueError):
        agent.execute_as_method(lambda agent: int('x') + agent.add())
    until(lambda: not agent.is_running())
    kill(process, nsproxy)
    _, agent = start(process.again())
    assert agent.count == 0


def test_everything_comes_back_in_order(start):
    process, agent = start()
    agent.set_method(load_state=lambda agent, state: agent.order.extend(['load_state', agent.x]))
    agent.set_attr(x=1)
    agent.add()
    agent.oneway.shutdown()
    process.join(LIMIT)
    _, agent = start(process.again())
    # What was configured is there when the state is loaded, and the loop begins after that.
    assert agent.order == ['on_init', 'load_state', 1, 'before_loop']


def test_a_new_agent_of_the_same_name_begins_anew(start):
    process, agent = start()
    agent.add(5)
    agent.oneway.shutdown()
    process.join(LIMIT)
    _, agent = start()
    assert agent.count == 0


def test_the_state_of_an_agent_whose_starter_is_gone_goes_with_it(nsproxy):
    program = textwrap.dedent('''
        import os, sys
        from osbrain import Agent, AgentProcess
        from osbrain._memory import Memory

        class Counter(Agent):
            def save_state(self):
                return 1

        process = AgentProcess('counter', sys.argv[1], base=Counter, memory=Memory(), checkpoint=0.01)
        process.run_at_once = True
        process.start()
        process.wait_for_word(5)
        while not process.memory.state_file.exists():
            pass
        print(process.memory.state_file, flush=True)
        os.kill(os.getpid(), 9)
    ''')
    done = subprocess.run(
        [sys.executable, '-c', program, str(nsproxy.addr())], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == -9, done.stderr
    until(lambda: not Path(done.stdout.strip()).parent.exists())
    until(lambda: nsproxy.agents() == [])


class TestChosenFile:
    def test_state_survives_the_program(self, nsproxy, tmp_path):
        path = tmp_path / 'counter.state'
        for expected in (0, 2, 4):
            agent = run_agent('counter', base=Counter, state=path)
            assert agent.count == expected
            agent.add(2)
            agent.oneway.shutdown()
            until(lambda: nsproxy.agents() == [])
        assert path.exists()

    def test_it_is_saved_at_checkpoints_too(self, nsproxy, tmp_path):
        path = tmp_path / 'counter.state'
        (agent,) = run_agents([{'name': 'counter', 'base': Counter, 'state': str(path), 'checkpoint': 0.01}])
        agent.add(2)
        until(path.exists)
        written = path.stat().st_mtime_ns
        until(lambda: path.stat().st_mtime_ns != written)
        agent.unsafe.kill()
        until(lambda: nsproxy.agents() == [])
        assert run_agent('counter', base=Counter, state=path).count == 2

    def test_a_damaged_file_is_kept_aside_and_the_agent_goes_on(self, nsproxy, tmp_path, capfd):
        path = tmp_path / 'counter.state'
        path.write_bytes(b'nonsense')
        agent = run_agent('counter', base=Counter, state=path)
        assert (agent.count, agent.counters()['errors']) == (0, 1)
        assert (tmp_path / 'counter.state.unreadable').read_bytes() == b'nonsense'
        assert "The state of agent 'counter' could not be loaded" in capfd.readouterr().err

    def test_a_folder_that_goes_away_ends_nobody(self, nsproxy, tmp_path, capfd):
        folder = tmp_path / 'folder'
        folder.mkdir()
        agent = run_agent('counter', base=Counter, state=folder / 'state', checkpoint=0.01)
        until((folder / 'state').exists)
        folder.rename(tmp_path / 'elsewhere')
        until(lambda: agent.counters()['errors'] > 1)
        assert agent.add() == 1
        # The next one is saved again.
        (tmp_path / 'elsewhere').rename(folder)
        assert wait_agent_attr(agent, 'count', value=1, timeout=LIMIT)
        assert "The state of agent 'counter' could not be saved" in capfd.readouterr().err


def test_an_agent_without_checkpoints_has_no_folder(nsproxy):
    run_agent('counter', base=Counter)
    assert not (config['IPC_DIR'] / 'state').exists()


def test_a_supervisor_that_ends_leaves_no_state_of_its_children(nsproxy):
    supervisor = run_supervisor('boss', [{'name': 'counter', 'base': Counter, 'checkpoint': 0.01}])
    until(lambda: list((config['IPC_DIR'] / 'state').glob('*')))
    supervisor.oneway.shutdown()
    until(lambda: not nsproxy.agents())
    assert not (config['IPC_DIR'] / 'state').exists()


class SlowToSave(Counter):
    def save_state(self):
        (Path(self.folder) / 'saving').touch()
        until((Path(self.folder) / 'go').exists)
        return self.count


def test_who_is_saving_is_not_ended_by_a_second_order_to_end(nsproxy, tmp_path):
    agent = run_agent('counter', base=SlowToSave, state=tmp_path / 'state', attributes={'folder': str(tmp_path)})
    agent.add(2)
    # As a name server and a supervisor give it, side by side.
    agent._link.call('end', 0.0)
    until((tmp_path / 'saving').exists)
    agent._link.call('end', 0.0)
    (tmp_path / 'go').touch()
    until(lambda: not nsproxy.agents())
    assert run_agent('counter', base=Counter, state=tmp_path / 'state').count == 2
