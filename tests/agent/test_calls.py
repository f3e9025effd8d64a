"""Whose mistake is it: the caller's, which leaves the agent as it is, or a failure inside the agent's own code."""

import functools

import pytest

from osbrain import Agent
from osbrain._agent.calls import MethodFailed, call_method, find_method
from osbrain.errors import UnknownAlias, UnknownMethod


class Own(Agent):
    """An agent with methods of its own, some of which fail."""

    number = 3

    def add(self, one, other=0):
        return one + other

    def fail(self):
        raise LookupError('inside')

    def fail_with_type_error(self):
        return len(3)

    def call_wrongly(self):
        return self.add(1, 2, 3)

    def ask_wrongly(self):
        return self.addr('typo')

    def bind(self, kind, *args, **kwargs):
        raise ValueError('our own rule')


@pytest.fixture
def agent(new_agent):
    return new_agent(Own)


def failure(agent, name, *args, **kwargs):
    with pytest.raises(MethodFailed) as caught:
        call_method(agent, name, args, kwargs)
    return caught.value


def test_a_call_that_works_gives_its_result(agent):
    assert call_method(agent, 'add', (1,), {'other': 2}) == 3


@pytest.mark.parametrize(
    'name, args, kwargs, error',
    [
        ('typo', (), {}, AttributeError),
        ('number', (), {}, AttributeError),
        ('add', (), {}, TypeError),
        ('add', (1, 2, 3), {}, TypeError),
        ('add', (1,), {'typo': 2}, TypeError),
        ('addr', ('typo',), {}, KeyError),
        ('close', ('typo',), {}, KeyError),
        ('send', ('typo', 'message'), {}, KeyError),
        ('recv', ('typo',), {}, KeyError),
        ('addr', ([],), {}, KeyError),
        ('addr', (1, 2, 3, 4), {}, TypeError),
        ('connect', ('nowhere',), {}, TypeError),
        ('subscribe', ('typo', {}), {}, KeyError),
        ('each', (-1, 'add'), {}, ValueError),
        ('after', (1, 'typo'), {}, AttributeError),
        ('after', (1, 7), {}, TypeError),
        ('stop_timer', ('typo',), {}, KeyError),
        ('get_attr', ('typo',), {}, AttributeError),
        ('set_method', (), {}, TypeError),
        ('set_logger', (3,), {}, ValueError),
        ('execute_as_function', (lambda: 1, 2), {}, TypeError),
        ('execute_as_method', (lambda: 1,), {}, TypeError),
    ],
)
def test_what_the_library_refuses_at_its_border_is_the_caller_s_mistake(agent, name, args, kwargs, error):
    failed = failure(agent, name, *args, **kwargs)
    assert isinstance(failed.error, error)
    assert failed.callers_mistake


@pytest.mark.parametrize(
    'name, args, error',
    [
        ('fail', (), LookupError),
        ('fail_with_type_error', (), TypeError),
        ('call_wrongly', (), TypeError),
        ('ask_wrongly', (), KeyError),
        ('bind', ('PUSH',), ValueError),
        ('raise_exception', (), RuntimeError),
        ('execute_as_function', (lambda: 1 / 0,), ZeroDivisionError),
        ('execute_as_method', (lambda agent: agent.fail(),), LookupError),
        ('execute_as_method', (lambda agent: agent.add(1, 2, 3),), TypeError),
    ],
)
def test_what_fails_inside_the_agent_s_own_code_is_the_agent_s_failure(agent, name, args, error):
    failed = failure(agent, name, *args)
    assert isinstance(failed.error, error)
    assert not failed.callers_mistake


def test_methods_that_were_added_are_the_agent_s_own(agent):
    agent.set_method(added=lambda agent, one: 1 / one)
    assert failure(agent, 'added').callers_mistake
    assert not failure(agent, 'added', 0).callers_mistake


def test_partials_are_called_as_they_are(agent):
    agent.partial = functools.partial(pow, 2)
    assert call_method(agent, 'partial', (3,), {}) == 8


def test_what_the_caller_reads_names_the_call_and_holds_the_traceback(agent):
    text = failure(agent, 'execute_as_function', pow, 1, mod=0).text
    assert text.startswith('Error executing `execute_as_function`! (')
    assert 'method: execute_as_function' in text
    assert "kwargs: {'mod': 0}" in text
    assert '\n|>>>>>>>>' in text and 'Traceback (most recent call last)' in text


def test_what_ends_a_process_is_not_taken_for_a_failed_method(agent):
    def leave():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call_method(agent, 'execute_as_function', (leave,), {})


class Unspeakable:
    def __repr__(self):
        raise ZeroDivisionError('no text')


class Mute(Exception):
    def __str__(self):
        raise ZeroDivisionError('no text')


@pytest.mark.parametrize('args', [(Unspeakable(),), ([Unspeakable()],)], ids=['bare', 'in a list'])
def test_an_argument_that_cannot_be_shown_hides_neither_the_error_nor_whose_it_was(agent, args):
    failed = failure(agent, 'typo', *args)
    assert isinstance(failed.error, UnknownMethod)
    assert failed.callers_mistake


def test_an_error_that_cannot_be_shown_is_the_error_all_the_same(agent):
    def fail(agent):
        raise Mute

    agent.set_method(fail)
    failed = failure(agent, 'fail')
    assert isinstance(failed.error, Mute)
    assert not failed.callers_mistake


def test_a_method_is_found_by_its_name(agent):
    assert find_method(agent, 'add')(1) == 1
    with pytest.raises(UnknownMethod, match="agent 'a0' object has no attribute 'typo'"):
        find_method(agent, 'typo')
    with pytest.raises(UnknownMethod, match='no method'):
        find_method(agent, 'number')


def test_the_failure_keeps_the_error_that_caused_it(agent):
    failed = failure(agent, 'addr', 'typo')
    assert type(failed.error) is UnknownAlias
    assert failed.__cause__ is failed.error
