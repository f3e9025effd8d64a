"""What happens in one turn of a socket: batches are taken apart, failures take nothing with them, no touch is lost."""

import threading

import pytest

from osbrain._protocol.flow import Flow

LIMIT = 5


# -- Batches --------------------------------------------------------------------------------------------------------


def test_a_batch_is_handed_out_message_by_message_in_its_place(system):
    handled = []
    system.watch(system.wire([0, [1, 2], 3, [], [4]]), handled.append)
    ((_, endpoint),) = system.loop.watched()
    system.run_until_idle()
    assert handled == [0, 1, 2, 3, 4]
    assert endpoint.received == 5


def test_timers_and_calls_have_their_turn_within_a_batch(system, clock_of_turns):
    done = []

    def slow(frames):
        done.append(frames)
        clock_of_turns.now += 1.0
        if frames == 0:
            system.mailbox.submit(lambda: done.append('call'))

    system.timers.every(0, lambda: done.append('tick') or (done.count('tick') == 4 and system.stop()))
    system.watch(system.wire([[0, 1, 2, 3, 4]]), slow)
    system.loop.run()
    assert done == [0, 'call', 'tick', 1, 'tick', 2, 'tick', 3, 'tick']


def test_other_sockets_have_their_turn_within_a_batch(system, clock_of_turns):
    done = []

    def slow(frames):
        done.append(frames)
        clock_of_turns.now += 1.0

    system.watch(system.wire([['a1', 'a2', 'a3']]), slow)
    system.watch(system.wire([['b1', 'b2', 'b3']]), slow)
    system.run_until_idle()
    assert done == ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']


def test_the_rest_of_a_batch_comes_before_what_has_arrived_since(system, clock_of_turns):
    done = []

    def slow(frames):
        done.append(frames)
        clock_of_turns.now += 1.0
        if frames == 0:
            wire.arrive(3, [4, 5])

    wire = system.watch(system.wire([[0, 1, 2]]), slow)
    system.run_until_idle()
    assert done == [0, 1, 2, 3, 4, 5]


def test_stopping_in_the_middle_of_a_batch_keeps_the_rest_for_the_next_run(system):
    done = []

    def receive(frames):
        done.append(frames)
        if frames == 1:
            system.stop()

    system.watch(system.wire([[0, 1, 2], 3]), receive)
    ((_, endpoint),) = system.loop.watched()
    system.loop.run()
    assert (done, endpoint.received) == ([0, 1], 2)
    system.run_until_idle()
    assert (done, endpoint.received) == ([0, 1, 2, 3], 4)


def test_a_handler_that_closes_its_socket_gets_no_more_of_the_batch(system):
    done = []

    def receive(frames):
        done.append(frames)
        system.loop.forget(wire)
        wire.closed = True

    wire = system.watch(system.wire([[0, 1, 2], 3]), receive)
    system.run_until_idle()
    assert done == [0]
    assert list(wire.messages) == []


def test_draining_takes_batches_apart_too(system):
    done = []
    system.watch(system.wire([[number, -number] for number in range(200)]), done.append)
    system.loop.drain(LIMIT)
    assert done == [sign * number for number in range(200) for sign in (1, -1)]


def test_each_endpoint_says_how_much_it_takes_at_once(system):
    limits = []

    class Wire(type(system.wire())):
        def take(self, limit):
            limits.append(limit)
            return super().take(limit)

    system.watch(Wire(['message']), lambda frames: None, turn=7)
    system.run_until_idle()
    assert set(limits) == {7}


def test_where_the_newest_counts_only_that_is_handed_out_and_all_are_counted(system):
    done = []
    system.watch(system.wire([0, [1, 2], 3, [4, 5]]), done.append, flow=Flow(conflate=True))
    ((_, endpoint),) = system.loop.watched()
    system.run_until_idle()
    assert (done, endpoint.received) == ([5], 6)


# -- Failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('messages', [[0, 1, 2, 3], [[0, 1, 2, 3]], [[0, 1], [2, 3]]], ids=repr)
def test_a_message_whose_handler_fails_takes_no_other_with_it(patient, messages):
    done = []

    def receive(frames):
        done.append(frames)
        if frames in (1, 2):
            raise ValueError(frames)

    patient.watch(patient.wire(messages), receive)
    ((_, endpoint),) = patient.loop.watched()
    patient.run_until_idle()
    assert done == [0, 1, 2, 3]
    assert patient.raised_by == [('1', endpoint), ('2', endpoint)]
    assert endpoint.received == 4


