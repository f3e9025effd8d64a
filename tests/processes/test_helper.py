"""The waiting helpers answer as soon as they can, and at the latest when their time is over."""

import threading
import time

import pytest

from osbrain import Agent, run_agent, run_logger
from osbrain.helper import (
    agent_dies,
    attribute_match_all,
    last_received_endswith,
    logger_received,
    regex_count_in_list,
    sync_agent_logger,
    wait_agent_attr,
    wait_agent_condition,
    wait_condition,
)


class FakeLogger:
    """Answers like the proxy of a logger; *grow* adds an entry some time later."""

    def __init__(self, *entries):
        self.histories = {'log_history_info': list(entries), 'log_history_error': []}

    def get_attr(self, name):
        return self.histories[name]

    def grow(self, delay, entry):
        threading.Timer(delay, self.histories['log_history_info'].append, [entry]).start()


class FakeNameServer:
    def __init__(self, *names):
        self.names = list(names)

    def agents(self):
        return list(self.names)


class Watch:
    """Measures the seconds that its block took."""

    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *error):
        self.seconds = time.monotonic() - self.start


def test_regex_count_in_list():
    """Elements count once each, wherever the expression is found, also across lines."""
    strings = ['hello world', 'say hello, hello', 'first\nsecond', 'x']
    for regex, count in [
        ('hello', 2),
        ('^hello', 1),
        ('st.se', 1),
        ('first.*second', 1),
        ('[xw]', 2),
        ('no', 0),
        ('', 4),
    ]:
        assert regex_count_in_list(regex, strings) == count
    assert regex_count_in_list('x', []) == 0


def test_attribute_match_all_demands_every_given_condition():
    received = [1, 2, 3]
    for conditions, expected in [
        ({'length': 3}, True),
        ({'length': 2}, True),
        ({'length': 4}, False),
        ({'length': 0}, True),
        ({'data': 2}, True),
        ({'data': 5}, False),
        ({'data': 0}, False),
        ({'value': [1, 2, 3]}, True),
        ({'value': [1, 2]}, False),
        ({'endswith': [2, 3]}, True),
        ({'endswith': [3]}, True),
        ({'endswith': [2]}, False),
        ({'endswith': [0, 1, 2, 3]}, False),
        ({'length': 1, 'data': 1, 'value': [1, 2, 3], 'endswith': [3]}, True),
        ({'length': 4, 'data': 1}, False),
        ({'length': 1, 'data': 4}, False),
        ({'data': 1, 'endswith': [1]}, False),
    ]:
        assert bool(attribute_match_all(received, **conditions)) is expected, conditions
    for conditions, expected in [
        ({'endswith': 'lo'}, True),
        ({'endswith': 'l'}, False),
        ({'data': 'ell'}, True),
        ({'length': 6}, False),
    ]:
        assert bool(attribute_match_all('hello', **conditions)) is expected, conditions
    assert attribute_match_all(0, value=0)
    with pytest.raises(AssertionError):
        attribute_match_all(received)


def test_last_received_endswith():
    """To be run inside an agent: false without a message, else about the tail of the last one."""
    agent = Agent()
    assert not last_received_endswith(agent, 'x')
    for received, tail, expected in [
        ([], 'x', False),
        (['ax', 'b'], 'x', False),
        (['b', 'ax'], 'x', True),
        (['b', 'ax'], 'bx', False),
        ([b'ax'], b'x', True),
        ([b'ax'], b'a', False),
        (([1, 2], [3, 4]), [4], True),
        ([[3, 4]], [3], False),
    ]:
        agent.received = received
        assert bool(last_received_endswith(agent, tail)) is expected, (received, tail)


def test_wait_condition_looks_until_it_holds_and_at_least_once():
    calls = []

    def at_call(number, *args, **kwargs):
        calls.append((args, kwargs))
        return len(calls) >= number

    assert wait_condition(at_call, 5, 'a', key='b')
    assert calls == [(('a',), {'key': 'b'})] * 5
    assert wait_condition(lambda: True, timeout=0)
    assert not wait_condition(lambda: False, timeout=0)
    assert wait_condition(lambda: False, negate=True, timeout=0)
    assert not wait_condition(lambda: True, negate=True, timeout=0)
    calls.clear()
    assert wait_condition(lambda: not at_call(3), negate=True, timeout=1)
    assert len(calls) == 3


def test_wait_condition_looks_about_a_hundred_times_a_second_until_its_time_is_over():
    calls = []
    with Watch() as watch:
        assert not wait_condition(lambda: calls.append(1) is not None, timeout=0.5)
    assert 0.5 <= watch.seconds < 0.8
    assert 10 <= len(calls) <= 60
    with Watch() as watch:
        assert not wait_condition(lambda: False)
    assert 3 <= watch.seconds < 3.5


