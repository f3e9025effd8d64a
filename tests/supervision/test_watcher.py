"""The watcher's thread, with children that are two pipes each."""

import gc
import os
import threading
import time
import weakref

import pytest

from osbrain._supervision.group import Group, Member, State
from osbrain._supervision.intensity import Intensity
from osbrain._supervision.restarts import End, Restart
from osbrain._supervision.strategy import Strategy
from osbrain._supervision.watcher import Watcher, _end_of, watcher_of_this_process
from osbrain.errors import RestartsExceeded, StartFailed

LIMIT = 5  # seconds for what takes some thousandths of one


class Pipes:
    """A child of which the test decides when it says what; all that follow it are kept in ``family``."""

    obedient = True
    starts = True

    def __init__(self, family):
        self.family = family
        family.append(self)
        self.runs = self.ordered = self.planned = False
        self.exitcode = None
        self.how_it_ended = 'in a test'
        self.thread = None
        self.began = threading.Event()
        self.words = []

    def begin(self):
        self.thread = threading.current_thread().name
        self.ear, self.mouth = os.pipe()
        self.began.set()
        if not self.starts:
            raise OSError('no more processes')
        self.say('registered')
        self.say('running')

    def say(self, word):
        self.words.append(word)
        os.write(self.mouth, b'.')

    @property
    def sources(self):
        return [self.ear]

    def hear(self):
        os.read(self.ear, 1)
        word = self.words.pop(0)
        self.runs = word == 'running'
        if isinstance(word, Exception):
            raise word

    def dies(self, exitcode=-9, cause=None):
        self.exitcode = exitcode
        failure = StartFailed('what it said', 'a')
        failure.__cause__ = cause
        self.say(failure)

    def ask_to_end(self):
        if self.obedient:
            self.dies(0)

    def force_end(self):
        if self.exitcode is None:
            self.dies()

    def again(self):
        return type(self)(self.family)

    def close(self):
        if self.began.is_set():
            os.close(self.ear)
            os.close(self.mouth)


@pytest.fixture
def family():
    """Every child that there was."""
    children = []
    yield children
    for child in children:
        child.close()


@pytest.fixture
def watch(family):
    """Have a group of children watched: ``watch(Pipes, Pipes)``; gives it, its watcher, and what it gave up with."""
    watchers = []

    def start(*classes, max_restarts=3, within=60.0, **options):
        watcher, errors = Watcher(), []
        group = Group('team', Strategy.ONE_FOR_ALL, Intensity(max_restarts, within), **options)
        watchers.append((watcher, group))
        for number, cls in enumerate(classes):
            group.add(Member(f'a{number}', cls(family), Restart.PERMANENT, 0.1, 60.0))
        watcher.watch(group, errors.append)
        watcher.carry_out(lambda: None, lambda: group.settled)
        return group, watcher, errors

    yield start
    for watcher, group in watchers:
        watcher.leave(group)


def until(watcher, condition):
    watcher.carry_out(lambda: None, condition)


def test_children_are_started_in_the_watchers_thread(watch, family):
    group, _, _ = watch(Pipes, Pipes)
    assert [member.state for member in group.members] == [State.RUNNING] * 2
    assert {child.thread for child in family} == {'osbrain-watcher'}


def test_a_child_that_died_is_followed_by_a_new_one_in_its_place(watch, family):
    group, watcher, errors = watch(Pipes, Pipes)
    family[1].dies()
    until(watcher, lambda: group.settled and len(family) == 4)
    assert [member.process for member in group.members] == family[2:] and errors == []
    assert [child.exitcode for child in family] == [0, -9, None, None]


def test_one_that_cannot_even_begin_has_failed(watch, family):
    class Unable(Pipes):
        starts = False

    group, _, _ = watch(Pipes, Unable)
    assert [member.state for member in group.members] == [State.ENDED] * 2
    assert group.members[1].report == 'OSError: no more processes'


def test_one_that_does_not_end_is_killed(watch, family):
    class Deaf(Pipes):
        obedient = False

    group, watcher, _ = watch(Pipes, Deaf)
    watcher.leave(group)
    assert [child.exitcode for child in family] == [0, -9]


