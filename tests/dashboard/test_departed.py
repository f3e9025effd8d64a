"""Who has died is remembered with the reason, until somebody of the name is there again or nobody wants to know."""

from osbrain import AgentEvent
from osbrain.dashboard.departed import Departed


def born(name, uri):
    return AgentEvent(0, 'birth', name, uri, None, 1.0)


def died(name, uri, why='killed by SIGKILL', when=100.0):
    return AgentEvent(0, 'death', name, uri, why, when)


def departed(*events, now=100.0, **options):
    found = Departed(now=lambda: now, **options)
    for event in events:
        found.take(event)
    return found


def test_a_death_is_kept_with_its_reason():
    gone = departed(born('a', 'u'), died('a', 'u')).gone
    assert gone['a'].died
    assert gone['a'].why == 'killed by SIGKILL'


def test_who_comes_back_is_not_dead_but_has_died_before():
    found = departed(died('a', 'u'), born('a', 'v'))
    assert found.gone == {}
    assert (found.losses['a'].count, found.losses['a'].last.why) == (1, 'killed by SIGKILL')


def test_each_death_counts_once_however_often_it_is_told():
    found = departed(died('a', 'u'), died('a', 'u'), born('a', 'v'), died('a', 'v'), died('a', 'v'))
    assert found.losses['a'].count == 2


def test_a_birth_that_is_told_again_does_not_raise_the_dead():
    assert 'a' in departed(born('a', 'u'), died('a', 'u'), born('a', 'u')).gone


def test_who_was_to_end_is_shown_for_a_moment_and_has_not_died():
    ended = died('a', 'u', 'it was shut down', when=100.0)
    assert not departed(ended, now=101.0).gone['a'].died
    assert departed(ended, now=101.0).losses == {}
    assert departed(ended, now=200.0).gone == {}


def test_a_death_without_a_reason_says_so():
    assert departed(died('a', 'u', None)).gone['a'].why == 'nothing is known of how'


def test_only_the_latest_are_kept():
    found = departed(*(died(f'a{number}', f'u{number}') for number in range(5)), kept=2)
    assert list(found.gone) == ['a3', 'a4']
    assert list(found.losses) == ['a3', 'a4']


def test_who_is_forgotten_is_shown_no_more():
    found = departed(died('a', 'u'), died('b', 'v'))
    found.forget(['a'])
    assert list(found.gone) == ['b']
    assert list(found.losses) == ['b']