def test_all_of_many_failures_are_dealt_with(patient):
    def receive(frames):
        raise ValueError(frames)

    patient.watch(patient.wire([list(range(300))]), receive)
    patient.run_until_idle()
    assert [error for error, _ in patient.raised_by] == [str(number) for number in range(300)]


def test_a_handler_of_lists_gets_what_was_there_whole_however_long_that_takes(patient, clock_of_turns):
    """Handing a message out is to note it; a machine that is busy elsewhere must not cut the list."""
    done = []

    def receive(frames):
        done.append(frames)
        clock_of_turns.now += 1.0

    wire = patient.wire([list(range(10))])
    patient.watch(wire, receive)
    patient.loop.watched()[0][1].gathers = True
    patient.timers.every(0, lambda: done.append('tick') or (done.count('tick') == 2 and patient.stop()))
    patient.loop.run()
    assert done.index('tick') == 10


def test_handlers_that_fail_slowly_give_way_too(patient, clock_of_turns):
    done = []

    def receive(frames):
        done.append(frames)
        clock_of_turns.now += 1.0
        raise ValueError(frames)

    patient.watch(patient.wire([list(range(10))]), receive)
    patient.timers.every(0, lambda: done.append('tick') or (done.count('tick') == 2 and patient.stop()))
    patient.loop.run()
    assert done.index('tick') <= 2
    assert len(done) <= 6


def test_a_failure_that_stops_the_loop_keeps_the_rest(patient):
    done = []

    def receive(frames):
        done.append(frames)
        if frames == 1:
            raise ValueError(frames)

    patient.raised = lambda error, by: patient.stop()
    patient.watch(patient.wire([[0, 1, 2], 3]), receive)
    patient.loop.run()
    assert done == [0, 1]
    patient.run_until_idle()
    assert done == [0, 1, 2, 3]


def test_a_handler_that_closes_its_socket_and_fails_gets_no_more(patient):
    done = []

    def receive(frames):
        done.append(frames)
        patient.loop.forget(wire)
        wire.closed = True
        raise ValueError(frames)

    wire = patient.watch(patient.wire([[0, 1, 2], 3]), receive)
    patient.run_until_idle()
    assert done == [0]
    assert len(patient.raised_by) == 1


def test_a_failure_while_draining_takes_nothing_with_it(patient):
    done = []

    def receive(frames):
        done.append(frames)
        raise ValueError(frames)

    patient.loop.keep_alive = False
    patient.watch(patient.wire([0, [1, 2]]), receive)
    patient.loop.drain(LIMIT)
    assert done == [0, 1, 2]


# -- Threads that use a socket while the loop looks at it -----------------------------------------------------------


def in_another_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_a_touch_right_after_the_loop_has_looked_is_not_lost(system):
    handled = []

    class Wire(type(system.wire())):
        looked = 0

        def has_news(self):
            self.looked += 1
            if self.looked == 1:
                # Its news is swallowed: nothing but the touch tells of the message.
                in_another_thread(lambda: self.messages.append('message') or system.loop.touched(self))
                return False
            return super().has_news()

    system.watch(Wire(), handled.append)
    system.run_until_idle()
    assert handled == ['message']


def test_another_wire_may_be_touched_while_the_loop_looks(system):
    handled = []
    other = system.wire()

    class Wire(type(other)):
        looked = 0

        def has_news(self):
            self.looked += 1
            if self.looked == 1:
                in_another_thread(lambda: other.messages.append('message') or system.loop.touched(other))
            return False

    system.watch(other, handled.append)  # is looked at before
    system.watch(Wire(), handled.append)
    system.run_until_idle()
    assert handled == ['message']


def test_a_touch_while_messages_are_taken_is_not_lost(system):
    handled = []

    class Wire(type(system.wire())):
        def take(self, limit):
            taken = super().take(limit)
            if taken[0] == ['first']:
                in_another_thread(lambda: self.messages.append('second') or system.loop.touched(self))
            return taken

    system.watch(Wire(['first']), handled.append)
    system.run_until_idle()
    assert handled == ['first', 'second']


def test_a_wire_that_was_marked_is_marked_no_more_once_it_is_looked_at(system):
    wire = system.watch(system.wire(['message']), lambda frames: None)
    assert wire.watched and wire.marked
    system.run_until_idle()
    assert not wire.marked
    system.loop.touched(wire)
    assert wire.marked
    system.loop.forget(wire)
    assert not wire.watched
