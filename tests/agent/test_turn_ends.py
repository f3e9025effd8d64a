"""The end of a turn: lists are handed over there, or kept for the next run when the loop was stopped."""

import pytest

LIMIT = 5


def gathering(system, done, **options):
    """Watch a wire whose messages are handed over in lists."""
    kept = []

    def hand_over():
        done.append(list(kept))
        kept.clear()

    def receive(frames):
        if not kept:
            system.loop.at_turn_end(hand_over)
        kept.append(frames)

    return receive


def test_lists_are_handed_over_when_their_turn_ends_and_before_anything_else(system):
    done = []
    system.watch(system.wire([0, [1, 2], 3]), gathering(system, done))
    system.watch(system.wire(['other']), done.append)
    system.mailbox.submit(lambda: done.append('call'))
    system.timers.after(0, lambda: done.append('timer'))
    system.run_until_idle()
    assert done == [[0, 1, 2, 3], 'other', 'call', 'timer']


def test_a_turn_that_runs_out_of_time_ends_with_a_shorter_list(system, clock_of_turns):
    done = []
    gather = gathering(system, done)

    def slow(frames):
        gather(frames)
        clock_of_turns.now += 0.0015

    system.watch(system.wire([[0, 1, 2, 3, 4]]), slow)
    system.run_until_idle()
    assert done == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize('messages', [[0, 1], [[0, 1]]], ids=repr)
def test_lists_are_kept_when_the_loop_is_stopped_and_handed_over_when_it_runs_again(system, messages):
    done = []
    gather = gathering(system, done)

    def receive(frames):
        gather(frames)
        if frames == 1:
            system.stop()

    system.watch(system.wire(messages), receive)
    system.loop.run()
    assert done == []
    system.run_until_idle()
    assert done == [[0, 1]]
    assert system.counted['idle'] == 1


def test_messages_that_arrive_before_it_runs_again_join_the_list_that_was_kept(system):
    done = []
    gather = gathering(system, done)

    def receive(frames):
        gather(frames)
        if frames == 1:
            system.stop()

    wire = system.watch(system.wire([[0, 1, 2]]), receive)
    system.loop.run()
    wire.arrive(3)
    system.run_until_idle()
    assert done == [[0, 1, 2, 3]]


def test_lists_that_were_kept_are_handed_over_although_their_socket_was_closed(system):
    done = []
    gather = gathering(system, done)
    wire = system.watch(system.wire([0]), lambda frames: gather(frames) or system.stop())
    system.loop.run()
    system.loop.forget(wire)
    wire.closed = True
    system.run_until_idle()
    assert done == [[0]]
    assert system.counted['idle'] == 1


def test_draining_hands_over_what_was_kept_and_what_is_there(system):
    done = []
    gather = gathering(system, done)
    wire = system.watch(system.wire([0]), lambda frames: gather(frames) or system.stop())
    system.loop.run()
    wire.arrive(1)
    system.loop.drain(LIMIT)
    assert done == [[0, 1]]


def test_draining_ends_at_once_when_all_is_handed_over_and_nothing_is_watched(system):
    done = []
    system.loop.at_turn_end(lambda: done.append('kept'))
    system.loop.drain(LIMIT)
    assert done == ['kept']


def test_each_action_at_the_end_of_a_turn_runs_once(system):
    done = []
    system.watch(system.wire([0, 1]), lambda frames: system.loop.at_turn_end(lambda: done.append(frames)))
    system.run_until_idle()
    assert done == [0, 1]
    system.run_until_idle()
    assert done == [0, 1]


def test_a_list_whose_handler_fails_takes_no_other_with_it(patient):
    done = []

    def fail():
        raise ValueError('first')

    def receive(frames):
        patient.loop.at_turn_end(fail)
        patient.loop.at_turn_end(lambda: done.append('second'))

    patient.watch(patient.wire([0]), receive)
    patient.run_until_idle()
    assert (done, patient.raised_by) == (['second'], [('first', None)])


def test_a_list_whose_handler_stops_the_loop_leaves_the_others_for_the_next_run(system):
    done = []

    def receive(frames):
        system.loop.at_turn_end(lambda: done.append('first') or system.stop())
        system.loop.at_turn_end(lambda: done.append('second'))

    system.watch(system.wire([0]), receive)
    system.loop.run()
    assert done == ['first']
    system.run_until_idle()
    assert done == ['first', 'second']


def test_what_is_asked_for_while_a_turn_ends_is_done_too(system):
    done = []

    def receive(frames):
        system.loop.at_turn_end(lambda: system.loop.at_turn_end(lambda: done.append('later')))

    system.watch(system.wire([0]), receive)
    system.run_until_idle()
    assert done == ['later']
