"""The main loop among wires that always have more, calls that call again and timers that are always due."""

import threading
from collections import Counter, deque
from types import SimpleNamespace

import pytest

from osbrain._agent import loop as module
from osbrain._agent.loop import Loop
from osbrain._agent.mailbox import Mailbox
from osbrain._agent.timers import Timers
from osbrain._io.poller import Bell

LIMIT = 5
ENOUGH = 5_000  # a loop that has done so much without doing the rest starves it


class Wire:
    """A wire full of messages; its bell is its descriptor."""

    def __init__(self, messages=(), endless=False):
        self.bell = Bell()
        self.fd = self.bell.fd
        self.messages = deque(messages)
        self.endless = endless
        self.closed = False

    def arrive(self, *messages):
        self.messages.extend(messages)
        self.bell.ring()

    def take(self, limit):
        self.bell.silence()
        if self.endless:
            return ['more'] * limit, True
        taken = [self.messages.popleft() for _ in range(min(limit, len(self.messages)))]
        return taken, bool(self.messages)

    def put_back(self, messages):
        self.messages.extendleft(reversed(messages))


class System:
    """A loop with an owner that only counts."""

    def __init__(self):
        self.mailbox = Mailbox('a0')
        self.timers = Timers('a0', self.mailbox.ring)
        self.loop = Loop(self, self.mailbox, self.timers)
        self.mailbox.open()
        self.counted = Counter()
        self.patience = LIMIT

    def guarded(self, action, *args):
        action(*args)

    def run_job(self, job):
        job.finish(job.action())

    def idle(self):
        self.counted['idle'] += 1
        self.stop()

    def poll_seconds(self):
        return self.patience

    def stop(self):
        self.loop.keep_alive = False

    def watch(self, wire, receive):
        self.loop.watch(wire, SimpleNamespace(received=0, receive=receive))
        return wire

    def count(self, what):
        """Count, and give up on a loop that never gets to anything else."""
        self.counted[what] += 1
        if self.counted[what] > ENOUGH:
            self.stop()


@pytest.fixture
def system():
    return System()


def test_a_busy_socket_does_not_starve_timers(system):
    system.watch(Wire(endless=True), lambda frames: system.count('messages'))
    system.timers.after(0, system.stop)
    system.loop.run()
    assert system.counted['messages'] <= 128


def test_a_busy_socket_does_not_starve_a_periodic_timer(system):
    system.watch(Wire(endless=True), lambda frames: system.count('messages'))
    system.timers.every(0, lambda: system.count('ticks') or (system.counted['ticks'] == 10 and system.stop()))
    system.loop.run()
    assert system.counted['ticks'] == 10
    assert system.counted['messages'] <= 11 * 64


def test_a_busy_socket_does_not_starve_calls(system):
    def receive(frames):
        if not system.counted['messages']:
            system.mailbox.submit(system.stop)
        system.count('messages')

    system.watch(Wire(endless=True), receive)
    system.loop.run()
    assert system.counted['messages'] <= 128


def test_a_busy_socket_does_not_starve_another_one(system):
    system.watch(Wire(endless=True), lambda frames: system.count('busy'))
    system.watch(Wire(['message']), lambda frames: system.stop())
    system.loop.run()
    assert system.counted['busy'] <= 128


def test_busy_sockets_share_the_time(system):
    for name in 'abc':
        system.watch(Wire(endless=True), lambda frames, name=name: system.count(name))
    system.timers.every(0, lambda: system.count('rounds') or (system.counted['rounds'] == 20 and system.stop()))
    system.loop.run()
    shares = [system.counted[name] for name in 'abc']
    assert min(shares) >= 10
    assert max(shares) <= 20 * 64


def test_calls_that_call_again_starve_neither_timers_nor_sockets(system):
    def again():
        system.count('calls')
        system.mailbox.submit(again)

    system.mailbox.submit(again)
    system.timers.after(0, lambda: system.count('timer'))
    system.watch(Wire(['message']), lambda frames: system.stop())
    system.loop.run()
    assert system.counted['timer'] == 1
    assert system.counted['calls'] < 10


def test_a_timer_of_period_zero_starves_neither_calls_nor_sockets(system):
    system.timers.every(0, lambda: system.count('ticks'))
    system.mailbox.submit(lambda: system.count('calls'))
    system.watch(Wire(['message']), lambda frames: system.stop())
    system.loop.run()
    assert system.counted['calls'] == 1
    assert system.counted['ticks'] < 10


def test_a_slow_handler_gives_way_before_its_socket_is_empty(system, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, 'monotonic', lambda: clock.now)
    handled = []

    def slow(frames):
        handled.append(frames)
        clock.now += 1.0

    wire = system.watch(Wire(range(10)), slow)
    system.timers.every(0, lambda: system.count('rounds') or (system.counted['rounds'] == 4 and system.stop()))
    system.loop.run()
    assert handled == [0, 1, 2]
    assert list(wire.messages) == list(range(3, 10))


