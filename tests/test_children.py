"""What can be said of a supervisor's children before any process exists."""

import pytest

from osbrain import Agent, config
from osbrain._children import checked_child
from osbrain._supervision.restarts import Restart
from osbrain._supervision.strategy import Strategy
from osbrain.address import SocketAddress
from osbrain.errors import NameInvalid, OptionInvalid, OsBrainError
from osbrain.supervision import Supervisor

NOBODY = SocketAddress('127.0.0.1', 9)
TREE = {
    'name': 'top',
    'children': ['a', {'name': 'low', 'children': iter(['b', 'c']), 'strategy': 'rest_for_one', 'within': 1}],
}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


def checked(spec):
    return checked_child('spec', spec, NOBODY)


def test_a_name_alone_is_a_permanent_child_with_five_seconds_to_end():
    child = checked('a')
    assert (child.name, child.restart, child.shutdown, child.plan) == ('a', Restart.PERMANENT, 5.0, None)


def test_what_is_not_for_its_supervisor_is_for_its_process():
    spec = {'name': 'a', 'base': Agent, 'transport': 'tcp', 'restart': 'temporary', 'shutdown': 0, 'on_error': 'stop'}
    child = checked(spec)
    assert (child.restart, child.shutdown) == (Restart.TEMPORARY, 0.0)
    process = child.member(NOBODY, Supervisor).process
    assert (process.agent_name, process.base, process.transport, process.on_error) == ('a', Agent, 'tcp', 'stop')
    assert process.run_at_once and process.ends_with_loop and process.nsaddr == NOBODY
    assert process.memory is not None
    assert len(spec) == 6


def test_who_has_no_supervisor_is_remembered_by_nobody():
    process = checked('a').process(NOBODY, Supervisor)
    assert (process.ends_with_loop, process.memory, process.succession) == (False, None, None)


def test_a_dictionary_with_children_is_a_supervisor_with_a_plan():
    top = checked(TREE)
    low = top.plan.children[1]
    assert list(top.names()) == ['top', 'a', 'low', 'b', 'c']
    assert (top.plan.strategy, top.plan.max_restarts, top.plan.within) == (Strategy.ONE_FOR_ONE, 3, 5.0)
    assert (low.plan.strategy, low.plan.within) == (Strategy.REST_FOR_ONE, 1.0)
    process = low.member(NOBODY, Supervisor).process
    assert process.base is Supervisor and process.attributes == {'_plan': low.plan}


def test_a_supervisor_may_take_the_time_of_all_below_it():
    child = checked({**TREE, 'children': ['a', {'name': 'low', 'children': ['b', {'name': 'c', 'shutdown': 9}]}]})
    assert child.plan.children[1].shutdown == 5 + 5 + 9
    assert child.shutdown == 5 + 5 + 19
    assert child.start_limit == 5 * config['START_TIMEOUT']


@pytest.mark.parametrize(
    'spec, error, text',
    [
        (3, OptionInvalid, 'spec must be a name or a dictionary'),
        ('', NameInvalid, r'called by its name \(spec\)'),
        ({'restart': 'permanent'}, NameInvalid, r'called by its name \(spec\)'),
        ({'name': 'a', 'nsaddr': NOBODY}, OptionInvalid, "each key of spec must be one of name, .* not 'nsaddr'"),
        ({'name': 'a', 'max_restarts': 3}, OptionInvalid, "not 'max_restarts'"),
        ({'name': 'a', 'children': 'bc'}, OptionInvalid, r"children must be several names .* not 'bc' \(spec\)"),
        ({'name': 'a', 'children': {'name': 'b'}}, OptionInvalid, 'several names or dictionaries'),
        ({'name': 'a', 'children': None}, OptionInvalid, 'several names or dictionaries'),
        ({'name': 'a', 'children': ['b', 'b']}, NameInvalid, 'two agents of the same tree'),
        ({'name': 'a', 'children': ['a']}, NameInvalid, 'two agents of the same tree'),
        ({'name': 'a', 'children': [], 'strategy': None}, OptionInvalid, r'one_for_one, .* not None \(spec\)'),
        ({'name': 'a', 'children': [], 'within': -1}, OptionInvalid, 'within must be'),
        ({'name': 'a', 'children': ['b', {'name': 5}]}, NameInvalid, r'a name is a text \(spec\.children\[1\]\)'),
        ({'name': 'a', 'children': [{'name': 'b', 'transport': 'udp'}]}, ValueError, r'\(spec\.children\[0\]\)'),
        ({'name': 'a', 'on_error': 'ignore'}, OptionInvalid, r"'stop' or 'continue', not 'ignore' \(spec\)"),
    ],
)
def test_a_mistake_is_named_with_its_place(spec, error, text):
    with pytest.raises(OsBrainError, match=text) as caught:
        checked(spec)
    assert isinstance(caught.value, error)