def test_giving_up_is_told_once_when_all_have_ended(watch, family):
    group, watcher, errors = watch(Pipes, Pipes, max_restarts=0)
    family[0].dies()
    until(watcher, lambda: not group.any_alive)
    until(watcher, lambda: bool(errors))
    assert isinstance(errors[0], RestartsExceeded) and len(errors) == 1 and errors[0].child == 'a0'
    assert len(family) == 2


def test_what_is_carried_out_gives_its_result_or_its_error(watch):
    _, watcher, _ = watch(Pipes)
    assert watcher.carry_out(lambda: threading.current_thread().name) == 'osbrain-watcher'
    with pytest.raises(ZeroDivisionError):
        watcher.carry_out(lambda: 1 // 0)
    assert watcher.carry_out(lambda: 'and on it goes') == 'and on it goes'


def test_who_has_ceased_starts_nothing_again(watch, family):
    group, watcher, _ = watch(Pipes, Pipes)
    watcher.cease()
    family[0].dies()
    until(watcher, lambda: group.members[0].state is State.ENDED)
    assert len(family) == 2


def test_a_group_that_does_not_last_is_forgotten_with_its_child(watch, family):
    group, watcher, errors = watch(Pipes, lasting=False)
    family[0].ordered = True
    family[0].dies(0)
    until(watcher, lambda: group not in watcher._groups)
    assert errors == [] and group.over


def test_nothing_of_a_group_that_is_forgotten_is_kept(family):
    """With it goes what was saved of the state of its children."""
    group = Group('team', Strategy.ONE_FOR_ONE, Intensity(3, 60.0), lasting=False)
    group.add(Member('a0', Pipes(family), Restart.TRANSIENT, 0.1, 60.0))
    known, watcher = weakref.ref(group), Watcher()
    watcher.watch(group, print)  # there is no order after this one
    del group
    assert family[0].began.wait(LIMIT)
    family[0].ordered = True
    family[0].dies(0)
    deadline = time.monotonic() + LIMIT
    while known() is not None:
        assert time.monotonic() < deadline
        gc.collect()  # what these pipes raise refers to itself
        time.sleep(0.001)


def test_there_is_one_watcher_for_a_process():
    assert watcher_of_this_process() is watcher_of_this_process()


@pytest.mark.parametrize(
    'exitcode, cause, meant, state, expected',
    [
        (0, None, '', State.RUNNING, (End.NORMAL, 'Its process ended: in a test')),
        (0, None, '', State.STARTING, (End.ABNORMAL, 'Its process ended: in a test')),
        (1, None, '', State.RUNNING, (End.ABNORMAL, 'Its process ended: in a test')),
        (-9, None, '', State.RUNNING, (End.ABNORMAL, 'Its process ended: in a test')),
        (0, ValueError('x'), '', State.RUNNING, (End.ABNORMAL, 'what it said')),
        (1, ValueError('x'), '', State.STARTING, (End.ABNORMAL, 'what it said')),
        (0, None, 'ordered', State.RUNNING, (End.ORDERED, 'Its process ended: in a test')),
        (1, ValueError('x'), 'ordered', State.STARTING, (End.ORDERED, 'what it said')),
        (-9, None, 'planned', State.RUNNING, (End.PLANNED, 'Its process ended: in a test')),
        (1, ValueError('x'), 'planned', State.RUNNING, (End.PLANNED, 'what it said')),
        (0, None, 'planned ordered', State.RUNNING, (End.ORDERED, 'Its process ended: in a test')),
        (1, StartFailed('of one below'), '', State.STARTING, (End.ABNORMAL, 'of one below')),
    ],
)
def test_how_a_child_ended(exitcode, cause, meant, state, expected):
    child = Pipes([])
    child.exitcode, child.ordered, child.planned = exitcode, 'ordered' in meant, 'planned' in meant
    error = StartFailed('what it said', 'a')
    error.__cause__ = cause
    assert _end_of(child, error, state) == expected


def test_a_supervisor_that_has_given_up_says_so_itself():
    below = RestartsExceeded('low', 'a', 3, 5.0, 'the report')
    error = StartFailed('where it was noticed', 'low')
    error.__cause__ = below
    assert _end_of(Pipes([]), error, State.RUNNING) == (End.ABNORMAL, str(below))
