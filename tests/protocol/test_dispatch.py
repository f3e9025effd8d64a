"""Who gets which task: decided from numbers alone, so every case can be written down, and many made up."""

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from osbrain._protocol.dispatch import Dispatch


class Desk:
    """A dispatch with a clock that stands still, and what it has handed out."""

    def __init__(self, workers=(), tasks=0, **terms):
        self.dispatch = Dispatch(**{'ack_wait': 10.0, 'max_attempts': 3, **terms})
        self.now = 0.0
        self.numbers = iter(range(1, 1_000_000))
        self.handed_out = []
        for key, prefetch in workers:
            self.dispatch.join(key, prefetch, self.now)
        self.add(tasks)

    def add(self, count=1):
        for _ in range(count):
            self.dispatch.add(next(self.numbers), b'body', self.now)
        return self.hand_out()

    def hand_out(self):
        """Hand out what can be; worker to numbers."""
        out = {
            worker.key: [task.number for task in tasks] for worker, tasks in self.dispatch.hand_out(self.now).items()
        }
        self.handed_out.append(out)
        return out

    def done(self, *numbers):
        closed = self.dispatch.done(numbers, self.now)
        self.hand_out()
        return closed

    def windows(self):
        return {key: list(worker.window) for key, worker in self.dispatch.workers.items()}

    def attempts(self, number):
        return self.dispatch.tasks[number].attempts

    def failures(self, number):
        return self.dispatch.tasks[number].failures


def test_tasks_wait_until_there_is_a_worker():
    desk = Desk(tasks=3)
    assert desk.dispatch.pending(5.0, None)[:3] == (3, 0, ())
    desk.dispatch.join('a', 2, desk.now)
    assert desk.hand_out() == {'a': [1, 2]}


def test_a_window_holds_as_many_tasks_as_its_worker_asked_for():
    desk = Desk([('a', 2), ('b', 3)], tasks=10)
    assert {key: len(window) for key, window in desk.windows().items()} == {'a': 2, 'b': 3}


def test_the_least_loaded_worker_comes_first():
    desk = Desk([('a', 8), ('b', 8)], tasks=4)
    assert desk.windows() == {'a': [1, 3], 'b': [2, 4]}
    desk.done(2, 4)
    assert desk.add(2) == {'b': [5, 6]}
    assert desk.add(1) in ({'a': [7]}, {'b': [7]})


def test_a_slow_worker_does_not_collect_what_a_fast_one_could_do():
    desk = Desk([('slow', 2), ('fast', 2)], tasks=100)
    while len(desk.dispatch.tasks) > 2:
        desk.done(*desk.windows()['fast'])
    assert desk.windows()['slow'] == [1, 3]


def test_what_is_done_is_done_once():
    desk = Desk([('a', 8)], tasks=2)
    assert desk.done(1, 1, 2, 99) == [1, 2]
    assert desk.done(1) == []
    assert desk.dispatch.pending(0.0, lambda key: (key, 0))[:2] == (0, 0)


def test_what_a_dead_worker_had_goes_to_others_one_by_one_and_nothing_is_blamed():
    desk = Desk([('a', 3)], tasks=4)
    assert desk.dispatch.died('a', 'it died', desk.now) == []
    desk.dispatch.join('b', 4, desk.now)
    for number in (1, 2, 3):
        desk.hand_out()
        assert desk.windows() == {'b': [number]}  # alone: if this worker dies too, it is known why
        assert (desk.failures(number), desk.attempts(number)) == (0, 2)
        desk.done(number)
    assert desk.windows() == {'b': [4]}


def test_a_single_task_is_blamed_for_the_death_of_its_worker():
    desk = Desk([('a', 4)], tasks=1)
    (task,) = desk.dispatch.died('a', 'it died', desk.now)
    assert (task.number, task.failures, task.error) == (1, 1, 'it died')


