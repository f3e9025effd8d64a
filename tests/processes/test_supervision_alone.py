"""Agents that the calling process starts again, and what Ctrl-C and the end of that process are to all that is kept."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager

import pytest

from osbrain import Agent, NSProxy, run_agent, run_agents, run_nameserver
from osbrain._pids import is_alive
from osbrain._supervision.watcher import watcher_of_this_process
from osbrain.errors import OptionInvalid, StartFailed
from osbrain.helper import wait_condition
from osbrain.proxy import locate_ns

pytestmark = pytest.mark.new

LIMIT = 10


@pytest.fixture(params=['forkserver', 'fork', 'spawn'])
def start_method(request, monkeypatch):
    """Each way of starting processes; ask for it before the name server."""
    monkeypatch.setenv('OSBRAIN_START_METHOD', request.param)
    return request.param


def all_end(processes):
    return wait_condition(lambda: not any(is_alive(pid, 0) for pid in processes), timeout=LIMIT)


def pid_of(ns, name):
    record = ns.status().get(name)
    return record.pid if record is not None and record.state == 'running' else None


def kill(ns, name):
    pid = ns.status()[name].pid  # that it runs may not have been told yet
    os.kill(pid, signal.SIGKILL)
    return pid


def comes_back(ns, name, before):
    return wait_condition(lambda: pid_of(ns, name) not in (None, before), timeout=LIMIT)


def crash(agent):
    agent.after(0, lambda self: 1 / 0)


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == 'osbrain-watcher']


def test_an_agent_comes_back_whatever_way_it_is_started(start_method, nsproxy):
    run_agent('a', restart='permanent')
    assert comes_back(nsproxy, 'a', kill(nsproxy, 'a'))
    assert comes_back(nsproxy, 'a', kill(nsproxy, 'a'))
    assert nsproxy.proxy('a').ping() == 'pong'


def test_it_has_its_arguments_again_and_the_name_that_was_made_up_for_it(nsproxy):
    class Base(Agent):
        def on_init(self):
            self.doubled = 2 * self.value

    arguments = {'base': Base, 'attributes': {'value': 21}, 'transport': 'tcp', 'serializer': 'json'}
    name = run_agent(restart='transient', on_error='continue', **arguments).get_attr('name')
    assert comes_back(nsproxy, name, kill(nsproxy, name))
    agent = nsproxy.proxy(name)
    address = agent.bind('PUSH')
    assert (agent.get_attr('doubled'), address.transport, address.serializer) == (42, 'tcp', 'json')
    agent.unsafe.execute_as_method(crash)
    assert wait_condition(lambda: agent.counters()['errors'] == 1)


def test_one_thread_looks_after_all_of_them(nsproxy):
    run_agents([{'name': f'a{number}', 'restart': 'permanent'} for number in range(4)])
    run_agent('b', restart='transient')
    before = {name: kill(nsproxy, name) for name in nsproxy.agents()}
    assert len(before) == 5
    assert all(comes_back(nsproxy, name, pid) for name, pid in before.items())
    assert len(watchers()) == 1


@pytest.mark.parametrize('restart, again', [('permanent', True), ('transient', False), ('temporary', False)])
def test_a_clean_end_is_final_for_all_but_permanent_agents(nsproxy, restart, again):
    agent = run_agent('a', restart=restart)
    witness = run_agent('witness', restart='permanent')
    before = nsproxy.status()['a'].pid
    agent.shutdown()
    if again:
        assert comes_back(nsproxy, 'a', before)
    else:
        assert wait_condition(lambda: not is_alive(before, 0))
        # Whoever is told of this death is told of the next one later.
        assert comes_back(nsproxy, 'witness', kill(nsproxy, 'witness'))
        assert nsproxy.agents() == ['witness']
    assert witness.nsaddr() == nsproxy.addr()


def test_a_failing_handler_ends_the_process_and_another_one_goes_on(nsproxy, capfd):
    agent = run_agent('a', restart='transient')
    before = nsproxy.status()['a'].pid
    agent.unsafe.execute_as_method(crash)
    assert comes_back(nsproxy, 'a', before)
    assert capfd.readouterr().err.count('An exception occurred while running! (division by zero)') == 1


def test_an_agent_that_dies_too_often_is_given_up_with_one_error(nsproxy, so_far):
    agent = run_agent('a', restart='permanent', max_restarts=0)
    agent.unsafe.execute_as_method(crash)
    assert wait_condition(lambda: 'given up' in so_far('err'))
    text = so_far('err')
    assert text.count("(a): It has been given up: 'a' died again when max_restarts=0 within=5 s were used up.") == 1
    assert 'ZeroDivisionError: division by zero' in text.partition('The last time:')[2]
    assert wait_condition(lambda: nsproxy.agents() == [])


def test_a_first_start_that_fails_is_an_error_as_ever(nsproxy):
    def fail(self):
        raise ZeroDivisionError('on purpose')

    with pytest.raises(StartFailed, match='on purpose'):
        run_agent('a', base=type('Failing', (Agent,), {'on_init': fail}), restart='permanent')
    assert nsproxy.agents() == []


@pytest.mark.parametrize('option', [{'restart': 'always'}, {'max_restarts': -1}, {'within': 0}, {'within': 'soon'}])
def test_a_mistake_is_found_before_anything_is_started(nsproxy, option):
    for start in (lambda: run_agent('a', **option), lambda: run_agents(['b', {'name': 'a', **option}])):
        with pytest.raises(OptionInvalid, match=next(iter(option))):
            start()
    assert nsproxy.agents() == []


def test_shutting_down_all_agents_starts_none_again(nsproxy):
    """Not even those that were killed just before."""
    for _ in range(5):
        run_agents([{'name': f'a{number}', 'restart': 'permanent', 'max_restarts': 9} for number in range(4)])
        before = [record.pid for record in nsproxy.status().values()]
        killed = kill(nsproxy, 'a1')
        # A process that is about to be dead would be asked to end, and waited for in vain.
        assert all_end([killed])
        start = time.monotonic()
        nsproxy.shutdown_agents()
        assert time.monotonic() - start < 4.5  # who is waited for in vain takes 5
        assert all_end(before)
        assert nsproxy.agents() == []
        # Who was on his way is turned away by the name server; without one he would try for as long as he may.
        assert wait_condition(lambda: not watcher_of_this_process()._groups, timeout=LIMIT)


def test_the_end_of_a_name_server_starts_none_again():
    with run_nameserver() as ns:
        run_agents([{'name': f'a{number}', 'restart': 'permanent'} for number in range(3)])
        before = [record.pid for record in ns.status().values()]
    assert all_end(before)
    with run_nameserver(ns.addr()) as other:
        assert other.agents() == []


# -- Programs ---------------------------------------------------------------------------------------------------------

ALONE = '''
    import os, time
    from osbrain import run_agents, run_nameserver

    if __name__ == '__main__':
        ns = run_nameserver()
        run_agents([{'name': name, 'restart': 'permanent'} for name in 'abc'])
        print('READY', ns.addr(), *[record.pid for record in ns.status().values()], flush=True)
        time.sleep(60)
'''
INSIDE = '''
    import os, time
    from osbrain import run_agents, run_nameserver

    if __name__ == '__main__':
        with run_nameserver() as ns:
            run_agents([{'name': name, 'restart': 'permanent'} for name in 'abc'])
            print('READY', ns.addr(), *[record.pid for record in ns.status().values()], flush=True)
            time.sleep(60)
'''
TREE = '''
    import time
    from osbrain import run_nameserver
    from osbrain.supervision import run_supervisor

    if __name__ == '__main__':
        ns = run_nameserver()
        run_supervisor('top', ['a', {'name': 'low', 'children': ['b', 'c']}], 'one_for_all')
        print('READY', ns.addr(), *[record.pid for record in ns.status().values()], flush=True)
        time.sleep(60)
'''


@contextmanager
def program(folder, text):
    """Run a program; give its process, the address of its name server, the ids of its agents."""
    script = folder / 'program.py'
    script.write_text(textwrap.dedent(text))
    arguments = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True, 'start_new_session': True}
    with subprocess.Popen([sys.executable, str(script)], **arguments) as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        assert line.startswith('READY'), process.stderr.read()
        address, *pids = line.split()[1:]
        yield process, address, [int(pid) for pid in pids]
        watchdog.cancel()


def answers(address):
    try:
        return locate_ns(address, timeout=0) == address
    except TimeoutError:
        return False


@pytest.mark.parametrize('text', [ALONE, INSIDE, TREE], ids=['alone', 'inside', 'tree'])
def test_ctrl_c_ends_everything_within_two_seconds(tmp_path, text):
    """And one traceback is enough: that of the program itself."""
    with program(tmp_path, text) as (process, address, pids):
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
        assert all_end(pids)
        assert time.monotonic() - start < 4.5  # who is waited for in vain takes 5
        assert wait_condition(lambda: not answers(address))
        assert errors.count('Traceback') == errors.count('KeyboardInterrupt') == 1, errors


def test_ctrl_c_that_only_the_program_gets_ends_everything_through_its_block(tmp_path):
    with program(tmp_path, INSIDE) as (process, address, pids):
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT)
        assert all_end(pids)
        assert time.monotonic() - start < 4.5 and not answers(address)


@pytest.mark.parametrize('text', [ALONE, TREE], ids=['alone', 'tree'])
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_when_the_program_is_killed_nothing_is_left(tmp_path, text, number):
    with program(tmp_path, text) as (process, address, pids):
        process.send_signal(number)
        assert all_end(pids)
        assert wait_condition(lambda: not answers(address), timeout=LIMIT)


def test_a_program_at_its_end_waits_for_its_agents_and_starts_none_again(tmp_path):
    with program(tmp_path, ALONE.replace('time.sleep(60)', 'pass')) as (process, address, pids):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert all_end(pids)
        with NSProxy(address) as ns:
            assert wait_condition(lambda: not ns.agents(), timeout=LIMIT)
            ns.shutdown()
        assert process.wait(LIMIT) == 0
