"""One agent of a running system is called, set, stopped, killed and started again by somebody who holds no proxy."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from osbrain import Agent, _steering, run_agent, run_supervisor
from osbrain._pids import is_alive
from osbrain._remote.errors import AgentGone, NotAnswering, UnknownName
from osbrain.errors import ArgumentsInvalid, NobodyRestarts, NotExposed, OptionInvalid, UnknownMethod, WaitTimeout
from osbrain.helper import wait_condition

pytestmark = pytest.mark.new

# Seconds for what takes a fraction of that, on a machine that has much else to do.
LONG = 60


class Feed(Agent):
    """Has a price, and takes its time if it is asked to."""

    # Names that a tool might use.
    call = set = logs = restart = 'a user may call anything so'

    def on_init(self):
        self.price = 1

    def save_state(self):
        return self.price

    def load_state(self, price):
        self.price = price

    def quote(self, symbol, digits=2):
        return {'symbol': symbol, 'price': round(self.price, digits)}

    def fail(self):
        raise LookupError('no price')

    def object(self):
        return {1, 2}

    def dawdle(self):
        threading.Event().wait(LONG)


class Stuck(Feed):
    """Shuts down only when it is killed."""

    def shutdown(self):
        pass


def busy(agent):
    """Have the agent's handler go on for long; return once it has begun."""
    agent.oneway.safe_call('dawdle')
    assert wait_condition(lambda: agent.unsafe.execute_as_method(_is_dawdling), timeout=LONG)


def _is_dawdling(agent):
    return any('dawdle' in _names(frame) for frame in sys._current_frames().values())


def _names(frame):
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


@pytest.fixture
def address(nsproxy):
    return nsproxy.addr()


def pid_of(ns, name):
    return ns.status()[name].pid


# -- Calls and attributes


def test_a_method_is_called_by_name_and_its_result_is_text(nsproxy, address):
    run_agent('feed', base=Feed)
    assert _steering.call(address, 'feed', 'quote', ['EUR'], {'digits': 0}) == ('{"symbol": "EUR", "price": 1}', True)
    assert _steering.call(address, 'feed', 'object') == ('{1, 2}', False)
    assert _steering.call(address, 'feed', 'set_attr', (), {'price': 3}) == ('null', True)
    assert _steering.call(address, 'feed', 'get_attr', ['price'], safe=False).text == '3'


def test_mistakes_in_a_call_leave_the_agent_as_it_is(nsproxy, address):
    feed = run_agent('feed', base=Feed)
    with pytest.raises(UnknownName):
        _steering.call(address, 'fed', 'quote')
    with pytest.raises(UnknownMethod, match='qoute'):
        _steering.call(address, 'feed', 'qoute')
    with pytest.raises(UnknownMethod, match='no method'):
        _steering.call(address, 'feed', 'price')
    with pytest.raises(NotExposed):
        _steering.call(address, 'feed', '_host')
    for args, kwargs, why in (
        ([], {}, "missing a required argument: 'symbol'"),
        ([1, 2, 3], {}, 'too many positional arguments'),
        ([1], {'digit': 2}, "got an unexpected keyword argument 'digit'"),
    ):
        with pytest.raises(ArgumentsInvalid) as caught:
            _steering.call(address, 'feed', 'quote', args, kwargs)
        assert str(caught.value) == f"quote(symbol, digits=2) of agent 'feed' cannot be called so: {why}"
    assert feed.is_running()
    assert feed.counters()['errors'] == 0


def test_what_a_method_raises_is_raised_here(nsproxy, address):
    run_agent('feed', base=Feed, on_error='continue')
    with pytest.raises(LookupError, match='no price'):
        _steering.call(address, 'feed', 'fail')


