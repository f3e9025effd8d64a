"""Every form in which a handler may be given, and what each of them is called with."""

import functools
import operator

import pytest

from osbrain._protocol.handlers import (
    error_call,
    execute_code_after_yield,
    first_reply,
    message_call,
    message_calls,
    reply_call,
    topic_call,
    validate_handler,
)
from osbrain.errors import HandlerInvalid, HandlerRequired, UnknownMethod, YieldedTwice


class Foreign:
    """Not the agent, but with methods that may serve as handlers."""

    def __init__(self):
        self.got = []

    def alone(self, message):
        self.got.append(message)

    def with_agent(self, agent, message):
        self.got.append((agent.name, message))

    def __call__(self, message):
        self.got.append(('called', message))


def keep(agent, message):
    agent.received.append(message)


@pytest.mark.parametrize(
    'handler',
    [
        'on_message',
        keep,
        lambda agent, message: agent.received.append(message),
        functools.partial(keep),
        lambda agent, message, extra=None: agent.received.append(message),
        lambda *args: args[0].received.append(args[1]),
    ],
    ids=['name', 'function', 'lambda', 'partial', 'default', 'args'],
)
def test_handlers_of_an_agent_are_called_with_the_message(agent, handler):
    message_call(handler, agent)('message')
    assert agent.received == ['message']


def test_a_bound_method_of_the_agent_gets_the_message_alone(agent):
    message_call(agent.on_message, agent)('message')
    assert agent.received == ['message']


def test_builtins_get_the_agent_first(agent):
    assert message_call(getattr, agent)('name') == 'a0'


def test_methods_of_other_objects_keep_their_own_self(agent):
    other = Foreign()
    message_call(other.alone, agent)(1)
    message_call(other.with_agent, agent)(2)
    message_call(other, agent)(3)
    message_call(functools.partial(Foreign.alone, other), agent)(4)
    assert other.got == [1, ('a0', 2), ('called', 3), 4]


@pytest.mark.parametrize(
    'handler', [1, 1.5, None, [], {}, Foreign, object(), b'on_message'], ids=lambda one: type(one).__name__
)
def test_other_objects_are_no_handlers(agent, handler):
    with pytest.raises(HandlerInvalid):
        message_call(handler, agent)


@pytest.mark.parametrize(
    'handler', [lambda: None, lambda agent: None, lambda a, b, c: None, lambda a, *, b: None, 'nothing'], ids=range(5)
)
def test_handlers_that_cannot_take_agent_and_message_are_refused_when_they_are_given(agent, handler):
    agent.nothing = lambda: None
    with pytest.raises(HandlerInvalid, match='takes the agent and the message'):
        message_call(handler, agent)


def test_the_name_of_nothing_is_an_error_that_names_it(agent):
    with pytest.raises(UnknownMethod, match=r"'a0'.*'missing'"):
        message_call('missing', agent)


def test_the_name_of_an_attribute_that_is_no_method_is_refused(agent):
    with pytest.raises(HandlerInvalid, match='no method'):
        message_call('received', agent)


def test_a_tuple_of_handlers_is_called_in_order(agent):
    calls = message_calls((keep, 'on_message', lambda agent, message: agent.received.append(-message)), agent)
    calls(1)
    assert agent.received == [1, 1, -1]


def test_an_empty_list_is_no_handler(agent):
    with pytest.raises(HandlerRequired):
        message_calls([], agent)


def test_the_first_handler_of_a_list_that_fails_ends_the_message(agent):
    with pytest.raises(ZeroDivisionError):
        message_calls([lambda agent, message: 1 / 0, keep], agent)(1)
    assert agent.received == []


# -- Topics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'handler, expected',
    [
        (lambda agent, message: ('two', message), ('two', 1)),
        (lambda agent, message, topic: (message, topic), (1, b't')),
        (lambda agent, message, topic='own': (message, topic), (1, b't')),
        (lambda agent, *args: args, (1, b't')),
        (lambda *args: args[1:], (1, b't')),
        (lambda agent, message, *, option=3: (message, option), (1, 3)),
        (functools.partial(lambda extra, agent, message, topic: (extra, message, topic), 'x'), ('x', 1, b't')),
    ],
    ids=range(7),
)
def test_a_handler_gets_the_topic_if_it_declares_a_parameter_for_it(agent, handler, expected):
    assert topic_call(handler, agent, b't')(1) == expected


def test_methods_get_the_topic_as_functions_do(agent):
    topic_call('on_message', agent, b't')(1)
    topic_call('on_topic', agent, b't')(2)
    topic_call(agent.on_topic, agent, b't')(3)
    assert agent.received == [1, (b't', 2), (b't', 3)]


@pytest.mark.parametrize(
    'handler', [lambda: 0, lambda agent: 0, lambda a, b, c, d: 0, lambda a, b, *, c: 0, 3, None], ids=range(6)
)
def test_a_handler_that_fits_neither_is_refused_when_it_is_subscribed(agent, handler):
    with pytest.raises(HandlerInvalid):
        topic_call(handler, agent, b't')


# -- Replies and errors ---------------------------------------------------------------------------------------------


def test_the_handler_of_one_reply_is_bound_without_being_inspected(agent):
    assert reply_call(lambda agent, reply: (agent.name, reply), agent)(1) == ('a0', 1)
    assert reply_call('echo', agent)(1) == 1
    assert reply_call(agent.echo, agent)(1) == 1
    with pytest.raises(HandlerInvalid):
        reply_call(3, agent)


def test_on_error_gets_the_error_if_it_takes_it(agent):
    error = LookupError()
    assert error_call(lambda agent: agent.name, agent)(error) == 'a0'
    assert error_call(lambda agent, error: error, agent)(error) is error
    assert error_call('echo', agent)(error) is error


def test_a_plain_result_is_the_reply_and_nothing_is_left_to_run():
    assert first_reply([1]) == ([1], None)
    iterator = iter([1])
    assert first_reply(iterator) == (iterator, None)


def test_the_first_yield_is_the_reply_and_the_rest_runs_later():
    steps = []

    def handler():
        yield 'reply'
        steps.append('rest')

    reply, rest = first_reply(handler())
    assert (reply, steps) == ('reply', [])
    execute_code_after_yield(rest)
    assert steps == ['rest']


def test_a_second_yield_is_an_error_and_the_generator_is_closed():
    closed = []

    def handler():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    _, rest = first_reply(handler())
    with pytest.raises(YieldedTwice, match='yielded more than once'):
        execute_code_after_yield(rest)
    assert closed == [True]


def test_a_handler_is_asked_for_only_where_one_is_required():
    with pytest.raises(HandlerRequired, match='This socket requires a handler!'):
        validate_handler(None, required=True)
    assert validate_handler(None, required=False) is None
    assert validate_handler(operator.add, required=True) is None
