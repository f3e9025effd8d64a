"""Looking at all agents at once, with those among them that do not answer."""

import os
import threading
import time
from dataclasses import replace

import pytest

from osbrain._pids import started
from osbrain._remote.errors import UnknownName, Unreachable
from osbrain._remote.lookout import Lookout
from osbrain._remote.servant import Servant
from osbrain._remote.status import AgentStatus
from osbrain._stats import AgentStats, Histogram
from osbrain.errors import OsBrainError

LIMIT = 5
# What one that does not answer may cost, and more than that beside a machine's other work.
PATIENCE = 0.5


class Teller:
    """Stands for an agent: it answers unless its gate is closed."""

    def __init__(self, name):
        self.name = name
        self.gate = threading.Event()
        self.gate.set()


class TellerServant(Servant):
    """Its operations."""

    def op_stats(self):
        self._target.gate.wait(LIMIT)
        return AgentStats(self._target.name, 0, 0, 0, True, 1, 0, 0, 0, (), 0, 0, 0, 0, 0, Histogram(), 0, 0)

    def op_echo(self, *args):
        return self._target.name, args

    def op_fail(self):
        raise ValueError(self._target.name)


@pytest.fixture
def people(serve, place):
    """Agents that stand in the book, by name."""
    made = {}
    for name in ('b', 'a', 'c'):
        target = made[name] = Teller(name)
        _, link = serve(target, TellerServant)
        pid = os.getpid()
        place.directory.enroll(AgentStatus(name, link.uri, 'running', pid=pid, pid_started=started(pid)))
    yield made
    for target in made.values():
        target.gate.set()


@pytest.fixture
def lookout(people, place):
    with Lookout(place.address, PATIENCE) as made:
        yield made


def test_everybody_is_seen_in_the_order_of_their_names(lookout):
    seen = lookout.look().agents
    assert list(seen) == ['a', 'b', 'c']
    assert [one.stats.name for one in seen.values()] == ['a', 'b', 'c']
    assert {one.trouble for one in seen.values()} == {None}


def test_one_that_does_not_answer_costs_a_moment_once_and_hides_nobody(lookout, people, until):
    people['b'].gate.clear()
    began = time.monotonic()
    seen = lookout.look().agents
    assert PATIENCE * 0.8 < time.monotonic() - began < LIMIT
    assert seen['b'].stats is None
    assert seen['b'].trouble == 'it does not answer'
    assert seen['a'].stats and seen['c'].stats
    began = time.monotonic()
    assert lookout.look().agents['b'].trouble == 'it does not answer'
    assert time.monotonic() - began < PATIENCE * 0.8
    people['b'].gate.set()
    assert until(lambda: lookout.look().agents['b'].trouble is None)


def test_many_that_do_not_answer_cost_no_more_than_one(lookout, people):
    for target in people.values():
        target.gate.clear()
    began = time.monotonic()
    assert {one.trouble for one in lookout.look().agents.values()} == {'it does not answer'}
    assert time.monotonic() - began < 2 * PATIENCE


def test_those_asked_something_else_meanwhile_are_not_given_the_wrong_answer(lookout, people):
    people['a'].gate.clear()
    lookout.patience = 0.05
    lookout.look()
    lookout.look()
    answer = lookout.ask('echo', 1, names=['a'])['a']
    assert isinstance(answer, TimeoutError) or answer == ('a', (1,))


def test_an_agent_whose_process_has_ended_is_seen_with_its_reason(lookout, monkeypatch):
    status = lookout.status

    def with_one_that_has_ended():
        known = status()
        return {**known, 'b': replace(known['b'], state='gone', reason='killed by SIGKILL')}

    monkeypatch.setattr(lookout, 'status', with_one_that_has_ended)
    seen = lookout.look().agents['b']
    assert (seen.stats, seen.trouble) == (None, 'killed by SIGKILL')


def test_one_whose_process_is_somewhere_else_by_now_is_told_in_words(lookout, place):
    place.directory.enroll(AgentStatus('far', 'PYRO:x@127.0.0.1:1', 'running', pid=os.getpid(), lease=60.0))
    seen = lookout.look().agents['far']
    assert seen.stats is None
    assert 'far' in seen.trouble


def test_agents_can_be_asked_anything(lookout):
    assert lookout.ask('echo', 1, 2) == {name: (name, (1, 2)) for name in 'abc'}
    assert lookout.ask('echo', names=['c', 'c']) == {'c': ('c', ())}


def test_each_can_be_asked_something_else(lookout):
    answers = lookout.ask_each({'b': ('echo', 1), 'a': ('echo', 2, 3), 'nobody': ('echo',)})
    assert (answers['b'], answers['a']) == (('b', (1,)), ('a', (2, 3)))
    assert isinstance(answers['nobody'], UnknownName)


def test_who_is_not_asked_keeps_the_connection(lookout):
    lookout.look()
    kept = dict(lookout._asked)
    lookout.ask('echo', names=['a'])
    assert lookout._asked == kept


def test_errors_are_answers_too(lookout):
    answers = lookout.ask('fail', names=['a', 'nobody'])
    assert isinstance(answers['a'], ValueError)
    assert isinstance(answers['nobody'], UnknownName)


def test_who_leaves_is_forgotten(lookout, place):
    lookout.look()
    place.directory.remove('a')
    assert list(lookout.look().agents) == ['b', 'c']
    assert len(lookout._asked) == 2


def test_without_a_name_server_there_is_nothing_to_see(lookout, place):
    lookout.look()
    place.end(lookout._book._idle)
    with pytest.raises((Unreachable, OsBrainError)):
        lookout.look()
