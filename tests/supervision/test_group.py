"""What a supervisor wants done when something happens to its children; nothing happens but what a test writes down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._supervision.group import Group, Member, State
from osbrain._supervision.intensity import Intensity
from osbrain._supervision.restarts import End, Restart
from osbrain._supervision.strategy import Strategy

STRATEGIES = [strategy.value for strategy in Strategy]


# -- Starting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_children_are_started_in_order_each_when_the_one_before_runs(new_world, strategy):
    world = new_world('abc', strategy)
    world.slow.update('ab')
    world.act()
    assert world.told() == '+a' and not world.group.settled
    world.runs('a')
    assert world.told() == '+b'
    world.runs('b')
    assert world.told() == '+c' and world.group.settled


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_if_one_cannot_be_started_the_others_are_ended(new_world, strategy):
    world = new_world('abcd', strategy)
    world.broken.add('c')
    assert world.act().told() == '+a +b +c -b -a'
    assert set(world.states().values()) == {'ended'} and world.group.settled
    assert world.member('c').report == 'it cannot start' and world.member('c').on_trial
    assert world.group.failure is None


def test_a_start_that_takes_too_long_is_ended(new_world):
    world = new_world('ab')
    world.slow.add('b')
    world.act().passes(60)
    assert world.told() == '+a +b xb -a'
    assert world.member('b').report == 'It did not run after 60 s, and was ended.'


# -- Strategies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'strategy, dead, told',
    [
        ('one_for_one', 'b', '!b +b'),
        ('one_for_all', 'b', '!b -d -c -a +a +b +c +d'),
        ('one_for_all', 'd', '!d -c -b -a +a +b +c +d'),
        ('rest_for_one', 'a', '!a -d -c -b +a +b +c +d'),
        ('rest_for_one', 'b', '!b -d -c +b +c +d'),
        ('rest_for_one', 'd', '!d +d'),
    ],
)
def test_the_last_is_ended_first_and_the_first_is_started_first(world, strategy, dead, told):
    world = world('abcd', strategy)
    world.dies(dead)
    assert world.act().told() == told
    assert set(world.states().values()) == {'running'}


def test_those_who_stand_for_themselves_do_not_wait_for_each_other(world):
    world = world('abc')
    world.slow.update('ab')
    for name in 'abc':
        world.dies(name)
    assert world.act().told() == '!a !b !c +a +b +c'
    assert world.states() == {'a': 'starting', 'b': 'starting', 'c': 'running'}


def test_one_is_ended_only_when_the_one_after_it_has_ended(world):
    world = world('abc', 'one_for_all')
    world.deaf.add('c')
    world.dies('a')
    assert world.act().told() == '!a -c'
    world.dies('c', End.NORMAL)
    assert world.act().told() == '!c -b +a +b +c'


def test_one_that_does_not_end_in_time_is_killed(world):
    world = world('ab', 'one_for_all', shutdown=2.0)
    world.deaf.add('b')
    world.dies('a')
    world.act().passes(1.9)
    assert world.told() == '!a -b'
    assert world.passes(0.1).told() == 'xb +a +b'


def test_one_that_does_not_run_yet_has_a_second_to_end(new_world):
    world = new_world('ab', 'one_for_all', shutdown=60.0)
    world.slow.add('b')
    world.deaf.add('b')
    world.act()
    world.dies('a')
    world.passes(0.9)
    assert world.told() == '+a +b !a -b'
    world.slow.clear()
    assert world.passes(0.2).told() == 'xb +a +b'


def test_one_that_dies_while_it_waits_for_its_end_is_no_further_death(world):
    world = world('abc', 'one_for_all', max_restarts=1)
    world.deaf.add('c')
    world.dies('b')
    world.act()
    world.dies('a')
    world.dies('c')
    assert world.act().told() == '!b -c !a !c +a +b +c'
    assert world.group.failure is None


def test_one_that_dies_while_others_are_on_their_way_has_all_started_once_more(world):
    world = world('abc', 'one_for_all', max_restarts=5)
    world.slow.add('b')
    world.dies('c')
    world.act()
    world.slow.clear()
    world.dies('a')
    assert world.act().told() == '!c -b -a +a +b !a -b +a +b +c'


def test_one_that_has_ended_for_good_stays_so_whatever_happens_to_the_others(world):
    world = world('abc', 'one_for_all', kinds={'b': 'transient'})
    world.dies('b', End.NORMAL)
    world.group.end(world.member('c'))
    world.act()
    world.dies('a')
    assert world.act().told() == '!b -c !a +a'


def test_a_temporary_child_that_is_ended_for_another_does_not_come_back(world):
    world = world('abc', 'one_for_all', kinds={'b': 'temporary'})
    world.dies('a')
    assert world.act().told() == '!a -c -b +a +c'
    assert world.states() == {'a': 'running', 'c': 'running'}


# -- Kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'kind, end, after',
    [
        ('permanent', End.NORMAL, 'running'),
        ('permanent', End.ABNORMAL, 'running'),
        ('permanent', End.ORDERED, 'ended'),
        ('permanent', End.PLANNED, 'running'),
        ('transient', End.NORMAL, 'ended'),
        ('transient', End.ABNORMAL, 'running'),
        ('transient', End.ORDERED, 'ended'),
        ('transient', End.PLANNED, 'running'),
        ('temporary', End.NORMAL, None),
        ('temporary', End.ABNORMAL, None),
        ('temporary', End.ORDERED, None),
        ('temporary', End.PLANNED, 'running'),
    ],
)
def test_the_kind_decides_whether_one_comes_back(world, kind, end, after):
    world = world('ab', kinds={'a': kind})
    world.dies('a', end)
    assert world.act().states() == {**({'a': after} if after else {}), 'b': 'running'}


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_who_is_to_be_started_again_has_not_failed_and_the_others_stay(world, strategy):
    world = world('abc', strategy, max_restarts=0)
    for _ in range(5):
        world.dies('b', End.PLANNED)
        assert world.act().told() == '!b +b'
    assert world.group.failure is None
    assert world.member('b').restarts == 5


def test_who_does_not_come_back_as_planned_has_failed(world):
    world = world('ab', max_restarts=0)
    world.broken.add('b')
    world.dies('b', End.PLANNED)
    world.act()
    assert world.group.failure.child == 'b'


def test_who_is_to_end_for_good_is_not_started_again_as_planned(world):
    world = world('ab')
    world.deaf.add('b')
    world.group.end(world.member('b'))
    world.act()
    world.dies('b', End.PLANNED)
    assert world.act().states() == {'a': 'running', 'b': 'ended'}


# -- Limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_too_many_deaths_and_all_are_ended_for_good(world, strategy):
    world = world('abc', strategy, max_restarts=2, within=5.0)
    for name in 'aba':
        world.passes(1)
        world.told()
        world.dies(name, report=f'{name} died')
    assert world.act().told() == '!a -c -b'
    assert world.group.over and not world.group.any_alive
    failure = world.group.failure
    assert (failure.supervisor, failure.child, failure.report) == ('team', 'a', 'a died')
    assert world.passes(100).told() == ''


def test_deaths_that_are_far_apart_are_not_too_many(world):
    world = world('ab', max_restarts=1, within=5.0)
    for _ in range(10):
        world.dies('a')
        world.passes(6)
    assert world.group.failure is None and world.member('a').restarts == 10


def test_a_child_that_dies_again_and_again_is_waited_with_longer_and_longer(world):
    world = world('a', max_restarts=100, within=1000.0)
    moments = []
    for _ in range(5):
        world.dies('a')
        start = world.now
        world.act()
        while world.states()['a'] != 'running':
            world.passes(world.group.next_moment(world.now) - world.now)
        moments.append(round(world.now - start, 3))
    assert moments == [0, 0.1, 0.2, 0.4, 0.8]


def test_starts_that_fail_are_counted_however_long_each_takes(world):
    """Each takes longer than the time within which restarts are counted."""
    world = world('ab', max_restarts=2, within=5.0)
    world.slow.add('a')
    world.dies('a')
    for _ in range(2):
        world.passes(70)
        assert world.group.failure is None
    world.passes(70)
    assert world.told() == '!a +a xa +a xa +a xa -b'
    assert world.group.failure.report == 'It did not run after 60 s, and was ended.'


# -- What is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_a_child_that_is_added_and_fails_harms_nobody(world, strategy):
    world = world('ab', strategy)
    late = Member('late', None, Restart.PERMANENT, 5.0, 60.0)
    world.group.add(late)
    world.broken.add('late')
    assert world.act().told() == '+late'
    assert late.state is State.ENDED and late.on_trial and late.report == 'it cannot start'
    world.broken.clear()
    world.group.start(late)
    assert world.act().told() == '+late' and not late.on_trial
    world.dies('late')
    assert world.act().told() in ('!late +late', '!late -b -a +a +b +late')


def test_one_that_waits_for_its_next_start_can_be_ended(world):
    world = world('ab', max_restarts=9)
    world.dies('a')
    world.act()
    world.dies('a')
    world.act()
    assert world.states()['a'] == 'waiting'
    world.group.end(world.member('a'))
    world.told()
    assert world.passes(100).told() == '' and world.states()['a'] == 'ended'


def test_all_are_ended_in_reverse(world):
    world = world('abc')
    world.group.end_all()
    assert world.act().told() == '-c -b -a'
    assert world.group.failure is None and not world.group.over


def test_who_ceases_starts_nothing_again(world):
    world = world('abcd', max_restarts=9)
    world.dies('a')
    world.act()
    world.dies('a')
    world.slow.add('b')
    world.dies('b')
    world.act()
    assert world.states() == {'a': 'waiting', 'b': 'starting', 'c': 'running', 'd': 'running'}
    world.group.cease()
    world.dies('c')
    world.told()
    assert world.passes(100).told() == '-b'
    assert world.states() == {'a': 'ended', 'b': 'ended', 'c': 'ended', 'd': 'running'}


def test_a_group_of_one_that_runs_already_is_over_with_it():
    group = Group('a', Strategy.ONE_FOR_ONE, Intensity(3, 5.0), lasting=False)
    member = Member('a', None, Restart.TRANSIENT, 0.0, 60.0)
    group.add_running(member, 100.0)
    assert not group.over and member.restarts == 0
    group.died(member, End.NORMAL, '', 101.0)
    assert group.over


# -- Whatever happens -------------------------------------------------------------------------------------------------


def ending(end):
    return lambda world, member: world.dies(member.name, end) if member.alive else None


def start(world, member):
    if member.state is State.ENDED and world.group.failure is None:
        world.group.start(member)


HAPPENINGS = {
    'dies': ending(End.ABNORMAL),
    'ends': ending(End.NORMAL),
    'is ordered to end': ending(End.ORDERED),
    'is to be started again': ending(End.PLANNED),
    'breaks': lambda world, member: world.broken.add(member.name),
    'mends': lambda world, member: world.broken.discard(member.name),
    'is deaf': lambda world, member: world.deaf.add(member.name),
    'is terminated': lambda world, member: world.group.end(member),
    'is started': start,
}
EVENTS = st.lists(st.tuples(st.sampled_from(['time', *HAPPENINGS]), st.integers(0, 3)), max_size=30)


@given(st.sampled_from(STRATEGIES), st.integers(0, 6), EVENTS, st.lists(st.sampled_from(list(Restart)), min_size=4))
def test_in_the_end_each_runs_or_has_ended_or_all_have(new_world, strategy, max_restarts, events, kinds):
    """Whatever happens in whatever order, one never has two processes, and the group comes to rest."""
    world = new_world('abcd', strategy, max_restarts, 5.0, {name: kind.value for name, kind in zip('abcd', kinds)})
    world.act()
    for what, place in events:
        member = next((one for one in world.group.members if one.name == 'abcd'[place]), None)
        if what == 'time':
            world.passes(place)
        elif member is not None:
            HAPPENINGS[what](world, member)
        if place % 2:
            world.act()
    world.broken.clear()
    world.passes(1000)
    assert world.group.settled
    assert world.group.next_moment(world.now) is None
    if world.group.failure is not None:
        assert not world.group.any_alive
