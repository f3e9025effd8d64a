"""Supervisors of real processes: who is started again when, what the end of each leaves, and what is asked of them."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from osbrain import Agent, Proxy, run_agent, run_nameserver
from osbrain._pids import is_alive
from osbrain.errors import NameInvalid, OptionInvalid, RestartsExceeded, StartFailed, UnknownChild
from osbrain.helper import wait_condition
from osbrain.supervision import ChildStatus, Supervisor, run_supervisor

pytestmark = pytest.mark.new

LIMIT = 10  # seconds for what takes some hundredths of one


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def all_end(processes):
    processes = list(processes)
    return wait_condition(lambda: not any(is_alive(pid, 0) for pid in processes), timeout=LIMIT)


def pids(ns, states=('starting', 'running', 'stopped')):
    """Processes of the agents that live, by name."""
    return {name: record.pid for name, record in ns.status().items() if record.state in states}


def kill(ns, *names):
    """Kill agents; what their processes were."""
    before = pids(ns)
    for name in names:
        os.kill(before[name], signal.SIGKILL)
    return before


def come_back(ns, before, *names):
    """Wait until *names* run in new processes; whether the others of *before* are the same as then."""

    def are_back():
        running = pids(ns, ('running',))
        return all(running.get(name, before[name]) != before[name] for name in names)

    assert wait_condition(are_back, timeout=LIMIT)
    now = pids(ns)
    return all(now.get(name) == pid for name, pid in before.items() if name not in names)


def nobody_is_left(ns):
    """Whether there is no agent; those that were killed have to be removed from the book."""
    ns.reap()
    return ns.agents() == []


def diary(path):
    """A class that writes down when it begins and ends."""

    class Writer(Agent):
        def note(self, what):
            with path.open('a') as file:
                file.write(f'{what}{self.name} ')

        def on_init(self):
            self.note('+')

        def shutdown(self):
            self.note('-')
            super().shutdown()

    return Writer


def failing(when=lambda: True, hook='on_init'):
    """A class that cannot be started when the condition holds."""

    def fail(self):
        if when():
            raise ZeroDivisionError('on purpose')

    return type('Failing', (Agent,), {hook: fail})


def status_of(supervisor, name):
    (found,) = [child for child in supervisor.which_children() if child.name == name]
    return found


# -- Starting ---------------------------------------------------------------------------------------------------------


def test_a_supervisor_is_an_agent_and_has_started_its_children_in_order(nsproxy, tmp_path):
    base = diary(tmp_path / 'diary')
    supervisor = run_supervisor('team', [{'name': name, 'base': base} for name in ('c', 'a', 'b')])
    assert isinstance(supervisor, Proxy) and supervisor.ping() == 'pong'
    assert sorted(nsproxy.agents()) == ['a', 'b', 'c', 'team']
    assert set(pids(nsproxy)) == {'a', 'b', 'c', 'team'}
    assert (tmp_path / 'diary').read_text() == '+c +a +b '


def test_children_are_given_as_for_run_agents(nsproxy):
    class Base(Agent):
        def on_init(self):
            self.doubled = 2 * self.value

    spec = {'name': 'a', 'base': Base, 'attributes': {'value': 21}, 'serializer': 'json', 'on_error': 'continue'}
    run_supervisor('team', iter([spec, 'b']))
    agent = nsproxy.proxy('a')
    assert agent.get_attr('doubled') == 42 and agent.bind('PUSH').serializer == 'json'
    assert 'base' in spec and nsproxy.proxy('b').ping() == 'pong'


def test_a_supervisor_may_begin_without_children(nsproxy):
    supervisor = run_supervisor('team', [])
    assert supervisor.which_children() == []
    assert supervisor.start_child('late').ping() == 'pong'


@pytest.mark.parametrize('hook', ['on_init', 'before_loop'])
def test_if_one_cannot_be_started_none_is_left(nsproxy, hook):
    bad = {'name': 'bad', 'base': failing(hook=hook)}
    with lasts(0, 5), pytest.raises(StartFailed) as caught:
        run_supervisor('team', ['first', {'name': 'inner', 'children': ['second', bad, 'never']}, 'later'])
    assert nsproxy.agents() == []
    text = str(caught.value)
    assert "Of 3 children of 'team', 'inner' could not be started; none is left." in text
    assert "Of 3 children of 'inner', 'bad' could not be started; none is left." in text
    assert text.count('ZeroDivisionError: on purpose') == 1 and caught.value.name == 'inner'


def test_a_name_that_is_taken_anywhere_in_the_tree_is_refused_before_anything_starts(nsproxy, tmp_path):
    run_agent('taken')
    first = {'name': 'a', 'base': diary(tmp_path / 'diary')}
    with pytest.raises(StartFailed, match='name already registered: taken'):
        run_supervisor('team', [first, {'name': 'inner', 'children': ['b', 'taken']}])
    assert nsproxy.agents() == ['taken'] and not (tmp_path / 'diary').exists()


# -- Strategies -------------------------------------------------------------------------------------------------------


def test_one_for_one_starts_the_dead_one_again_and_no_other(nsproxy):
    supervisor = run_supervisor('team', ['a', 'b', 'c'])
    assert come_back(nsproxy, kill(nsproxy, 'b'), 'b')
    assert nsproxy.proxy('b').ping() == 'pong'
    assert [child.restarts for child in supervisor.which_children()] == [0, 1, 0]


def test_several_that_die_together_all_come_back(nsproxy):
    run_supervisor('team', ['a', 'b', 'c', 'd'], max_restarts=3)
    assert come_back(nsproxy, kill(nsproxy, 'a', 'b', 'd'), 'a', 'b', 'd')


def test_one_for_all_ends_the_others_in_reverse_and_starts_all_in_order(nsproxy, tmp_path):
    base = diary(tmp_path / 'diary')
    run_supervisor('team', [{'name': name, 'base': base} for name in 'abcd'], 'one_for_all')
    assert come_back(nsproxy, kill(nsproxy, 'b'), 'a', 'b', 'c', 'd')
    assert (tmp_path / 'diary').read_text() == '+a +b +c +d -d -c -a +a +b +c +d '


def test_rest_for_one_leaves_those_alone_that_were_started_before(nsproxy, tmp_path):
    base = diary(tmp_path / 'diary')
    run_supervisor('team', [{'name': name, 'base': base} for name in 'abcd'], 'rest_for_one')
    assert come_back(nsproxy, kill(nsproxy, 'b'), 'b', 'c', 'd')
    assert (tmp_path / 'diary').read_text() == '+a +b +c +d -d -c +b +c +d '


def test_a_child_that_does_not_end_when_it_is_asked_is_killed(nsproxy):
    class Stubborn(Agent):
        def on_init(self):
            self.after(0.05, 'block')

        def block(self):
            self.blocked = True
            threading.Event().wait(60)

        blocked = False

    supervisor = run_supervisor('team', ['a', {'name': 'b', 'base': Stubborn, 'shutdown': 0.3}], 'one_for_all')
    assert wait_condition(lambda: nsproxy.proxy('b').unsafe.get_attr('blocked'))
    with lasts(0.3, 4.5):  # without its own limit it would have 5
        come_back(nsproxy, kill(nsproxy, 'a'), 'a', 'b')
    with lasts(0, 4.5):
        supervisor.shutdown()
        assert wait_condition(lambda: nobody_is_left(nsproxy), timeout=LIMIT)


# -- Kinds of children ------------------------------------------------------------------------------------------------


def crash(agent):
    agent.after(0, lambda self: 1 / 0)


@pytest.mark.parametrize(
    'how',
    [
        lambda ns, agent: os.kill(pids(ns)['a'], signal.SIGKILL),
        lambda ns, agent: os.kill(pids(ns)['a'], signal.SIGABRT),
        lambda ns, agent: agent.unsafe.execute_as_method(crash),
        lambda ns, agent: agent.oneway.execute_as_function(os._exit, 3),
    ],
    ids=['SIGKILL', 'SIGABRT', 'a timer fails', 'exit code 3'],
)
def test_a_transient_child_that_died_is_started_again_and_a_temporary_one_is_not(nsproxy, how):
    supervisor = run_supervisor('team', [{'name': 'a', 'restart': 'transient'}])
    before = pids(nsproxy)
    how(nsproxy, nsproxy.proxy('a'))
    come_back(nsproxy, before, 'a')
    supervisor.terminate_child('a')
    supervisor.delete_child('a')
    supervisor.start_child({'name': 'a', 'restart': 'temporary'})
    how(nsproxy, nsproxy.proxy('a'))
    assert wait_condition(lambda: supervisor.which_children() == [])
    nsproxy.reap()


def terminate(agent):
    os.kill(agent.execute_as_function(os.getpid), signal.SIGTERM)


@pytest.mark.parametrize('how', [lambda agent: agent.shutdown(), lambda agent: agent.oneway.kill(), terminate])
def test_only_a_permanent_child_is_started_again_after_a_clean_end(nsproxy, how):
    children = [{'name': kind, 'restart': kind} for kind in ('permanent', 'transient', 'temporary')]
    supervisor = run_supervisor('team', children)
    before = pids(nsproxy)
    for child in children:
        how(nsproxy.proxy(child['name']))
    come_back(nsproxy, before, 'permanent')
    ended = ChildStatus('transient', 'ended', None, 0, 'transient', 'worker')
    assert wait_condition(lambda: supervisor.which_children()[1:] == [ended], timeout=LIMIT)
    assert sorted(nsproxy.agents()) == ['permanent', 'team']


def test_an_interrupt_is_somebodys_wish_and_no_death(nsproxy):
    supervisor = run_supervisor('team', ['a', 'b'], 'one_for_all')
    before = pids(nsproxy)
    os.kill(before['a'], signal.SIGINT)
    assert wait_condition(lambda: status_of(supervisor, 'a').state == 'ended')
    assert pids(nsproxy) == {name: before[name] for name in ('b', 'team')}


def test_a_failure_during_a_shutdown_is_no_death(nsproxy):
    class Late(Agent):
        def on_init(self):
            self.bind('PULL', alias='in', handler='take')

        def take(self, message):
            threading.Event().wait(0.3)
            return 1 / 0

    supervisor = run_supervisor('team', [{'name': 'a', 'base': Late, 'restart': 'transient'}])
    sender = run_agent('sender')
    sender.connect(nsproxy.proxy('a').addr('in'), alias='out')
    sender.send('out', 'x')
    nsproxy.proxy('a').oneway.shutdown()
    assert wait_condition(lambda: status_of(supervisor, 'a').state == 'ended')


def test_stopping_the_loop_is_no_death(nsproxy):
    supervisor = run_supervisor('team', ['a'])
    agent, before = nsproxy.proxy('a'), pids(nsproxy)
    agent.stop()
    assert wait_condition(agent.is_running, negate=True)
    agent.run()
    assert wait_condition(agent.is_running)
    assert pids(nsproxy) == before and status_of(supervisor, 'a').restarts == 0


def test_an_agent_without_supervisor_still_stops_with_its_process_alive(nsproxy):
    agent = run_agent('a')
    agent.unsafe.execute_as_method(crash)
    assert wait_condition(lambda: nsproxy.status()['a'].state == 'stopped')
    assert agent.unsafe.ping() == 'pong'


# -- When it is too much ----------------------------------------------------------------------------------------------


def test_a_supervisor_that_gives_up_takes_its_children_along_and_says_why_once(nsproxy, capfd):
    supervisor = run_supervisor('team', ['a', 'b'], max_restarts=1)
    pid = pids(nsproxy)['team']
    come_back(nsproxy, kill(nsproxy, 'a'), 'a')
    nsproxy.proxy('b').unsafe.execute_as_method(crash)
    assert wait_condition(lambda: nobody_is_left(nsproxy), timeout=LIMIT)
    assert wait_condition(lambda: not is_alive(pid, 0))
    errors = capfd.readouterr().err
    assert errors.count("(team): Supervisor 'team' has been given up: 'b' died again when max_restarts=1") == 1
    assert errors.partition('The last time:')[2].count('ZeroDivisionError: division by zero') == 1
    with pytest.raises(Exception, match='cannot be reached'):
        supervisor.ping()


def test_a_child_whose_start_fails_again_and_again_is_given_up_with_its_last_traceback(nsproxy, tmp_path, capfd):
    flag = tmp_path / 'fail'
    run_supervisor('team', ['a', {'name': 'b', 'base': failing(flag.exists)}], within=1.0)
    flag.touch()
    with lasts(0.1, LIMIT):
        kill(nsproxy, 'b')
        assert wait_condition(lambda: nobody_is_left(nsproxy), timeout=LIMIT)
    errors = capfd.readouterr().err
    assert errors.count('ZeroDivisionError: on purpose') == 1 and errors.count('ERROR [') == 1


def test_a_child_that_cannot_start_for_a_while_is_waited_for(nsproxy, tmp_path):
    """Longer and longer; then it runs as if nothing had been."""
    flag = tmp_path / 'fail'
    supervisor = run_supervisor('team', [{'name': 'a', 'base': failing(flag.exists)}], max_restarts=8, within=60)
    flag.touch()
    before = kill(nsproxy, 'a')
    assert wait_condition(lambda: status_of(supervisor, 'a').restarts >= 3, timeout=LIMIT)
    flag.unlink()
    come_back(nsproxy, before, 'a')
    assert wait_condition(lambda: status_of(supervisor, 'a').state == 'running')


def test_the_supervisor_above_decides_about_one_that_has_given_up(nsproxy, capfd):
    inner = {'name': 'inner', 'children': ['a', 'b'], 'max_restarts': 0}
    outer = run_supervisor('outer', [inner, 'c'], max_restarts=1)
    assert come_back(nsproxy, kill(nsproxy, 'a'), 'inner', 'a', 'b')
    assert status_of(outer, 'inner').restarts == 1
    assert capfd.readouterr().err == ''
    kill(nsproxy, 'b')
    assert wait_condition(lambda: nobody_is_left(nsproxy), timeout=LIMIT)
    errors = capfd.readouterr().err
    assert errors.count("Supervisor 'outer' has been given up") == 1
    assert errors.count("Supervisor 'inner' has been given up") == 1
    assert 'Its process ended: killed by SIGKILL' in errors


# -- Trees ------------------------------------------------------------------------------------------------------------

TREE = [
    'a',
    {'name': 'middle', 'children': ['b', {'name': 'low', 'children': ['c', 'd', 'e']}, 'f', 'g', 'h']},
    'i',
]
BELOW_MIDDLE = ['middle', 'b', 'low', 'c', 'd', 'e', 'f', 'g', 'h']


@pytest.mark.parametrize('way', ['name server', 'top', 'kill'])
def test_a_tree_of_twelve_ends_at_once(nsproxy, way):
    top = run_supervisor('top', TREE, 'one_for_all')
    before = pids(nsproxy)
    assert len(before) == 12
    with lasts(0, 4.5):  # who is waited for in vain takes 5
        if way == 'name server':
            nsproxy.shutdown_agents()
        elif way == 'top':
            top.shutdown()
        else:
            top.oneway.kill()
        assert all_end(before.values())
    assert wait_condition(lambda: nsproxy.agents() == [])


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_a_tree_stands_whatever_way_its_processes_are_started(monkeypatch, method):
    monkeypatch.setenv('OSBRAIN_START_METHOD', method)
    with run_nameserver() as ns:
        run_supervisor('top', ['a', {'name': 'low', 'children': ['b', 'c']}])
        assert come_back(ns, kill(ns, 'low'), 'low', 'b', 'c')
        before = pids(ns)
    assert all_end(before.values())


def test_killing_a_supervisor_ends_its_children(nsproxy):
    run_supervisor('top', TREE)
    before = kill(nsproxy, 'top')
    assert all_end(before.values())
    assert nobody_is_left(nsproxy)


def test_a_supervisor_that_is_killed_comes_back_with_all_below_it(nsproxy):
    """Although those below the dead one still have their names for a moment."""
    top = run_supervisor('top', TREE)
    assert come_back(nsproxy, kill(nsproxy, 'middle'), *BELOW_MIDDLE)
    assert [child.restarts for child in top.which_children()] == [0, 1, 0]
    assert come_back(nsproxy, kill(nsproxy, 'middle', 'c', 'h'), *BELOW_MIDDLE)


def test_a_shutdown_of_all_agents_is_no_reason_to_start_any_again(nsproxy):
    """Not even of those that had just died."""
    for _ in range(3):
        run_supervisor('top', TREE, max_restarts=10)
        before = kill(nsproxy, 'a', 'c', 'low')
        # A process that is about to be dead would be asked to end, and waited for in vain.
        assert all_end(before[name] for name in ('a', 'c', 'low'))
        with lasts(0, 5):
            nsproxy.shutdown_agents()
        assert all_end(before.values())
        assert nsproxy.agents() == []


# -- What is asked of a supervisor ------------------------------------------------------------------------------------


def test_a_supervisor_tells_of_its_children(nsproxy):
    supervisor = run_supervisor('top', ['a', {'name': 'low', 'children': ['b'], 'restart': 'transient'}])
    running = pids(nsproxy)
    assert supervisor.which_children() == [
        ChildStatus('a', 'running', running['a'], 0, 'permanent', 'worker'),
        ChildStatus('low', 'running', running['low'], 0, 'transient', 'supervisor'),
    ]
    assert supervisor.count_children() == {'specs': 2, 'active': 2, 'supervisors': 1, 'workers': 1}
    assert nsproxy.proxy('low').count_children()['workers'] == 1


def test_a_child_can_be_ended_started_again_and_forgotten(nsproxy):
    supervisor = run_supervisor('team', ['a', 'b'], 'one_for_all')
    supervisor.terminate_child('a')
    assert sorted(nsproxy.agents()) == ['b', 'team'] and status_of(supervisor, 'a').state == 'ended'
    supervisor.terminate_child('a')
    come_back(nsproxy, kill(nsproxy, 'b'), 'b')
    assert status_of(supervisor, 'a').state == 'ended'
    supervisor.restart_child('a')
    assert nsproxy.proxy('a').ping() == 'pong'
    supervisor.terminate_child('a')
    supervisor.delete_child('a')
    assert [child.name for child in supervisor.which_children()] == ['b']


def test_a_child_can_be_added(nsproxy):
    supervisor = run_supervisor('team', ['a'], 'rest_for_one')
    agent = supervisor.start_child({'name': 'b', 'restart': 'transient'})
    assert agent.ping() == 'pong'
    tree = supervisor.start_child({'name': 'low', 'children': ['c', 'd']})
    assert tree.count_children()['active'] == 2
    come_back(nsproxy, kill(nsproxy, 'a'), 'a', 'b', 'low', 'c', 'd')


def test_a_child_that_cannot_be_added_is_none(nsproxy):
    supervisor = run_supervisor('team', ['a'], 'one_for_all')
    before = pids(nsproxy)
    with pytest.raises(StartFailed, match='ZeroDivisionError: on purpose'):
        supervisor.start_child({'name': 'bad', 'base': failing()})
    assert [child.name for child in supervisor.which_children()] == ['a'] and pids(nsproxy) == before


@pytest.mark.parametrize(
    'mistake, error, text',
    [
        (lambda s: s.terminate_child('typo'), UnknownChild, r"has no child 'typo' \(children: a, b\)"),
        (lambda s: s.restart_child('a'), OptionInvalid, "has ended .* not .*'a', which is running"),
        (lambda s: s.delete_child('a'), OptionInvalid, "has ended .* not .*'a', which is running"),
        (lambda s: s.start_child('a'), NameInvalid, 'has a child of this name'),
        (lambda s: s.start_child('team'), StartFailed, 'name already registered: team'),
        (lambda s: s.start_child({}), NameInvalid, r'called by its name \(spec\)'),
        (lambda s: s.start_child({'name': 'c', 'restart': 'always'}), OptionInvalid, r"not 'always' \(spec\)"),
    ],
)
def test_a_mistake_is_its_callers(nsproxy, mistake, error, text):
    supervisor = run_supervisor('team', ['a', 'b'])
    before = pids(nsproxy)
    with pytest.raises(error, match=text):
        mistake(supervisor)
    assert pids(nsproxy) == before and supervisor.ping() == 'pong'


def test_a_supervisor_answers_while_it_ends_a_child(nsproxy):
    class Busy(Agent):
        def on_init(self):
            self.enough = threading.Event()

        def shutdown(self):
            self.enough.wait(LIMIT)
            super().shutdown()

    supervisor = run_supervisor('team', [{'name': 'a', 'base': Busy, 'shutdown': 2 * LIMIT}])
    busy = nsproxy.proxy('a')
    ending = threading.Thread(target=supervisor.terminate_child, args=('a',))
    ending.start()
    assert wait_condition(lambda: status_of(supervisor, 'a').state == 'ending')
    assert supervisor.ping() == 'pong'
    assert status_of(supervisor, 'a').state == 'ending'
    busy.unsafe.execute_as_method(lambda agent: agent.enough.set())
    ending.join(LIMIT)
    assert status_of(supervisor, 'a').state == 'ended'


def test_a_supervisor_of_ones_own(nsproxy):
    class Own(Supervisor):
        def on_init(self):
            super().on_init()
            self.bind('REP', alias='ask', handler='answer')

        def answer(self, message):
            return [child.name for child in self.which_children()]

    supervisor = run_supervisor('top', ['a'], base=Own, attributes={'size': 3})
    asker = run_agent('asker')
    asker.connect(supervisor.addr('ask'), alias='ask')
    asker.send('ask', 'who?')
    assert asker.recv('ask') == ['a'] and supervisor.size == 3


def test_a_supervisor_without_children_given_is_a_mistake(nsproxy):
    with pytest.raises(StartFailed, match=r'used with children: see run_supervisor\(\)'):
        run_agent('team', base=Supervisor)


def test_giving_up_is_an_error_that_travels():
    error = RestartsExceeded('team', 'a', 3, 5.0, 'the report')
    assert 'max_restarts=3 within=5 s were used up' in str(error) and str(error).endswith('the report')
