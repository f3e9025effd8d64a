"""Lists of messages: who gets them, when, and what happens when a handler fails."""

import functools

import pytest

from osbrain._protocol.gathering import Gathering, batched, gathered, one_by_one, wants_batches
from osbrain.errors import HandlerInvalid


@batched
def on_list(agent, messages):
    """Take a list, without an agent."""


def on_message(agent, message):
    """Take a message, without an agent."""


class Agent:
    @batched
    def on_list(self, messages):
        """Take a list."""

    def on_message(self, message):
        """Take a message."""


def test_messages_are_handed_over_together_when_the_turn_ends(host):
    lists = []
    gathering = Gathering(lists.append, host)
    for number in range(3):
        gathering(number)
    assert lists == []
    host.end_turn()
    assert lists == [[0, 1, 2]]


def test_each_turn_has_a_list_of_its_own(host):
    lists = []
    gathering = Gathering(lists.append, host)
    for number in range(3):
        gathering(number)
        host.end_turn()
    assert lists == [[0], [1], [2]]
    assert len({id(one) for one in lists}) == 3


def test_a_turn_without_messages_calls_nobody(host):
    lists = []
    Gathering(lists.append, host)
    host.end_turn()
    assert lists == []


def test_the_end_of_a_turn_is_asked_for_once(host):
    gathering = Gathering(lambda messages: None, host)
    for number in range(3):
        gathering(number)
    assert len(host.turn_ends) == 1


def test_a_handler_may_keep_and_change_its_list(host):
    kept = []

    def handler(messages):
        kept.append(messages)
        messages.clear()

    gathering = Gathering(handler, host)
    gathering(1)
    host.end_turn()
    gathering(2)
    assert kept == [[]]
    host.end_turn()
    assert len(kept) == 2


def test_a_handler_that_fails_has_had_its_messages_and_gets_the_next(host):
    lists = []

    def handler(messages):
        lists.append(messages)
        raise ValueError(messages)

    gathering = Gathering(handler, host)
    for number in range(2):
        gathering(number)
        with pytest.raises(ValueError, match=str(number)):
            host.end_turn()
    host.end_turn()
    assert lists == [[0], [1]]


def test_messages_that_arrive_while_a_list_is_handled_wait_for_the_next(host):
    lists = []

    def handler(messages):
        lists.append(messages)
        if len(lists) == 1:
            gathering('meanwhile')

    gathering = Gathering(handler, host)
    gathering('first')
    host.end_turn()
    assert lists == [['first']]
    host.end_turn()
    assert lists == [['first'], ['meanwhile']]


# -- The mark -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'call, wanted',
    [
        (on_list, True),
        (on_message, False),
        (Agent.on_list, True),
        (Agent().on_list, True),
        (Agent().on_message, False),
        (functools.partial(on_list, Agent()), True),
        (functools.partial(functools.partial(on_list), Agent()), True),
        (functools.partial(on_message, Agent()), False),
        (functools.partial(Agent().on_list), True),
        (print, False),
        (object(), False),
    ],
    ids=lambda one: getattr(one, '__name__', None) or type(one).__name__,
)
def test_the_mark_is_found_where_it_was_put(call, wanted):
    assert wants_batches(call) is wanted


def test_marking_changes_nothing_else():
    def handler(agent, messages):
        return messages

    assert batched(handler) is handler
    assert batched(batched(handler)) is handler
    assert handler(None, 1) == 1


def test_a_method_that_replaces_a_marked_one_is_marked_itself_or_not():
    class Other(Agent):
        def on_list(self, message):
            """Take a message."""

    assert not wants_batches(Other().on_list)


@pytest.mark.parametrize('what', [None, 1, 'on_list', [on_list]], ids=lambda what: type(what).__name__)
def test_only_what_can_be_called_is_marked(what):
    with pytest.raises(HandlerInvalid, match='batched'):
        batched(what)


@pytest.mark.parametrize('what', [print, Agent().on_message], ids=['builtin', 'bound method'])
def test_what_cannot_carry_the_mark_is_refused_in_the_same_words(what):
    with pytest.raises(HandlerInvalid, match='batched'):
        batched(what)


@pytest.mark.parametrize('always', [True, False])
@pytest.mark.parametrize('call', [on_list, on_message])
def test_a_gathering_stands_before_those_that_want_it_or_before_all(host, call, always):
    made = gathered(call, host, always)
    assert (type(made) is Gathering) == (always or call is on_list)
    assert (made is call) == (not always and call is on_message)


def test_who_answers_requests_cannot_have_lists():
    assert one_by_one(on_message, on_message) is on_message
    with pytest.raises(HandlerInvalid, match='each has its own reply') as caught:
        one_by_one(functools.partial(on_list, Agent()), on_list)
    assert 'on_list' in caught.value.handler
