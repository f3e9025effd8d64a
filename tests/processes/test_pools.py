"""Agents that have pools of processes: when an agent ends, so do they."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor

import psutil
import pytest

from osbrain import Agent, run_agent
from osbrain.helper import wait_condition

LIMIT = 20
# An agent that was itself forked beside threads, as 'fork' has it, hangs now and then when it forks once more.
CLEAN_STARTS = ['forkserver', 'spawn']

pytestmark = pytest.mark.new


def square(number):
    return number * number


class Statistician(Agent):
    def on_init(self):
        # As every agent's process does unless it is told otherwise.
        context = multiprocessing.get_context('fork')
        self.executor = ProcessPoolExecutor(2, mp_context=context)
        self.pool = context.Pool(2)

    def squares(self, numbers):
        return list(self.executor.map(square, numbers)), self.pool.map(square, numbers)

    def fail(self):
        raise ZeroDivisionError('on purpose')

    def family(self):
        own = psutil.Process()
        return [own.pid, *(child.pid for child in own.children(recursive=True))]


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def crash_and_kill(agent):
    with pytest.raises(ZeroDivisionError):
        agent.fail()
    agent.oneway.kill()


ENDS = {
    'shutdown': lambda agent: agent.shutdown(),
    'kill': lambda agent: agent.oneway.kill(),
    'kill after a crash': crash_and_kill,
    'SIGTERM': lambda agent: os.kill(agent.execute_as_function(os.getpid), signal.SIGTERM),
}


@pytest.mark.parametrize('start_method', CLEAN_STARTS)
@pytest.mark.parametrize('end', ENDS)
def test_pools_end_with_their_agent(nsproxy, monkeypatch, start_method, end):
    monkeypatch.setenv('OSBRAIN_START_METHOD', start_method)
    agent = run_agent('agent', base=Statistician)
    assert agent.squares([1, 2, 3]) == ([1, 4, 9], [1, 4, 9])
    family = agent.family()
    assert len(family) >= 4
    ENDS[end](agent)
    assert wait_condition(lambda: not any(map(lives, family)), timeout=LIMIT)


def test_a_process_that_an_agent_has_forked_can_be_ended(nsproxy):
    """It is no agent, and does not end as one."""

    def start_one(agent):
        agent.child = multiprocessing.get_context('fork').Process(target=signal.pause)
        agent.child.start()

    def end_it(agent):
        agent.child.terminate()
        agent.child.join(LIMIT)
        return agent.child.exitcode

    agent = run_agent('agent')
    agent.execute_as_method(start_one)
    assert agent.execute_as_method(end_it) == -signal.SIGTERM


SCRIPT = '''
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from osbrain import Agent, run_agent, run_nameserver

    def square(number):
        return number * number

    class Statistician(Agent):
        def squares(self, numbers):
            context = multiprocessing.get_context('fork')
            with ProcessPoolExecutor(2, mp_context=context) as executor, context.Pool(2) as pool:
                return list(executor.map(square, numbers)), pool.map(square, numbers)

    if __name__ == '__main__':
        with run_nameserver():
            print(run_agent('agent', base=Statistician).squares([1, 2, 3]))
'''


@pytest.mark.parametrize('start_method', CLEAN_STARTS)
def test_an_agent_of_a_script_hands_the_script_s_functions_to_a_pool(tmp_path, start_method):
    """Pools pickle them by name, and what has the name has to be what the agent has."""
    script = tmp_path / 'script.py'
    script.write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, 'OSBRAIN_START_METHOD': start_method}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=3 * LIMIT)
    assert (done.stdout, done.returncode) == ('([1, 4, 9], [1, 4, 9])\n', 0), done.stderr