def test_many_suspects_wait_until_a_worker_is_free_for_them():
    desk = Desk([('a', 50)], tasks=50)
    desk.dispatch.died('a', 'it died', desk.now)
    for key in 'bc':
        desk.dispatch.join(key, 50, desk.now)
    desk.hand_out()
    for _ in range(25):
        windows = desk.windows()
        assert [len(window) for window in windows.values()] == [1, 1]
        desk.done(*windows['b'], *windows['c'])
    assert desk.dispatch.done_count == 50


def test_an_innocent_task_in_the_window_of_workers_that_die_is_never_given_up():
    desk = Desk(max_attempts=1)
    for life in range(40):
        desk.dispatch.join(life, 8, desk.now)
        desk.add(4)
        while len(desk.windows()[life]) < 2:
            desk.done(*desk.windows()[life])
        desk.dispatch.died(life, 'it died', desk.now)
    assert desk.dispatch.failed_count == 0
    assert desk.dispatch.done_count == 39 * 4


def test_a_task_that_kills_its_workers_is_given_up_and_no_other_one():
    desk = Desk(tasks=20, max_attempts=3)
    for life in range(100):
        desk.dispatch.join(life, 4, desk.now)
        desk.hand_out()
        while desk.windows()[life] and desk.windows()[life][0] != 10:
            # Task 10 kills its worker before what was done just before it has been acknowledged.
            window = desk.windows()[life]
            if len(window) > 1 and window[1] == 10:
                break
            desk.done(window[0])
        if not desk.dispatch.tasks:
            break
        desk.dispatch.died(life, 'it died', desk.now)
    assert [task.number for task in desk.dispatch.given_up()] == [10]
    assert desk.dispatch.done_count == 19


def test_a_failing_task_goes_to_another_worker_if_there_is_one():
    desk = Desk([('a', 1), ('b', 1)], tasks=2)
    desk.dispatch.failed('a', 1, 'ValueError: x', desk.now)
    assert desk.hand_out() == {}
    desk.done(2)
    assert desk.windows() == {'a': [], 'b': [1]}


def test_a_failing_task_goes_to_the_same_worker_if_there_is_no_other():
    desk = Desk([('a', 1)], tasks=1)
    for attempt in (2, 3):
        desk.dispatch.failed('a', 1, 'ValueError: x', desk.now)
        assert desk.hand_out() == {'a': [1]}
        assert desk.attempts(1) == attempt
    desk.dispatch.failed('a', 1, 'ValueError: last', desk.now)
    (task,) = desk.dispatch.given_up()
    assert (task.number, task.failures, task.error) == (1, 3, 'ValueError: last')
    assert desk.dispatch.given_up() == []
    assert not desk.dispatch.tasks


def test_while_a_failing_task_waits_for_another_worker_new_ones_are_not_held_up():
    desk = Desk([('a', 1), ('b', 1)], tasks=3)
    desk.dispatch.failed('a', 1, 'x', desk.now)
    assert desk.hand_out() == {'a': [3]}


def test_a_failure_of_a_task_that_somebody_else_has_by_now_says_nothing():
    desk = Desk([('a', 1), ('b', 1)], tasks=1)
    desk.now = 20.0
    desk.dispatch.expire(desk.now)
    desk.hand_out()
    assert desk.dispatch.failed('a', 1, 'late', desk.now) is None
    assert desk.windows() == {'a': [], 'b': [1]}


def test_time_runs_for_the_first_of_a_window_from_when_it_became_the_first():
    desk = Desk([('a', 3)], tasks=3)
    desk.now = 9.0
    desk.done(1)
    assert desk.dispatch.next_due() == 19.0
    desk.now = 15.0
    assert desk.dispatch.expire(desk.now) == ([], [])
    desk.now = 19.0
    silent, blamed = desk.dispatch.expire(desk.now)
    assert (silent, blamed) == (['a'], [])
    assert desk.windows() == {'a': []}


def test_a_worker_that_did_not_answer_gets_nothing_until_it_says_hello():
    desk = Desk([('a', 2)], tasks=3)
    desk.now = 10.0
    desk.dispatch.expire(desk.now)
    assert desk.hand_out() == {}
    desk.dispatch.join('a', 2, desk.now)
    assert desk.hand_out() == {'a': [1]}


