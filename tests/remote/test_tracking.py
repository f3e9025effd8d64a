"""One story of several name servers: each event once, whatever was told twice or not at all."""

import pytest

from osbrain._events import AgentEvent
from osbrain._remote.status import AgentStatus
from osbrain._remote.tracking import Tracker


def event(kind, name='a', uri='1', reason=None):
    return AgentEvent(1, kind, name, uri, reason)


def status(uri='1', state='running', reason=None):
    return AgentStatus('a', uri, state, reason)


def kinds(events):
    return [(one.kind, one.uri) for one in events]


@pytest.fixture
def tracker():
    """It knows one agent, which runs."""
    return Tracker({'a': status()})


def test_what_is_known_is_not_told_again(tracker):
    assert tracker.take(event('birth')) == []
    assert tracker.take(event('running')) == []


def test_what_is_new_is_told_as_it_is(tracker):
    for new in (event('stopped', reason='why'), event('running'), event('death'), event('birth'), event('birth', 'b')):
        assert tracker.take(new) == [new]


def test_the_death_of_one_that_is_not_known_is_not_told(tracker):
    assert tracker.take(event('death', 'b')) == []
    assert tracker.take(event('death', uri='another')) == []


def test_another_one_of_the_same_name_means_that_the_first_has_died(tracker):
    assert kinds(tracker.take(event('birth', uri='2'))) == [('death', '1'), ('birth', '2')]
    assert kinds(tracker.take(event('stopped', uri='3'))) == [('death', '2'), ('birth', '3'), ('stopped', '3')]


def test_comparing_tells_what_must_have_happened(tracker):
    present = {'a': status(state='stopped', reason='why'), 'b': status('2'), 'c': status('3', 'starting')}
    told = tracker.compare(present)
    assert [(one.name, one.kind) for one in told] == [
        ('a', 'stopped'),
        ('b', 'birth'),
        ('b', 'running'),
        ('c', 'birth'),
    ]
    assert told[0].reason == 'why' and all(one.number == 0 for one in told)


def test_those_who_are_missing_are_known_until_they_are_said_to_be_dead(tracker):
    assert tracker.missing({'a': status()}) == {}
    assert tracker.missing({'a': status('2')}) == {'a': '1'}
    assert tracker.missing({}) == {'a': '1'}
    death = tracker.died('a', '1', 'why', 5.0)
    assert (death.kind, death.name, death.uri, death.reason, death.when) == ('death', 'a', '1', 'why', 5.0)
    assert tracker.missing({}) == {}