@pytest.mark.new
@pytest.mark.parametrize('value', [None, 0, '', [], 1, 'x', [0]])
def test_wait_condition_goes_by_truth(value):
    """0.6.5 compared with False, so that a function without a result looked fulfilled."""
    assert bool(wait_condition(lambda: value, timeout=0)) is bool(value)
    assert bool(wait_condition(lambda: value, negate=True, timeout=0)) is not bool(value)


def test_logger_received_counts_matching_entries():
    logger = FakeLogger('[date] (a0): one', '[date] (a0): two', '[date] (a1): one\nmore')
    assert logger_received(logger, 'one') == 2
    assert logger_received(logger, message='one.*more') == 1
    assert logger_received(logger, r'\(a0\): \w+$', timeout=None) == 2
    for position, message in [(0, 'one'), (1, 'two'), (-1, 'more'), (-2, 'two')]:
        assert logger_received(logger, message, position=position) == 1
    for message, kwargs in [
        ('two', {'position': 0}),
        ('three', {}),
        ('one', {'log_name': 'log_history_error'}),
    ]:
        result = logger_received(logger, message, timeout=0.1, **kwargs)
        assert result == 0 and type(result) is int


def test_logger_received_waits_for_an_entry():
    logger = FakeLogger()
    with Watch() as watch:
        assert logger_received(logger, 'late') == 0
    assert 1 <= watch.seconds < 1.4
    for timeout in (2, None, 0):
        logger.grow(0.3, 'late %s' % timeout)
        with Watch() as watch:
            assert logger_received(logger, 'late %s' % timeout, timeout=timeout) == 1
        assert 0.2 < watch.seconds < 0.6


@pytest.mark.new
def test_logger_received_takes_a_position_that_is_not_there_yet_as_not_yet_received():
    logger = FakeLogger()
    assert logger_received(logger, 'x', position=0, timeout=0.1) == 0
    logger.grow(0.2, 'x')
    assert logger_received(logger, 'x', position=-1) == 1


def test_agent_dies_waits_until_the_name_is_missing():
    ns = FakeNameServer('a0', 'a1')
    with Watch() as watch:
        assert agent_dies('a0', ns) is False
    assert 1 <= watch.seconds < 1.4
    assert agent_dies('other', ns) is True
    for timeout, name in [(2, 'a0'), (None, 'a1')]:
        threading.Timer(0.3, ns.names.remove, [name]).start()
        with Watch() as watch:
            assert agent_dies(name, nsproxy=ns, timeout=timeout) is True
        assert 0.2 < watch.seconds < 0.6
    for value in (None, 1, FakeLogger()):
        with pytest.raises(AssertionError):
            agent_dies(value, ns)


def test_agent_dies_with_a_real_agent(nsproxy):
    agent = run_agent('a0')
    assert not agent_dies('a0', nsproxy, timeout=0.2)
    agent.shutdown()
    assert agent_dies('a0', nsproxy)


def test_wait_agent_attr_sees_a_busy_agent(nsproxy):
    """It reads without disturbing the agent, looks at least once, and returns a bool."""
    agent = run_agent('a0', attributes={'received': [], 'level': 0})

    def work(agent):
        agent.level = 1
        time.sleep(0.5)
        agent.received.append('late')
        time.sleep(1)

    agent.after(0, work)
    with Watch() as watch:
        assert wait_agent_attr(agent, name='level', value=1) is True
        assert wait_agent_attr(agent, length=1, timeout=0) is False
        assert wait_agent_attr(agent, data='late') is True
        assert wait_agent_attr(agent, endswith=['late'], timeout=0) is True
        assert wait_agent_attr(agent, 'level', 0.2, value=2) is False
    assert watch.seconds < 1.4


def test_wait_agent_condition_is_asked_inside_the_agent(nsproxy):
    agent = run_agent('a0', attributes={'received': []})

    def has(agent, count, tail=''):
        return isinstance(agent, Agent) and len(agent.received) >= count and agent.received[-1].endswith(tail)

    agent.each(0.1, lambda agent: agent.received.append('x%d' % len(agent.received)))
    assert wait_agent_condition(agent, has, 3, tail='2')
    assert wait_agent_condition(agent, last_received_endswith, '5')
    with Watch() as watch:
        assert not wait_agent_condition(agent, has, 100000, timeout=0.3)
    assert 0.3 <= watch.seconds < 0.8


def test_sync_agent_logger_returns_when_the_connection_is_live(nsproxy):
    """What is logged afterwards arrives, whoever else logs to the same logger."""
    logger = run_logger('logger')
    for name in ('a0', 'a1'):
        agent = run_agent(name)
        agent.set_logger(logger)
        assert sync_agent_logger(agent=agent, logger=logger) is None
        agent.log_info('from %s' % name)
        assert logger_received(logger, r'\(%s\): from %s' % (name, name), timeout=2) == 1
