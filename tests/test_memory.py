"""What is remembered of an agent makes it what it was, and does not grow for nothing."""

import gc
import os
import pickle
from pathlib import Path

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain import _memory, config
from osbrain._memory import ALL_TIMERS, FIRED, Bound, Call, Memory, compacted, unfinished


def settings(**values):
    return Call('set_attr', pickle.dumps(values), sets=frozenset(values))


def timer(method, alias, definition=b''):
    return Call(method, definition, timer=alias, named=not alias.startswith(b'timer-'))


class World:
    """What an agent is made of, and what others do to it; counts its unnamed timers as agents do."""

    def __init__(self):
        self.attributes = {}
        # Started by the agent itself, in on_init.
        self.timers = {b'own': 'every', b'timer-1': 'every'}
        self.shots = set()
        self.seen = []
        self.numbers = 1
        self.calls = []

    def note(self, call):
        self.calls.append(call)

    def set_attr(self, names, value):
        self.attributes.update(dict.fromkeys(names, value))
        self.note(settings(**dict.fromkeys(names, value)))

    def look(self):
        """Any call that may depend on what is set: a bind, a connect, an overridden method."""
        self.seen.append(dict(self.attributes))
        self.note(Call('bind'))

    def start(self, alias, method, number):
        if alias is None:
            self.numbers += 1
            alias = b'timer-%d' % self.numbers
        self.timers[alias] = number
        (self.shots.add if method == 'after' else self.shots.discard)(alias)
        self.note(timer(method, alias, pickle.dumps(number)))

    def stop(self, alias):
        if alias in self.timers:
            del self.timers[alias]
            self.shots.discard(alias)
            self.note(timer('stop_timer', alias))

    def fire(self, alias):
        if alias in self.shots:
            self.shots.discard(alias)
            del self.timers[alias]
            self.note(timer(FIRED, alias))

    def stop_all(self):
        self.timers.clear()
        self.shots.clear()
        self.note(Call('stop_all_timers', timer=ALL_TIMERS))

    def made_again(self, calls):
        """Return what becomes of a new agent to which *calls* are done."""
        new = World()
        for call in calls:
            if call.method == 'set_attr':
                new.attributes.update(pickle.loads(call.packed))
            elif call.method == 'bind':
                new.seen.append(dict(new.attributes))
            elif call.method == 'stop_all_timers':
                new.timers.clear()
            elif call.method in ('each', 'after'):
                new.timers[call.timer] = pickle.loads(call.packed)
            else:
                new.timers.pop(call.timer, None)
        return new

    def __eq__(self, other):
        return (self.attributes, self.timers, self.seen) == (other.attributes, other.timers, other.seen)

    __hash__ = None


ALIASES = st.sampled_from([b'own', b'named', b'other', b'timer-1', b'timer-2', b'timer-3'])
STEPS = st.one_of(
    st.tuples(st.just('set_attr'), st.sets(st.sampled_from('abcd'), min_size=1), st.integers(0, 9)),
    st.tuples(st.just('look')),
    st.tuples(
        st.just('start'),
        st.sampled_from([None, b'own', b'named', b'other']),
        st.sampled_from(['each', 'after']),
        st.integers(),
    ),
    st.tuples(st.just('stop'), ALIASES),
    st.tuples(st.just('fire'), ALIASES),
    st.tuples(st.just('stop_all')),
)


@given(st.lists(STEPS, max_size=40))
def test_what_is_left_makes_the_agent_what_it_was(steps):
    world = World()
    for name, *arguments in steps:
        getattr(world, name)(*arguments)
    kept = compacted(world.calls)
    assert world.made_again(kept) == world
    assert compacted(kept) == kept


@given(st.lists(STEPS, max_size=40), st.integers(1, 40))
def test_it_makes_no_difference_when_things_are_left_out(steps, often):
    world, kept = World(), []
    for name, *arguments in steps:
        getattr(world, name)(*arguments)
        kept += world.calls
        world.calls.clear()
        if len(kept) % often == 0:
            kept = compacted(kept)
    assert world.made_again(compacted(kept)) == world


def test_of_settings_in_a_row_those_count_that_set_something_which_none_after_them_sets():
    first, both, last = settings(x=1), settings(x=2, y=2), settings(x=3)
    assert compacted([first, both, last]) == [both, last]
    assert compacted([both, settings(y=3), last]) == [settings(y=3), last]


@pytest.mark.parametrize('between', [Call('bind'), Call('set_attr'), Call('connect')])
def test_what_may_look_at_the_settings_ends_the_row(between):
    calls = [settings(x=1), between, settings(x=2)]
    assert compacted(calls) == calls


def test_a_timer_of_the_agents_own_stays_stopped():
    stop = timer('stop_timer', b'own')
    assert compacted([stop]) == [stop]
    assert compacted([timer('each', b'own'), stop]) == [stop]


