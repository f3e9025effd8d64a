"""The log of events: numbered, kept for a while, and waited for."""

import threading

import pytest

from osbrain._events import BIRTH, DEATH
from osbrain._remote.events import EventLog

LIMIT = 5


@pytest.fixture
def log():
    return EventLog(kept=3)


def names(news):
    return [event.name for event in news.events]


def test_events_are_numbered_from_one(log):
    for name in 'ab':
        log.add(BIRTH, name, f'PYRO:{name}@x:1')
    news = log.after(log.identifier, 0, 0)
    assert [(event.number, event.name) for event in news.events] == [(1, 'a'), (2, 'b')]
    assert news.newest == 2 and not news.missed


def test_only_what_came_after_a_number_is_told(log):
    for name in 'abc':
        log.add(BIRTH, name, '')
    assert names(log.after(log.identifier, 1, 0)) == ['b', 'c']
    assert names(log.after(log.identifier, 3, 0)) == []


def test_of_events_that_are_not_kept_any_more_it_is_told_that_they_were_missed(log):
    for name in 'abcd':
        log.add(BIRTH, name, '')
    assert names(log.after(log.identifier, 1, 0)) == ['b', 'c', 'd']
    news = log.after(log.identifier, 0, 0)
    assert news.missed and news.events == () and news.newest == 4


@pytest.mark.parametrize('identifier, number', [('another', 0), (None, 7)])
def test_who_was_told_by_another_log_has_missed_everything(log, identifier, number):
    log.add(BIRTH, 'a', '')
    news = log.after(identifier or log.identifier, number, LIMIT)
    assert news.missed and (news.log, news.newest) == (log.identifier, 1)


def test_the_next_event_is_waited_for(log):
    later = threading.Timer(0.05, log.add, (DEATH, 'a', '', 'why'))
    later.start()
    (event,) = log.after(log.identifier, 0, LIMIT).events
    assert (event.kind, event.reason) == (DEATH, 'why') and event.when > 0
    later.join()


def test_waiting_has_a_limit(log):
    assert log.after(log.identifier, 0, 0.01).events == ()


def test_the_end_lets_everybody_go_and_is_told(log):
    later = threading.Timer(0.05, log.end)
    later.start()
    assert log.after(log.identifier, 0, LIMIT).ending
    assert log.after('another', 0, LIMIT).ending
    later.join()
