"""Steering as a shell sees it: real processes, agents that are busy, frozen or started again, Ctrl-C."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading

import pytest

from osbrain import Agent, run_agent, run_supervisor
from osbrain.cli import Exit
from osbrain.helper import wait_condition

pytestmark = pytest.mark.new

COMMAND = [sys.executable, '-m', 'osbrain']
# Seconds for what takes a fraction of that, on a machine that has much else to do.
LONG = 60


class Feed(Agent):
    def on_init(self):
        self.price = 1
        self.log_info('begins')

    def stop_logging(self):
        """A method of a name that is nobody else's."""

    def logs(self):
        return 'mine'


@pytest.fixture
def osbrain(nsproxy):
    environment = {**os.environ, 'OSBRAIN_NAMESERVER_ADDRESS': str(nsproxy.addr())}

    def run(*argv):
        return subprocess.run(
            [*COMMAND, *argv], capture_output=True, text=True, timeout=LONG, check=False, env=environment
        )

    run.environment = environment
    return run


def test_an_agent_is_called_set_and_started_again_from_a_shell(osbrain, nsproxy):
    run_agent('feed', base=Feed, restart='transient', max_restarts=0)
    pid = nsproxy.status()['feed'].pid
    assert osbrain('set', 'feed', 'price=[1, 2]').returncode == Exit.OK
    assert osbrain('call', 'feed', 'logs').stdout == '"mine"\n'
    result = osbrain('restart', 'feed', '--timeout', str(LONG))
    assert (result.returncode, result.stdout, result.stderr) == (Exit.OK, 'feed runs again.\n', '')
    assert nsproxy.status()['feed'].pid != pid
    # What is set from outside comes back.
    assert json.loads(osbrain('call', 'feed', 'get_attr', '"price"').stdout) == [1, 2]
    result = osbrain('kill', 'feed', '--json')
    assert json.loads(result.stdout) == [{'name': 'feed', 'done': True, 'forced': False, 'problem': None}]
    assert 'feed' not in nsproxy.agents()


def test_a_supervisor_below_another_comes_back_with_its_children(osbrain, nsproxy):
    low = {'name': 'low', 'children': ['a', 'b']}
    top = run_supervisor('top', [low, 'c'], strategy='rest_for_one', max_restarts=0)
    before = {name: record.pid for name, record in nsproxy.status().items()}
    assert osbrain('restart', 'low', '--timeout', str(LONG)).returncode == Exit.OK
    assert wait_condition(lambda: {'low', 'a', 'b', 'c', 'top'} <= set(nsproxy.agents()), timeout=LONG)
    after = {name: record.pid for name, record in nsproxy.status().items()}
    assert {name for name in before if before[name] != after[name]} == {'low', 'a', 'b'}
    assert [child.restarts for child in top.which_children()] == [1, 0]


def test_who_is_frozen_keeps_nobody_from_seeing_the_others(osbrain, nsproxy):
    for name in ('feed', 'broker'):
        run_agent(name, base=Feed)
    pid = nsproxy.status()['broker'].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        result = osbrain('logs')
        assert result.returncode == Exit.NOT_ANSWERING
        assert 'INFO    feed: begins' in result.stdout
        assert 'broker does not tell what it has logged' in result.stderr
        result = osbrain('doctor', '--json')
        assert result.returncode == Exit.FAULTS_FOUND
        (fault,) = [finding for finding in json.loads(result.stdout) if finding['state'] == 'fault']
        assert fault['what'] == f'broker is frozen: its process {pid} was stopped by a signal'
        assert fault['mend'] == f'kill -CONT {pid}, or osbrain kill broker'
        result = osbrain('kill', 'broker')
        assert result.stdout == 'broker did not react: its process was ended.\n'
    finally:
        if wait_condition(lambda: 'broker' in nsproxy.agents(), timeout=0.1):
            os.kill(pid, signal.SIGCONT)


def test_following_goes_on_across_a_restart_until_ctrl_c(osbrain, nsproxy):
    feed = run_agent('feed', base=Feed, restart='transient')
    follower = subprocess.Popen(
        [*COMMAND, 'logs', '-f', '--json'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=osbrain.environment,
    )
    said = queue.Queue()

    def read():
        for line in follower.stdout:
            said.put(json.loads(line)['text'])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert said.get(timeout=LONG) == 'begins'
        feed.log_info('goes on')
        assert said.get(timeout=LONG) == 'goes on'
        os.kill(nsproxy.status()['feed'].pid, signal.SIGKILL)
        assert said.get(timeout=LONG) == 'begins'
    finally:
        follower.send_signal(signal.SIGINT)
        reader.join(LONG)
        errors = follower.stderr.read()
        for stream in (follower.stdout, follower.stderr):
            stream.close()
        assert follower.wait(LONG) == Exit.OK
    assert errors.count('\n') == 1
    assert 'osbrain logs: feed has ended: killed by SIGKILL' in errors
    assert said.empty()
