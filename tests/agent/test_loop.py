"""The main loop among wires that always have more, calls that call again and timers that are always due."""

import threading
from types import SimpleNamespace

from osbrain._agent import loop as module
from osbrain._io.poller import Bell

LIMIT = 5


def test_a_busy_socket_does_not_starve_timers(system):
    system.watch(system.wire(endless=True), lambda frames: system.count('messages'))
    system.timers.after(0, system.stop)
    system.loop.run()
    assert system.counted['messages'] <= 128


def test_a_busy_socket_does_not_starve_a_periodic_timer(system):
    system.watch(system.wire(endless=True), lambda frames: system.count('messages'))
    system.timers.every(0, lambda: system.count('ticks') or (system.counted['ticks'] == 10 and system.stop()))
    system.loop.run()
    assert system.counted['ticks'] == 10
    assert system.counted['messages'] <= 11 * 64


def test_a_busy_socket_does_not_starve_calls(system):
    def receive(frames):
        if not system.counted['messages']:
            system.mailbox.submit(system.stop)
        system.count('messages')

    system.watch(system.wire(endless=True), receive)
    system.loop.run()
    assert system.counted['messages'] <= 128


def test_a_busy_socket_does_not_starve_another_one(system):
    system.watch(system.wire(endless=True), lambda frames: system.count('busy'))
    system.watch(system.wire(['message']), lambda frames: system.stop())
    system.loop.run()
    assert system.counted['busy'] <= 128


def test_busy_sockets_share_the_time(system):
    for name in 'abc':
        system.watch(system.wire(endless=True), lambda frames, name=name: system.count(name))
    system.timers.every(0, lambda: system.count('rounds') or (system.counted['rounds'] == 20 and system.stop()))
    system.loop.run()
    shares = [system.counted[name] for name in 'abc']
    assert min(shares) >= 10
    assert max(shares) <= 20 * 64


def test_calls_that_call_again_starve_neither_timers_nor_sockets(system):
    def again():
        system.count('calls')
        if system.counted['calls'] == 10:
            system.stop()
        system.mailbox.submit(again)

    system.mailbox.submit(again)
    system.timers.after(0, lambda: system.count('timer'))
    system.watch(system.wire(['message']), lambda frames: system.count('message'))
    system.loop.run()
    assert (system.counted['timer'], system.counted['message']) == (1, 1)


def test_a_timer_of_period_zero_starves_neither_calls_nor_sockets(system):
    system.timers.every(0, lambda: system.count('ticks') or (system.counted['ticks'] == 10 and system.stop()))
    system.mailbox.submit(lambda: system.count('calls') or wire.arrive('another'))
    wire = system.watch(system.wire(['message']), lambda frames: system.count('messages'))
    system.loop.run()
    assert (system.counted['calls'], system.counted['messages']) == (1, 2)


def test_a_slow_handler_gives_way_before_its_socket_is_empty(system, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, 'monotonic', lambda: clock.now)
    handled = []

    def slow(frames):
        handled.append(frames)
        clock.now += 1.0

    wire = system.watch(system.wire(range(10)), slow)
    system.timers.every(0, lambda: system.count('rounds') or (system.counted['rounds'] == 3 and system.stop()))
    system.loop.run()
    assert handled == [0, 1, 2]
    assert list(wire.messages) == list(range(3, 10))


def test_every_message_of_a_burst_is_handled_in_order(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        if frames == 999:
            system.stop()

    system.watch(system.wire(range(1000)), receive)
    system.loop.run()
    assert handled == list(range(1000))


def test_stopping_leaves_the_rest_for_the_next_run(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        if frames in (2, 5):
            system.stop()

    system.watch(system.wire(range(6)), receive)
    system.loop.run()
    assert handled == [0, 1, 2]
    system.loop.keep_alive = True
    system.loop.run()
    assert handled == [0, 1, 2, 3, 4, 5]


def test_a_call_that_stops_the_loop_is_the_last_thing_it_does(system):
    system.mailbox.submit(lambda: wire.arrive('late') or system.stop())
    late = system.mailbox.submit(lambda: system.count('late'))
    system.timers.after(0, lambda: system.count('late'))
    wire = system.watch(system.wire(), lambda frames: system.count('late'))
    system.loop.run()
    assert system.counted['late'] == 0
    assert system.mailbox.next_job() is late
    assert list(wire.messages) == ['late']


def test_a_timer_that_stops_the_loop_is_the_last_thing_it_does_until_it_runs_again(system):
    system.timers.after(0, lambda: wire.arrive('message') or system.stop())
    system.timers.after(0, lambda: system.count('late') or system.stop())
    wire = system.watch(system.wire(), lambda frames: system.count('message'))
    system.loop.run()
    assert not system.counted
    system.loop.keep_alive = True
    system.loop.run()
    assert system.counted == {'message': 1, 'late': 1}


def test_a_handler_that_closes_its_socket_gets_no_more_of_its_messages(system):
    handled = []

    def receive(frames):
        handled.append(frames)
        system.loop.forget(wire)
        wire.closed = True
        system.timers.after(0, system.stop)

    wire = system.watch(system.wire(range(10)), receive)
    system.loop.run()
    assert handled == [0]


def test_a_message_that_arrives_while_the_loop_waits_is_handled(system):
    wire = system.watch(system.wire(), lambda frames: system.stop())
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
    wire = system.watch(system.wire(), lambda frames: system.stop())
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
    second = system.wire(['message'])
    system.watch(system.wire(['message']), lambda frames: system.watch(second, lambda frames: system.stop()))
    system.loop.run()
    assert system.counted['idle'] == 0


def test_touching_what_is_not_looked_after_does_nothing(system):
    system.patience = 0.001
    wire = system.wire(['message'])
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
    system.watch(system.wire(range(200)), handled.append)
    job = system.mailbox.submit(lambda: system.count('calls'))
    system.timers.after(0, lambda: system.count('timers'))
    system.loop.drain(LIMIT)
    assert handled == list(range(200))
    assert not system.counted
    assert system.mailbox.next_job() is job


def test_draining_ends_although_messages_do_not(system):
    system.watch(system.wire(endless=True), lambda frames: None)
    system.loop.drain(0.01)
    assert system.loop.thread is None


def test_the_loop_counts_what_each_endpoint_has_received(system):
    system.watch(system.wire(range(3)), lambda frames: frames == 2 and system.stop())
    ((_, endpoint),) = system.loop.watched()
    system.loop.run()
    assert endpoint.received == 3


def test_a_descriptor_that_is_no_wire_is_served_while_it_is_watched(system):
    bell = Bell()
    served = []

    def serve():
        bell.silence()
        served.append(True)
        system.loop.forget_descriptor(bell.fd)
        bell.ring()  # nobody looks any more

    system.loop.watch_descriptor(bell.fd, serve)
    bell.ring()
    system.timers.after(0.02, system.stop)
    system.loop.run()
    assert served == [True]


def test_a_socket_that_another_thread_opens_while_the_loop_begins_is_looked_after(system, monkeypatch):
    wire = system.wire(['message'])
    opening = threading.Thread(target=system.watch, args=(wire, lambda frames: system.stop()))

    class Beginning(module.Poller):
        def add(self, fd):
            super().add(fd)
            if opening.ident is None:
                opening.start()
                opening.join(0.05)  # it gets as far as it can before the loop has begun

    monkeypatch.setattr(module, 'Poller', Beginning)
    system.loop.run()
    opening.join(LIMIT)
    assert not opening.is_alive()
    assert system.counted['idle'] == 0