def test_a_late_answer_is_taken_if_the_task_is_not_done_yet():
    desk = Desk([('a', 1), ('b', 1)], tasks=1)
    desk.now = 10.0
    desk.dispatch.expire(desk.now)
    desk.hand_out()
    assert desk.done(1) == [1]  # whoever said it
    assert desk.windows() == {'a': [], 'b': []}
    assert desk.done(1) == []


def test_a_late_answer_frees_the_worker_that_was_kept_for_the_task():
    desk = Desk([('a', 1), ('b', 1)], tasks=3)
    (blamed,) = desk.dispatch.died('a', 'x', desk.now)
    assert blamed.number == 1
    assert desk.hand_out() == {}  # b is busy with 2, and kept for 1
    desk.done(1)
    desk.done(2)
    assert desk.windows() == {'b': [3]}


def test_what_is_handed_back_was_never_delivered():
    desk = Desk([('a', 2)], tasks=2)
    desk.dispatch.pause('a', desk.now)
    assert [desk.attempts(number) for number in (1, 2)] == [0, 0]
    assert desk.hand_out() == {}
    desk.dispatch.join('a', 2, desk.now)
    assert desk.hand_out() == {'a': [1, 2]}
    assert desk.dispatch.repeats == 0


def test_what_was_interrupted_was_delivered_and_is_not_blamed():
    desk = Desk([('a', 2)], tasks=2)
    desk.dispatch.released('a', 1, desk.now)
    assert (desk.failures(1), desk.attempts(1)) == (0, 1)
    assert desk.hand_out() == {'a': [1]}


def test_a_worker_that_leaves_is_forgotten():
    desk = Desk([('a', 2)], tasks=1)
    desk.dispatch.leave('a', desk.now)
    assert desk.dispatch.workers == {}
    assert desk.dispatch.pending(0.0, None).waiting == 1


@pytest.mark.parametrize('call', ['pause', 'leave', 'lost_touch'])
def test_nothing_is_known_of_strangers(call):
    desk = Desk(tasks=1)
    getattr(desk.dispatch, call)('stranger', 0.0)
    desk.dispatch.released('stranger', 1, 0.0)
    assert desk.dispatch.failed('stranger', 1, 'x', 0.0) is None
    assert desk.dispatch.died('stranger', 'x', 0.0) == []


def test_there_is_room_up_to_the_limit():
    desk = Desk(limit=3)
    assert desk.dispatch.room == 3
    desk.add(3)
    assert desk.dispatch.room == 0
    desk.done(2)
    assert desk.dispatch.room == 1
    assert Desk().dispatch.room == math.inf


def test_nobody_is_late_where_work_takes_as_long_as_it_takes():
    desk = Desk([('a', 1)], tasks=1, ack_wait=math.inf)
    assert desk.dispatch.next_due() is None
    assert desk.dispatch.expire(1e9) == ([], [])


def test_pending_tells_who_has_what():
    desk = Desk([('a', 2)], tasks=3)
    desk.now = 4.0
    found = desk.dispatch.pending(desk.now, lambda key: (key, 77))
    assert found._asdict() == {
        'waiting': 1,
        'at_workers': 2,
        'workers': (('a', 77, 2, 2, True),),
        'done': 0,
        'failed': 0,
        'repeats': 0,
        'oldest': 4.0,
    }


