"""The waiting helpers with agents that are plain objects: what they look at, how often, and when they give up."""

import time

import pytest

from osbrain import helper
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

LIMIT = 5


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class Agent:
    """An agent as the helpers see it; each value of ``later`` shows at the next look."""

    def __init__(self, now=(), *later):
        self.received = list(now)
        self._later = list(later)
        self.looks = 0

    def get_attr(self, name):
        self.looks += 1
        value = list(getattr(self, name))
        if self._later:
            self.received.append(self._later.pop(0))
        return value

    log_history_info = property(lambda self: self.received)

    def execute_as_method(self, function, *args, **kwargs):
        return function(self, *args, **kwargs)


class Names:
    def __init__(self, *answers):
        self.answers = list(answers)

    def agents(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_strings_are_counted_that_a_regular_expression_is_found_in():
    assert regex_count_in_list('a.c', ['abc', 'xabcx', 'a\nc', 'ac', '']) == 3
    assert regex_count_in_list('a', []) == 0


def test_a_record_is_waited_for():
    assert logger_received(Agent(['other'], 'message 1'), 'message', timeout=LIMIT) == 1
    assert logger_received(Agent(['a', 'a', 'b']), 'a') == 2


def test_a_record_that_does_not_come_is_given_up():
    began = time.monotonic()
    assert logger_received(Agent(['other']), 'message', timeout=0.05) == 0
    assert 0.05 <= time.monotonic() - began < LIMIT


@pytest.mark.parametrize('timeout', [None, 0])
def test_no_time_out_waits_until_the_record_comes(timeout):
    assert logger_received(Agent([], 'x', 'y', 'message'), 'message', timeout=timeout) == 1


@pytest.mark.parametrize('position, count', [(0, 1), (1, 0), (-1, 0), (-2, 0), (-3, 1), (7, 0), (-7, 0)])
def test_a_position_limits_the_look_to_one_record(position, count):
    assert logger_received(Agent(['a', 'b', 'c']), 'a', position=position, timeout=0.001) == count


def test_an_agent_has_died_when_its_name_is_gone():
    assert agent_dies('a0', Names(['a0', 'a1'], ['a0'], ['a1']), timeout=LIMIT) is True
    assert agent_dies('a0', Names(['a0']), timeout=0.02) is False
    assert agent_dies('a0', Names(['a0'], []), timeout=None) is True
    with pytest.raises(AssertionError):
        agent_dies(Agent(), Names([]))


@pytest.mark.parametrize(
    'conditions, result',
    [
        ({'length': 2}, True),
        ({'length': 3}, False),
        ({'length': 0}, True),
        ({'data': 1}, True),
        ({'data': 3}, False),
        ({'value': [1, 2]}, True),
        ({'value': [1]}, False),
        ({'endswith': [2]}, True),
        ({'endswith': []}, True),
        ({'endswith': [1]}, False),
        ({'endswith': [0, 1, 2]}, False),
        ({'length': 2, 'data': 2, 'value': [1, 2], 'endswith': [1, 2]}, True),
        ({'length': 2, 'data': 3}, False),
    ],
)
def test_an_attribute_has_to_meet_every_condition_that_is_given(conditions, result):
    assert attribute_match_all([1, 2], **conditions) is result


def test_an_attribute_may_be_any_value_where_only_the_value_counts():
    assert attribute_match_all(3, value=3)
    assert not attribute_match_all(3, value=0)
    assert attribute_match_all('text', endswith='xt')
    with pytest.raises(AssertionError):
        attribute_match_all([1])


def test_an_attribute_is_waited_for():
    agent = Agent([], 1, 2)
    assert wait_agent_attr(agent, length=2, timeout=LIMIT) is True
    assert agent.looks == 3
    assert wait_agent_attr(Agent([]), length=1, timeout=0.02) is False


def test_everything_is_looked_at_at_least_once():
    agent = Agent([1])
    assert wait_agent_attr(agent, length=1, timeout=0) is True
    assert wait_agent_attr(agent, length=2, timeout=0) is False
    assert agent.looks == 2
    assert wait_condition(lambda: True, timeout=0) is True
    assert wait_condition(lambda: True, negate=True, timeout=0) is False


def test_a_condition_is_asked_with_its_arguments_until_it_holds():
    answers = iter([0, '', 'yes'])
    assert wait_condition(lambda one, two=0: (one, two) == (1, 2) and next(answers), 1, two=2, timeout=LIMIT) is True
    assert wait_condition(iter([1, 1, 0]).__next__, negate=True, timeout=LIMIT) is True
    assert wait_condition(lambda: 0, timeout=0.02) is False


def test_a_condition_can_be_asked_inside_the_agent():
    agent = Agent([1])
    assert wait_agent_condition(agent, lambda agent, item: item in agent.received, 1, timeout=LIMIT) is True
    assert wait_agent_condition(agent, lambda agent, item: item in agent.received, item=2, timeout=0.02) is False


def test_what_a_condition_raises_goes_to_whoever_waits():
    with pytest.raises(ZeroDivisionError):
        wait_condition(lambda: 1 / 0, timeout=LIMIT)


@pytest.mark.parametrize(
    'received, tail, result',
    [
        (['ab'], 'b', True),
        ([b'ab'], b'ab', True),
        ([[1, 2]], [2], True),
        (['ab', 'cd'], 'b', False),
        ([], 'b', False),
        (['b'], 'ab', False),
    ],
)
def test_the_last_of_what_was_received_is_compared_with_a_tail(received, tail, result):
    assert last_received_endswith(Agent(received), tail) is result


def test_an_agent_that_receives_nothing_has_no_tail():
    assert last_received_endswith(object(), 'b') is False


def test_an_agent_and_its_logger_are_in_step_when_a_line_has_arrived():
    class Both(Agent):
        lost = 2

        def log_info(self, message):
            if self.lost:
                self.lost -= 1
            else:
                self.received.append(f'[now] (a0): {message}')

    both = Both()
    assert sync_agent_logger(both, both) is None
    assert len(both.received) == 1


def test_a_look_is_taken_about_every_ten_milliseconds(monkeypatch):
    pauses = []

    class Event:
        def wait(self, seconds):
            pauses.append(seconds)

    monkeypatch.setattr(helper.threading, 'Event', Event)
    wait_condition(iter([0, 0, 0, 1]).__next__, timeout=LIMIT)
    assert pauses == [0.01] * 3