def test_a_call_to_an_agent_that_is_busy_ends_in_time(nsproxy, address):
    busy(run_agent('feed', base=Feed))
    began = time.monotonic()
    with pytest.raises(NotAnswering, match=r"'feed' did not answer within 0\.2 s"):
        _steering.call(address, 'feed', 'quote', ['EUR'], timeout=0.2)
    assert time.monotonic() - began < LONG / 2
    assert _steering.call(address, 'feed', 'quote', ['EUR'], safe=False).is_json
    _steering.kill(address, 'feed')


def test_an_attribute_is_set_if_there_is_one(nsproxy, address):
    feed = run_agent('feed', base=Feed)
    _steering.set_attribute(address, 'feed', 'price', [1, 2.5])
    assert feed.get_attr('price') == [1, 2.5]
    with pytest.raises(UnknownMethod, match='prise'):
        _steering.set_attribute(address, 'feed', 'prise', 3)
    with pytest.raises(OptionInvalid, match="quote must be an attribute of agent 'feed'"):
        _steering.set_attribute(address, 'feed', 'quote', 3)
    with pytest.raises(NotExposed):
        _steering.set_attribute(address, 'feed', '_host', 'x')
    _steering.set_attribute(address, 'feed', 'prise', 3, new=True)
    assert feed.get_attr('prise') == 3


# -- Stopping and killing


def test_a_stopped_agent_keeps_its_process_and_may_go_on(nsproxy, address):
    feed = run_agent('feed', base=Feed)
    pid = pid_of(nsproxy, 'feed')
    assert _steering.stop(address, 'feed')
    assert not feed.is_running()
    assert not _steering.stop(address, 'feed')
    _steering.call(address, 'feed', 'run')
    assert feed.wait_for_running(LONG).is_running()
    assert pid_of(nsproxy, 'feed') == pid


def test_one_that_is_busy_stops_when_it_is_done(nsproxy, address):
    busy(run_agent('feed', base=Feed))
    with pytest.raises(WaitTimeout, match="'feed' is busy and stops as soon as"):
        _steering.stop(address, 'feed', timeout=0.1)
    _steering.kill(address, 'feed')


def test_a_killed_agent_is_gone_whatever_it_does(nsproxy, address):
    busy(run_agent('feed', base=Feed))
    pid = pid_of(nsproxy, 'feed')
    assert not _steering.kill(address, 'feed')
    assert 'feed' not in nsproxy.agents()
    assert wait_condition(lambda: not is_alive(pid, 0), timeout=LONG)
    with pytest.raises(UnknownName):
        _steering.kill(address, 'feed')


def test_one_that_is_frozen_is_ended_from_outside(nsproxy, address):
    run_agent('feed', base=Feed)
    pid = pid_of(nsproxy, 'feed')
    os.kill(pid, signal.SIGSTOP)
    assert _steering.kill(address, 'feed')
    assert wait_condition(lambda: not is_alive(pid, 0), timeout=LONG)
    assert wait_condition(lambda: 'feed' not in nsproxy.agents(), timeout=LONG)


def test_nobody_starts_a_killed_agent_again(nsproxy, address):
    supervisor = run_supervisor('boss', [{'name': 'feed', 'base': Feed}])
    _steering.kill(address, 'feed')
    assert wait_condition(lambda: supervisor.which_children()[0].state == 'ended', timeout=LONG)
    assert supervisor.which_children()[0].restarts == 0


# -- Starting again


@pytest.mark.parametrize('restart', ['permanent', 'transient', 'temporary'])
def test_an_agent_comes_back_with_its_wiring_and_its_state_and_has_not_failed(nsproxy, address, restart):
    feed = run_agent('feed', base=Feed, restart=restart, max_restarts=0)
    reader = run_agent('reader')
    reader.set_attr(got=[])
    reader.connect(feed.bind('PUSH', alias='out', transport='tcp'), handler=lambda agent, x: agent.got.append(x))
    _steering.set_attribute(address, 'feed', 'price', 7)
    for _ in range(3):
        pid = pid_of(nsproxy, 'feed')
        assert not _steering.restart(address, 'feed', LONG)
        assert pid_of(nsproxy, 'feed') != pid
    assert _steering.call(address, 'feed', 'get_attr', ['price']).text == '7'
    feed.send('out', 'again')
    assert wait_condition(lambda: reader.get_attr('got') == ['again'], timeout=LONG)


