"""Shutting agents down against a name server that is a script: ask, then kill, then end, each in its share of time."""

import os
import signal
import socket
import threading

import pytest

from osbrain import _pids
from osbrain._pids import started
from osbrain._remote import shutdown as module
from osbrain._remote.directory import Directory
from osbrain._remote.shutdown import ask_to_end, ask_to_kill, each_agent, end_processes, shut_agents_down
from osbrain._remote.status import AgentStatus
from osbrain.errors import ShutdownTimeout
from tests.ports import free_port

LIMIT = 5


class FakeNameServer:
    """Agents leave at the step that is written beside their names: ask, kill, end or never."""

    LEAVE_AT = {'async_shutdown_agents': 'ask', 'async_kill_agents': 'kill', 'end_processes': 'end'}

    def __init__(self, gone=(), **agents):
        self.gone = list(gone)
        self.buried = ['long ago']
        self.present = dict(agents)
        self.steps = []

    def call(self, op, method, args, kwargs, timeout=None):
        assert (op, kwargs) == ('unsafe', {})
        assert timeout > 0
        self.steps.append(method)
        if method == 'reap':
            self.buried += self.gone
            return self.gone
        if method == 'take_buried':
            buried, self.buried = self.buried, []
            return buried
        if method == 'wait_until_empty':
            assert args[0] >= 0
            return list(self.present)
        if method in self.LEAVE_AT:
            for name in [name for name, when in self.present.items() if when == self.LEAVE_AT[method]]:
                del self.present[name]
        return list(self.present) if method == 'agents' else None


def test_without_agents_there_is_nothing_to_do():
    ns = FakeNameServer()
    report = shut_agents_down(ns, 'address', 10.0, 0.0)
    assert (report.clean, report.killed, report.gone, report.left) == ((), (), ('long ago',), ())
    assert not {'async_shutdown_agents', 'async_kill_agents', 'end_processes'} & set(ns.steps)


def test_agents_that_end_when_they_are_asked_are_neither_killed_nor_ended():
    ns = FakeNameServer(a='ask', b='ask')
    report = shut_agents_down(ns, 'address', 10.0, 0.0)
    assert (report.clean, report.killed, report.left) == (('a', 'b'), (), ())
    assert 'async_kill_agents' not in ns.steps and 'end_processes' not in ns.steps


def test_those_that_do_not_end_are_killed_and_then_their_processes_are_ended():
    ns = FakeNameServer(['dead'], a='ask', b='kill', c='end')
    report = shut_agents_down(ns, 'address', 10.0, 0.0)
    assert (report.clean, report.killed, report.gone, report.left) == (('a',), ('b', 'c'), ('long ago', 'dead'), ())
    steps = [step for step in ns.steps if step in ns.LEAVE_AT]
    assert steps == ['async_shutdown_agents', 'async_kill_agents', 'end_processes']


def test_those_that_are_left_at_the_end_are_named():
    ns = FakeNameServer(a='ask', b='never')
    with pytest.raises(ShutdownTimeout, match=r"Chances are \['b'\] were not shutdown after 10\.0 s!") as caught:
        shut_agents_down(ns, 'address', 10.0, 0.0)
    assert caught.value.left == ('b',)


@pytest.mark.parametrize('timeout', [0.0, -1.0])
def test_without_time_agents_are_asked_and_killed_but_not_waited_for(timeout):
    ns = FakeNameServer(a='never', b='ask')
    with pytest.raises(ShutdownTimeout, match='not shutdown after'):
        shut_agents_down(ns, 'address', timeout, 0.0)
    assert 'async_shutdown_agents' in ns.steps and 'async_kill_agents' in ns.steps
    assert 'wait_until_empty' not in ns.steps and 'end_processes' not in ns.steps


def test_agents_are_told_how_long_they_may_drain_before_they_are_asked():
    ns = FakeNameServer(a='ask')
    told = []
    call = ns.call
    ns.call = lambda op, method, args, kwargs, timeout=None: (
        told.append((method, args)) or call(op, method, args, kwargs, timeout)
    )
    shut_agents_down(ns, 'address', 10.0, 2.5)
    assert ('set_drain', (2.5,)) in told
    assert told.index(('set_drain', (2.5,))) < told.index(('async_shutdown_agents', ('address',)))


# -- What the name server does with each agent ------------------------------------------------------------------------


class Asked:
    """Served in place of an agent: notes what it was told."""

    def __init__(self):
        self.name = 'a'
        self.done = threading.Event()
        self.told = []

    def kill(self):
        self.told.append('kill')
        self.done.set()


def test_every_agent_is_told_in_parallel_and_one_out_of_reach_holds_nobody_up(serve):
    directory, targets = Directory(), [Asked(), Asked()]
    for number, target in enumerate(targets):
        _, link = serve(target)
        directory.register(f'a{number}', link.uri)
    directory.register('unreachable', f'PYRO:x@127.0.0.1:{free_port()}')
    each_agent(directory, ask_to_kill, LIMIT)
    assert all(target.done.wait(LIMIT) for target in targets)
    assert [target.told for target in targets] == [['kill'], ['kill']]
    assert 'unreachable' in directory.agents()


def test_an_agent_out_of_reach_is_forgotten_if_its_process_has_ended():
    directory = Directory()
    uri = f'PYRO:x@127.0.0.1:{free_port()}'
    directory.enroll(AgentStatus('a0', uri, pid=os.getpid(), pid_started=1, host=socket.gethostname()))
    each_agent(directory, ask_to_kill, LIMIT)
    assert directory.agents() == []


def test_telling_everybody_has_a_limit():
    directory, leave = Directory(), threading.Event()
    directory.register('a0', 'PYRO:x@127.0.0.1:1')
    each_agent(directory, lambda link: leave.wait(LIMIT), 0.01)
    leave.set()


def test_the_name_server_is_not_told_to_end():
    directory, told = Directory(), []
    directory.register('Pyro.NameServer', 'PYRO:x@127.0.0.1:1')
    directory.register('a0', 'PYRO:y@127.0.0.1:1')
    each_agent(directory, lambda link: told.append(link.uri), LIMIT)
    assert told == ['PYRO:y@127.0.0.1:1']


def test_an_agent_is_asked_to_end_with_the_time_that_it_may_drain():
    class Link:
        def tell(self, *args, timeout):
            self.told = (args, timeout)

    link = Link()
    ask_to_end(2.5)(link)
    assert link.told == (('end', 2.5), module._CONTACT)


def test_processes_of_this_machine_are_ended_and_their_names_forgotten(monkeypatch):
    directory, killed = Directory(), []
    monkeypatch.setattr(_pids.os, 'kill', lambda pid, number: killed.append((pid, number)))
    me = {'pid': os.getpid(), 'host': socket.gethostname()}
    directory.enroll(AgentStatus('a0', 'PYRO:x@127.0.0.1:1', pid_started=started(os.getpid()), **me))
    directory.enroll(AgentStatus('later', 'PYRO:x@127.0.0.1:2', pid_started=1, **me))
    directory.enroll(AgentStatus('elsewhere', 'PYRO:x@127.0.0.1:3', pid=os.getpid(), host='another machine'))
    directory.register('by hand', 'PYRO:x@127.0.0.1:4')
    end_processes(directory)
    assert killed == [(os.getpid(), signal.SIGKILL)]
    assert directory.take_buried() == []
    assert directory.agents() == ['elsewhere', 'by hand']