def test_every_message_of_a_burst_is_handled_in_order(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        if frames == 999:
            system.stop()

    system.watch(Wire(range(1000)), receive)
    system.loop.run()
    assert handled == list(range(1000))


def test_stopping_leaves_the_rest_for_the_next_run(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        if frames in (2, 5):
            system.stop()

    system.watch(Wire(range(6)), receive)
    system.loop.run()
    assert handled == [0, 1, 2]
    system.loop.keep_alive = True
    system.loop.run()
    assert handled == [0, 1, 2, 3, 4, 5]


def test_a_call_that_stops_the_loop_is_the_last_thing_it_does(system):
    system.mailbox.submit(system.stop)
    late = system.mailbox.submit(lambda: system.count('late'))
    system.timers.after(0, lambda: system.count('late'))
    system.watch(Wire(['message']), lambda frames: system.count('late'))
    system.loop.run()
    assert system.counted['late'] == 0
    assert system.mailbox.next_job() is late


def test_a_timer_that_stops_the_loop_is_the_last_thing_it_does_until_it_runs_again(system):
    system.timers.after(0, system.stop)
    system.timers.after(0, lambda: system.count('late') or system.stop())
    system.watch(Wire(['message']), lambda frames: system.count('message'))
    system.loop.run()
    assert not system.counted
    system.loop.keep_alive = True
    system.loop.run()
    assert system.counted == {'late': 1}


def test_a_handler_that_closes_its_socket_gets_no_more_of_its_messages(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        system.loop.forget(wire)
        wire.closed = True
        system.timers.after(0, system.stop)

    wire = system.watch(Wire(range(10)), receive)
    system.loop.run()
    assert handled == [0]


def test_a_message_that_arrives_while_the_loop_waits_is_handled(system):
    wire = system.watch(Wire(), lambda frames: system.stop())
    sender = threading.Timer(0, wire.arrive, args=['message'])
    sender.start()
    system.loop.run()
    sender.join()


def test_a_call_from_another_thread_ends_the_wait(system):
    caller = threading.Thread(target=lambda: system.mailbox.submit(system.stop).wait(LIMIT))
    caller.start()
    system.loop.run()
    caller.join(LIMIT)
    assert not caller.is_alive()
    assert system.counted['idle'] == 0


def test_a_timer_from_another_thread_ends_the_wait(system):
    starter = threading.Thread(target=lambda: system.timers.after(0, system.stop))
    starter.start()
    system.loop.run()
    starter.join()
    assert system.counted['idle'] == 0


def test_a_wire_that_another_thread_has_touched_is_looked_at(system):
    wire = system.watch(Wire(), lambda frames: system.stop())
    touched = threading.Event()

    def touch():
        touched.wait(LIMIT)
        wire.messages.append('without news')
        system.loop.touched(wire)

    other = threading.Thread(target=touch)
    other.start()
    # By then the wire has had its first look.
    system.timers.after(0.01, touched.set)
    system.loop.run()
    other.join()
    assert system.counted['idle'] == 0


def test_a_socket_opened_by_a_handler_is_looked_after(system):
    second = Wire(['message'])
    system.watch(Wire(['message']), lambda frames: system.watch(second, lambda frames: system.stop()))
    system.loop.run()
    assert system.counted['idle'] == 0


def test_touching_what_is_not_looked_after_does_nothing(system):
    system.patience = 0.001
    wire = Wire(['message'])
    system.loop.touched(wire)
    system.loop.forget(wire)
    system.loop.run()
    assert system.counted['idle'] == 1
    assert list(wire.messages) == ['message']


def test_without_any_event_the_agent_is_idle(system):
    system.patience = 0.001
    system.loop.run()
    assert system.counted['idle'] == 1


def test_the_patience_is_asked_for_each_time(system):
    asked = []

    def patience():
        asked.append(True)
        if len(asked) == 3:
            system.stop()
        return 0.001

    system.idle = lambda: None
    system.poll_seconds = patience
    system.loop.run()
    assert len(asked) == 3


def test_a_timer_that_is_due_before_is_no_idleness(system):
    system.patience = LIMIT
    system.timers.every(0.001, lambda: system.count('ticks') or (system.counted['ticks'] == 5 and system.stop()))
    system.loop.run()
    assert system.counted['idle'] == 0


def test_a_timer_that_is_due_later_does_not_hide_idleness(system):
    system.patience = 0.001
    system.timers.after(LIMIT, system.stop)
    system.loop.run()
    assert system.counted['idle'] == 1


def test_draining_handles_what_has_been_received_and_nothing_else(system):
    handled = []
    system.watch(Wire(range(200)), handled.append)
    job = system.mailbox.submit(lambda: system.count('calls'))
    system.timers.after(0, lambda: system.count('timers'))
    system.loop.drain(LIMIT)
    assert handled == list(range(200))
    assert not system.counted
    assert system.mailbox.next_job() is job


def test_draining_ends_although_messages_do_not(system):
    system.watch(Wire(endless=True), lambda frames: None)
    system.loop.drain(0.01)
    assert system.loop.thread is None


def test_the_loop_counts_what_each_endpoint_has_received(system):
    system.watch(Wire(range(3)), lambda frames: frames == 2 and system.stop())
    ((_, endpoint),) = system.loop.watched()
    system.loop.run()
    assert endpoint.received == 3