def test_a_child_comes_back_and_its_neighbours_stay(nsproxy, address):
    children = [{'name': 'feed', 'base': Feed}, 'broker']
    supervisor = run_supervisor('boss', children, strategy='one_for_all', max_restarts=0)
    broker = pid_of(nsproxy, 'broker')
    assert not _steering.restart(address, 'feed', LONG)
    assert pid_of(nsproxy, 'broker') == broker
    assert [child.restarts for child in supervisor.which_children()] == [1, 0]
    assert supervisor.is_running()


def test_one_that_has_stopped_or_does_not_shut_down_comes_back_too(nsproxy, address):
    run_agent('feed', base=Feed, restart='transient', max_restarts=0)
    _steering.stop(address, 'feed')
    assert not _steering.restart(address, 'feed', LONG)
    run_agent('stuck', base=Stuck, restart='transient', max_restarts=0)
    assert _steering.restart(address, 'stuck', 10)
    assert nsproxy.proxy('stuck').is_running()


def test_one_that_is_frozen_comes_back_as_after_a_death(nsproxy, address):
    run_agent('feed', base=Feed, restart='transient', max_restarts=1)
    os.kill(pid_of(nsproxy, 'feed'), signal.SIGSTOP)
    assert _steering.restart(address, 'feed', LONG)
    assert nsproxy.proxy('feed').is_running()


def test_one_that_nobody_starts_again_is_left_alone(nsproxy, address):
    feed = run_agent('feed', base=Feed)
    with pytest.raises(NobodyRestarts, match=r"nobody would start agent 'feed' again.*restart="):
        _steering.restart(address, 'feed')
    assert feed.is_running()
    with pytest.raises(NobodyRestarts):
        feed._link.call('renew')
    assert not nsproxy.status()['feed'].supervised
    run_agent('cared for', restart='temporary')
    assert nsproxy.status()['cared for'].supervised


def test_one_whose_starter_has_ended_is_left_alone(nsproxy, address):
    program = textwrap.dedent('''
        import os, osbrain, sys
        osbrain.config['ORPHANS'] = 'stay'
        osbrain.run_agent('left', nsaddr=sys.argv[1], restart='permanent')
        os._exit(0)
    ''')
    subprocess.run([sys.executable, '-c', program, str(address)], check=True, timeout=LONG)
    with pytest.raises(NobodyRestarts, match='the program that would do it has ended'):
        _steering.restart(address, 'left')
    assert nsproxy.proxy('left').is_running()


def test_after_a_restart_a_death_is_one_again(nsproxy, address):
    run_agent('feed', base=Feed, restart='permanent', max_restarts=1)
    _steering.restart(address, 'feed', LONG)
    pid = pid_of(nsproxy, 'feed')
    os.kill(pid, signal.SIGKILL)

    def is_back():
        record = nsproxy.status().get('feed')
        return record is not None and record.pid != pid and record.state == 'running'

    assert wait_condition(is_back, timeout=LONG)


# -- The log


def test_a_log_tells_of_the_end_at_once(nsproxy):
    feed = run_agent('feed', base=Feed)
    feed.log_info('hello')
    assert [line.text for line in feed._link.call('logs', 0, None, 0.0).lines] == ['hello']
    ended = []

    def ask():
        try:
            ended.append(feed._link.call('logs', 1, None, float(LONG)))
        except AgentGone as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    began = time.monotonic()
    feed.unsafe.shutdown()
    thread.join(LONG)
    assert time.monotonic() - began < LONG / 2
    assert isinstance(ended[0], AgentGone) or ended[0].ending
