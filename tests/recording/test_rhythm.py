"""Messages are sent again in the order and at the moments at which they were sent."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain.recording.reading import Message
from osbrain.recording.rhythm import WINDOW, in_order, moment, timed
from osbrain.recording.tracks import Track


def message(when, arrived=None, alias='bars', number=0):
    track = Track('feed', alias, 'PUB', 'json', 'out', 'message')
    return Message(track, b'', number, when, when + 0.001 if arrived is None else arrived, b'')


def moments(messages):
    return [(one.alias, one.when) for one in messages]


@st.composite
def days(draw):
    """What one agent has sent through several sockets, in the order in which it came to the recorder."""
    count = draw(st.integers(0, 30))
    aliases = [draw(st.sampled_from('abc')) for _ in range(count)]
    steps = [draw(st.floats(0.001, 2 * WINDOW)) for _ in range(count)]
    sent = list(zip(itertools.accumulate(steps), aliases, range(count)))
    latest, found = dict.fromkeys('abc', 0.0), []
    for when, alias, number in sent:
        # Each socket's messages stay in order; none takes as long as the window is wide.
        latest[alias] = max(latest[alias], when + draw(st.floats(0, WINDOW * 0.99)))
        found.append(message(when, latest[alias], alias, number))
    return sent, sorted(found, key=lambda one: one.arrived)


@given(days())
def test_the_order_is_that_of_sending_whatever_the_ways_to_the_recorder(day):
    sent, found = day
    assert [one.number for one in in_order(found, {one.alias for one in found})] == [number for _, _, number in sent]


@given(days())
def test_sockets_that_are_silent_hold_nothing_up_for_ever(day):
    sent, found = day
    assert [one.number for one in in_order(found, {'a', 'b', 'c', 'silent'})] == [number for _, _, number in sent]


def test_a_socket_alone_is_read_no_further_than_it_is_sent():
    read = []

    def day():
        for number in itertools.count():
            read.append(number)
            yield message(number)

    messages = in_order(day(), {'bars'})
    assert [next(messages).when for _ in range(3)] == [0, 1, 2]
    assert read == [0, 1, 2]


def test_a_clock_that_is_set_back_changes_no_order_within_a_socket():
    found = [message(when, arrived) for arrived, when in enumerate([100, 101, 50, 51])]
    assert moments(in_order(found, {'bars'})) == [('bars', 100), ('bars', 101), ('bars', 50), ('bars', 51)]


@pytest.mark.parametrize('speed, expected', [(1, [0, 0.5, 2]), (2, [0, 0.25, 1]), (0.5, [0, 1, 4]), (0, [0, 0, 0])])
def test_the_pauses_are_those_of_the_recording_at_its_speed(speed, expected):
    found = [message(when) for when in (1000, 1000.5, 1002)]
    assert [due for due, _ in timed(found, 1000, speed)] == pytest.approx(expected)


def test_agents_whose_clocks_differ_are_put_beside_each_other_by_the_recorders():
    """One of them is an hour behind; both have sent at the same time."""
    here = [message(1000 + n, 1000 + n + 0.01) for n in range(2)]
    there = [message(1000 + n - 3600, 1000 + n + 0.01) for n in range(2)]
    origin = moment(here[0])
    for messages in (here, there):
        assert [due for due, _ in timed(messages, origin, 1)] == pytest.approx([0, 1], abs=0.02)


def test_a_clock_that_is_set_back_makes_nothing_due_before_what_came_before_it():
    found = [message(when, 1000 + n) for n, when in enumerate([1000, 1001, 1000.5, 1003])]
    dues = [due for due, _ in timed(found, 1000, 1)]
    assert dues == sorted(dues)
