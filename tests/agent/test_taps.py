"""Taps of an agent in this process: they copy while somebody listens, harm nobody, and leave nothing."""

import tempfile
import threading
from pathlib import Path

import pytest

from osbrain import Agent, config
from osbrain._agent import taps as taps_module
from osbrain._agent.core import core_of
from osbrain._agent.places import endpoint_of
from osbrain._agent.taps import Taps
from osbrain._clock import Deadline
from osbrain._io.context import give_back, new_context
from osbrain._io.ear import Ear
from osbrain._io.poller import wait_readable
from osbrain._protocol.serializers import size_of
from osbrain._protocol.tap_frames import Direction, read, write
from osbrain.errors import TopicInvalid, UnknownAlias, WaitTimeout
from osbrain.helper import wait_condition

LIMIT = 5


class Tapper:
    """Somebody who listens to an agent's taps from within its process."""

    def __init__(self, agent):
        self.core = core_of(agent)
        self.taps = Taps(self.core)
        self.context = new_context()
        self.ears = []

    def listen(self, alias, topic=b''):
        place = self.taps.open(alias, topic, 'ipc')
        ear = Ear(self.context, endpoint_of(place.address), None)
        self.ears.append(ear)
        self.taps.wait_listener(place.number, LIMIT)
        return ear, place

    def copies(self, ear, count):
        """The next *count* copies, not settled."""
        found, deadline = [], Deadline(LIMIT)
        while len(found) < count:
            taken = ear.take(count - len(found))
            found += map(read, taken)
            if not taken:
                assert not deadline.expired, found
                wait_readable([ear.fd], deadline.left)
        return found

    def nothing_more(self, ear):
        wait_readable([ear.fd], 0.1)
        return ear.take(100) == []

    def close(self):
        for ear in self.ears:
            ear.close()
        give_back(self.context, set())
        self.taps.close()


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    """A folder for sockets that is empty again in the end."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setitem(config, 'IPC_DIR', name)
        yield
        assert list(Path(name).iterdir()) == []


@pytest.fixture
def tapper(folder):
    made = []

    def of(agent):
        made.append(Tapper(agent))
        return made[-1]

    yield of
    for one in made:
        one.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(taps_module, '_ALONE', 0.5)


def wires_of(agent, alias):
    return core_of(agent).endpoints[alias].wires


def is_left_alone(agent, alias):
    return not any(wire.onlookers or (wire.attended is None) is wire.watched for wire in wires_of(agent, alias))


def pushed(agent):
    """An agent with a PUSH that a PULL of its own takes from."""
    got = []
    address = agent.bind('PUSH', 'push')
    agent.connect(address, 'pull', handler=lambda agent, message: got.append(message))
    return got


def test_what_is_pushed_is_copied_with_numbers_and_no_gaps(new_agent, running, tapper):
    agent = new_agent()
    got = pushed(agent)
    with running(agent):
        there = tapper(agent)
        out, _ = there.listen('push')
        into, _ = there.listen('pull')
        for number in range(5):
            agent.safe_call('send', 'push', number)
        assert wait_condition(lambda: len(got) == 5)
        sent, taken = there.copies(out, 5), there.copies(into, 5)
        assert [copy.number for copy in sent] == [copy.number for copy in taken] == [1, 2, 3, 4, 5]
        assert {copy.direction for copy in sent} == {Direction.OUT}
        assert {copy.direction for copy in taken} == {Direction.IN}
        assert [copy.frames for copy in sent] == [copy.frames for copy in taken]


def test_a_tap_is_no_socket_of_the_agents(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    names = set(core_of(agent).endpoints)
    with running(agent):
        tapper(agent).listen('push')
        assert set(core_of(agent).endpoints) == names
        assert len(agent.stats().endpoints) == 2
        agent.close_all()
        assert core_of(agent).endpoints.endpoints() == []


def test_an_agent_that_takes_anothers_place_knows_nothing_of_taps(new_agent, running, tapper):
    class Recall:
        def bound(self, key, make):
            pytest.fail('it was noted')

    agent = new_agent()
    pushed(agent)
    core_of(agent).recall = Recall()
    with running(agent):
        tapper(agent).listen('push')
    core_of(agent).recall = None


def test_a_tap_ends_when_it_is_told_to(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        ear, place = there.listen('push')
        assert not is_left_alone(agent, 'push')
        there.taps.end(place.number)
        there.taps.end(place.number)
        assert is_left_alone(agent, 'push')
        agent.safe_call('send', 'push', 1)
        assert there.nothing_more(ear)


@pytest.mark.usefixtures('impatient')
def test_a_tap_ends_when_its_listener_has_gone(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    agent.bind('PUB', 'pub')
    with running(agent):
        there = tapper(agent)
        for alias in ('push', 'pub'):
            there.listen(alias)
        while there.ears:
            there.ears.pop().close()
        assert wait_condition(lambda: is_left_alone(agent, 'push') and is_left_alone(agent, 'pub'))
        agent.safe_call('send', 'pub', 1, topic='nobody')
        assert agent.stats().sent.messages == 0


@pytest.mark.usefixtures('impatient')
def test_a_tap_to_which_nobody_came_ends(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        place = there.taps.open('push', '', 'ipc')
        assert place.address.address.exists()
        assert wait_condition(lambda: not place.address.address.exists())
        with pytest.raises(WaitTimeout, match='nobody came'):
            there.taps.wait_listener(place.number, LIMIT)


@pytest.mark.usefixtures('impatient')
def test_a_tap_of_an_agent_whose_loop_does_not_run_ends_with_the_first_message(new_agent, tapper):
    agent = new_agent()
    pushed(agent)
    there = tapper(agent)
    ear, _ = there.listen('push')
    there.ears.remove(ear)
    ear.close()

    def ended():
        for taps in list(there.taps._taps.values()):
            for frames in taps.wire.take(10)[0]:
                taps.receive(frames)
        agent.send('push', 1)
        return is_left_alone(agent, 'push')

    assert wait_condition(ended)


def test_a_listener_is_told_that_the_socket_was_closed(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('push')
        agent.safe_call('send', 'push', 1)
        agent.safe_call('close', 'push')
        assert [copy.direction for copy in there.copies(ear, 2)] == [Direction.OUT, Direction.END]
        assert there.taps._taps == {}


def test_only_what_has_the_topic_is_copied(new_agent, running, tapper):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('pub', 'pri')
        for topic in ('prices', 'fills', 'pr', 'private'):
            agent.safe_call('send', 'pub', 0, topic=topic)
        copies = there.copies(ear, 2)
        assert [copy.frames.partition(b'\x80')[0] for copy in copies] == [b'prices', b'private']
        assert [copy.number for copy in copies] == [1, 2]
        assert there.nothing_more(ear)
        assert agent.subscribers('pub') == 0


@pytest.mark.parametrize('alias, topic, error', [
    ('nobody', '', UnknownAlias),
    (['no', 'key'], '', UnknownAlias),
    ('push', 'topic', TopicInvalid),
    ('pub', 7, TopicInvalid),
    ('pub', b'\x80', TopicInvalid),
])  # fmt: skip
def test_mistakes_are_told_and_open_nothing(new_agent, tapper, alias, topic, error):
    agent = new_agent()
    pushed(agent)
    agent.bind('PUB', 'pub')
    there = tapper(agent)
    with pytest.raises(error):
        there.taps.open(alias, topic, 'ipc')
    assert there.taps._taps == {}


def test_no_more_is_on_its_way_than_is_allowed_and_what_is_dropped_leaves_a_gap(
    new_agent, running, tapper, monkeypatch
):
    monkeypatch.setattr(taps_module, 'MOST_COPIES', 10)
    agent = new_agent()
    got = pushed(agent)
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('push')
        for number in range(30):
            agent.safe_call('send', 'push', number)
        assert wait_condition(lambda: len(got) == 30)
        assert [copy.number for copy in there.copies(ear, 10)] == list(range(1, 11))
        assert there.nothing_more(ear)
        for _ in range(1000):  # so often the listener says something
            ear.settle(1)
        assert wait_condition(lambda: next(iter(there.taps._taps.values()))._copies == 0)
        agent.safe_call('send', 'push', 'again')
        assert there.copies(ear, 1)[0].number == 31


def test_large_messages_count_by_their_bytes(new_agent, running, tapper, monkeypatch):
    monkeypatch.setattr(taps_module, 'MOST_BYTES', 100_000)
    agent = new_agent()
    got = pushed(agent)
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('push')
        for _ in range(5):
            agent.safe_call('send', 'push', b'x' * 60_000)
        assert wait_condition(lambda: len(got) == 5)
        there.copies(ear, 2)
        assert there.nothing_more(ear)


def test_an_agent_that_is_busy_sending_learns_what_its_listener_has_taken(new_agent, running, tapper, monkeypatch):
    monkeypatch.setattr(taps_module, 'MOST_COPIES', 2000)
    begin = threading.Event()

    class Busy(Agent):
        def send_all(self):
            for number in range(1, 8001):
                self.send('pub', number)
                if number % 1000 == 0:
                    # As long as this handler runs, the loop reads nothing.
                    assert wait_condition(lambda so_far=number: taken >= so_far)

    taken = 0
    agent = new_agent(Busy)
    agent.bind('PUB', 'pub')
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('pub')

        def listen():
            nonlocal taken
            while taken < 8000 and not begin.is_set():
                wait_readable([ear.fd], 0.1)
                while parts := ear.take(100):
                    for one in parts:
                        taken += 1
                        ear.settle(size_of(one))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            agent.safe_call('send_all')
        finally:
            begin.set()
            thread.join()
    assert taken == 8000


def test_a_copy_that_fails_ends_the_tap_and_nothing_else(new_agent, running, tapper, monkeypatch):
    agent = new_agent()
    got = pushed(agent)
    said = []
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('push')

        def fail(copy):
            if copy.direction is Direction.OUT:
                raise MemoryError('no room')
            return write(copy)

        monkeypatch.setattr(taps_module, 'write', fail)
        monkeypatch.setattr(core_of(agent), 'warn', said.append)
        for number in range(3):
            agent.safe_call('send', 'push', number)
        assert wait_condition(lambda: got == [0, 1, 2])
        assert said == ["Nobody can look at 'push' any more: MemoryError: no room"]
        assert is_left_alone(agent, 'push')
        assert there.copies(ear, 1)[0].direction is Direction.END
        assert agent.counters()['errors'] == 0


def test_an_agent_that_ends_takes_its_taps_along(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        _, place = there.listen('push')
    core_of(agent).close(0)
    assert not place.address.address.exists()
    assert there.taps._taps == {}


def test_several_listeners_have_numbers_of_their_own(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        first, _ = there.listen('push')
        agent.safe_call('send', 'push', 1)
        second, _ = there.listen('push')
        agent.safe_call('send', 'push', 2)
        assert [copy.number for copy in there.copies(first, 2)] == [1, 2]
        assert [copy.number for copy in there.copies(second, 1)] == [1]


@pytest.mark.usefixtures('impatient')
def test_a_listener_that_has_connected_again_is_not_given_up_when_its_old_connection_ends(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        _, place = there.listen('push')
        again = Ear(there.context, endpoint_of(place.address), None)
        (tap,) = there.taps._taps.values()
        assert wait_condition(lambda: tap._listeners == 2, timeout=LIMIT)
        there.ears.pop().close()
        there.ears.append(again)
        assert wait_condition(lambda: tap._listeners == 1, timeout=LIMIT)
        threading.Event().wait(0.8)  # longer than a tap is patient here
        agent.safe_call('send', 'push', 1)
        assert len(there.copies(again, 1)) == 1


def test_what_was_opened_and_ended_often_is_kept_nowhere(new_agent, tapper):
    agent = new_agent()
    pushed(agent)
    there = tapper(agent)
    for _ in range(5):
        there.taps.end(there.taps.open('push', '', 'ipc').number)
    assert len(core_of(agent).belongings) == 1


def test_a_socket_that_is_closed_before_the_listener_comes_is_told_too(new_agent, running, tapper):
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        place = there.taps.open('push', '', 'ipc')
        agent.safe_call('close', 'push')
        ear = Ear(there.context, endpoint_of(place.address), None)
        there.ears.append(ear)
        there.taps.wait_listener(place.number, LIMIT)
        assert [copy.direction for copy in there.copies(ear, 1)] == [Direction.END]
        assert there.taps._taps == {}


def test_a_tap_to_which_nobody_has_come_yet_is_shown_nothing_and_ends_for_itself_alone(new_agent, running, tapper):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    with running(agent):
        there = tapper(agent)
        waiting = there.taps.open('pub', 't', 'ipc')
        ear, _ = there.listen('pub', 't')
        agent.safe_call('send', 'pub', 1, topic='t')
        late = Ear(there.context, endpoint_of(waiting.address), None)
        there.ears.append(late)
        there.taps.wait_listener(waiting.number, LIMIT)
        agent.safe_call('send', 'pub', 2, topic='t')
        assert [copy.number for copy in there.copies(late, 1)] == [1]
        there.taps.end(there.taps.open('pub', 't', 'ipc').number)
        there.taps.end(waiting.number)
        agent.safe_call('send', 'pub', 3, topic='t')
        assert [copy.number for copy in there.copies(ear, 3)] == [1, 2, 3]


def test_the_last_word_gets_through_where_there_is_no_room(new_agent, running, tapper, monkeypatch):
    monkeypatch.setattr(taps_module, 'MOST_COPIES', 1)
    agent = new_agent()
    pushed(agent)
    with running(agent):
        there = tapper(agent)
        ear, _ = there.listen('push')
        for number in range(3):
            agent.safe_call('send', 'push', number)
        agent.safe_call('close', 'push')
        first, last = there.copies(ear, 2)
        assert (first.number, last.number, last.direction) == (1, 4, Direction.END)