def test_a_shot_that_has_fired_is_forgotten_or_stopped_where_the_agent_may_start_one_of_its_name():
    assert compacted([timer('after', b'timer-7'), timer(FIRED, b'timer-7')]) == []
    (left,) = compacted([timer('after', b'named'), timer(FIRED, b'named')])
    assert (left.method, left.timer) == ('stop_timer', b'named')


class TestMemory:
    def test_a_new_one_is_empty(self):
        memory = Memory()
        assert memory.calls() == []
        assert memory.place(('alias', 'PUB', 'ipc'), 0) is None

    def test_it_does_not_grow_with_settings_of_the_same_names(self):
        memory = Memory()
        for number in range(10_000):
            memory.take(settings(x=number))
            memory.take(timer('each', b'timer-%d' % number))
            memory.take(timer('stop_timer', b'timer-%d' % number))
            memory.take(settings(y=number))
        assert memory.calls() == [settings(x=9_999), settings(y=9_999)]
        assert len(memory._calls) <= 200

    def test_what_there_is_no_room_for_is_counted(self, monkeypatch):
        monkeypatch.setattr(_memory, '_MOST_CALLS', 100)
        memory = Memory()
        for _ in range(130):
            memory.take(Call('bind'))
        assert len(memory.calls()) == 100
        assert memory.forgotten == 30

    def test_binds_of_one_alias_are_told_apart_by_their_order(self):
        memory, key = Memory(), ('alias', 'PUB', 'ipc')
        memory.take(Bound(key, 0, 'first'))
        memory.take(Bound(key, 1, 'second'))
        memory.take(Bound(('alias', 'SUB', 'ipc'), 0, 'another kind'))
        assert [memory.place(key, number) for number in range(3)] == ['first', 'second', None]

    def test_an_address_that_has_changed_takes_the_place_of_the_old_one(self):
        memory, key = Memory(), (None, 'PUB', 'tcp')
        memory.take(Bound(key, 0, 'old'))
        memory.take(Bound(key, 0, 'new'))
        assert memory.place(key, 0) == 'new'

    def test_binding_without_end_fills_nothing(self, monkeypatch):
        monkeypatch.setattr(_memory, '_MOST_PLACES', 3)
        memory, key = Memory(), (None, 'PUB', 'tcp')
        for number in range(10):
            memory.take(Bound(key, number, number))
        assert [memory.place(key, number) for number in range(5)] == [0, 1, 2, None, None]

    def test_it_travels_to_a_new_process_and_goes_on_there(self):
        memory, key = Memory(), ('alias', 'PUB', 'ipc')
        memory.take(Bound(key, 0, 'address'))
        memory.take(settings(x=1))
        memory.take(settings(x=2))
        back = pickle.loads(cloudpickle.dumps(memory))
        assert back.calls() == [settings(x=2)]
        assert back.place(key, 0) == 'address'
        assert back.state_file == memory.state_file
        back.take(settings(y=1))
        assert len(back.calls()) == 2


class TestStateFile:
    @pytest.fixture
    def memory(self, tmp_path, monkeypatch):
        monkeypatch.setitem(config, 'IPC_DIR', tmp_path)
        memory = Memory()
        memory.state_file.parent.mkdir()
        memory.state_file.write_bytes(b'state')
        return memory

    def test_each_has_its_own_beside_the_sockets(self, tmp_path, monkeypatch):
        monkeypatch.setitem(config, 'IPC_DIR', tmp_path)
        one, other = Memory(), Memory()
        assert one.state_file != other.state_file
        assert one.state_file.parent == other.state_file.parent == tmp_path / 'state'
        assert not one.state_file.parent.exists()

    def test_it_is_removed_with_what_was_not_finished_and_its_folder(self, memory):
        unfinished(memory.state_file).write_bytes(b'st')
        memory.discard_state()
        assert not memory.state_file.parent.exists()
        memory.discard_state()

    def test_a_folder_in_which_others_are_stays(self, memory):
        other = Path(memory.state_file.parent, 'other')
        other.touch()
        memory.discard_state()
        assert list(memory.state_file.parent.iterdir()) == [other]

    def test_it_goes_with_the_memory(self, tmp_path, monkeypatch):
        monkeypatch.setitem(config, 'IPC_DIR', tmp_path)
        memory = Memory()
        memory.state_file.parent.mkdir()
        memory.state_file.touch()
        del memory
        gc.collect()
        assert list(tmp_path.iterdir()) == []

    def test_a_copy_in_another_process_leaves_it_alone(self, memory):
        copy = pickle.loads(cloudpickle.dumps(memory))
        del copy
        gc.collect()
        assert memory.state_file.exists()

    def test_a_forked_process_leaves_it_alone(self, memory):
        _memory._remove_in(os.getpid() + 1, memory.state_file)
        assert memory.state_file.exists()