class Machine(RuleBasedStateMachine):
    """Anything may happen in any order; what must hold is checked after every step."""

    workers = Bundle('workers')

    def __init__(self):
        super().__init__()
        self.dispatch = Dispatch(limit=None, ack_wait=10.0, max_attempts=3)
        self.now = 0.0
        self.sent = 0
        self.names = 0
        self.done_tasks, self.given_up, self.first = set(), set(), []

    @rule(target=workers, prefetch=st.integers(1, 4))
    def join(self, prefetch):
        self.names += 1
        self.dispatch.join(self.names, prefetch, self.now)
        return self.names

    @rule(count=st.integers(1, 6))
    def send(self, count):
        for _ in range(count):
            self.sent += 1
            self.dispatch.add(self.sent, b'', self.now)

    @rule(worker=workers, count=st.integers(1, 4))
    def answer(self, worker, count):
        found = self.dispatch.workers.get(worker)
        self.done_tasks.update(self.dispatch.done(list(found.window)[:count] if found else [], self.now))

    @rule(data=st.data())
    def answer_late(self, data):
        if self.dispatch.tasks:
            number = data.draw(st.sampled_from(sorted(self.dispatch.tasks)))
            self.done_tasks.update(self.dispatch.done([number], self.now))

    @rule(worker=workers, data=st.data())
    def fail(self, worker, data):
        found = self.dispatch.workers.get(worker)
        if found and found.window:
            self.dispatch.failed(worker, data.draw(st.sampled_from(sorted(found.window))), 'x', self.now)

    @rule(worker=workers)
    def pause(self, worker):
        self.dispatch.pause(worker, self.now)

    @rule(worker=workers, prefetch=st.integers(1, 4))
    def resume(self, worker, prefetch):
        self.dispatch.join(worker, prefetch, self.now)

    @rule(target=workers, worker=consumes(workers), how=st.sampled_from(['leave', 'lost_touch']))
    def leave(self, worker, how):
        getattr(self.dispatch, how)(worker, self.now)
        return multiple()

    @rule(target=workers, worker=consumes(workers))
    def die(self, worker):
        self.dispatch.died(worker, 'x', self.now)
        return multiple()

    @rule(seconds=st.floats(0, 8))
    def wait(self, seconds):
        self.now += seconds
        self.dispatch.expire(self.now)

    @rule()
    def hand_out(self):
        out = self.dispatch.hand_out(self.now)
        assert all(worker.ready for worker in out)
        given = {task.number for tasks in out.values() for task in tasks if task.attempts == 1}
        self.first += sorted(given.difference(self.first))

    @invariant()
    def nothing_is_lost(self):
        self.given_up.update(task.number for task in self.dispatch.given_up())
        everything = [*self.dispatch.tasks, *self.done_tasks, *self.given_up]
        assert sorted(everything) == list(range(1, self.sent + 1))

    @invariant()
    def a_task_is_at_one_worker_at_most_and_windows_hold(self):
        at = [number for worker in self.dispatch.workers.values() for number in worker.window]
        assert len(set(at)) == len(at)
        for worker in self.dispatch.workers.values():
            assert all(task.at is worker and task.open for task in worker.window.values())
            assert not worker.window or worker.ready
            # Who comes again with a smaller window may be given less than it had, never more.
            assert len(worker.window) <= worker.prefetch
        found = self.dispatch.pending(self.now, lambda key: (str(key), 0))
        assert found.at_workers == len(at)
        assert found.waiting + found.at_workers == len(self.dispatch.tasks)

    @invariant()
    def a_suspect_is_alone(self):
        for worker in self.dispatch.workers.values():
            assert len(worker.window) == 1 or not any(task.suspect for task in worker.window.values())

    @invariant()
    def first_deliveries_are_in_the_order_of_sending(self):
        assert self.first == sorted(self.first)

    @invariant()
    def workers_are_listed_where_they_belong(self):
        listed = {worker: load for load, bucket in enumerate(self.dispatch._room.buckets) for worker in bucket}
        for worker in self.dispatch.workers.values():
            free = worker.ready and worker.hold is None and len(worker.window) < worker.prefetch
            assert (worker in listed) == free
            assert listed.get(worker, len(worker.window)) == len(worker.window)
        assert set(listed) <= set(self.dispatch.workers.values())

    def teardown(self):
        """Whatever has happened, one good worker gets everything done."""
        for key in list(self.dispatch.workers):
            self.dispatch.leave(key, self.now)
        self.dispatch.join('good', 3, self.now)
        for _ in range(3 * self.sent + 3):
            self.hand_out()
            self.answer('good', 4)
        self.nothing_is_lost()
        assert not self.dispatch.tasks


TestMachine = Machine.TestCase
