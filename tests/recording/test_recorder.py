"""A recorder writes what its listener hears; real ones, of real agents, are in tests/processes."""

import queue
import threading
import warnings

import pytest

from osbrain.errors import RecordingFailed, UnknownAlias
from osbrain.recording import Recording, recorder, writing
from osbrain.recording.observation import Source
from osbrain.recording.recorder import record

LONG = 30  # seconds in which what is awaited happens


class Ears:
    """A listener that hears what a test puts into it."""

    def __init__(self):
        self.said = queue.Queue()
        self.missed = 0
        self.added, self.gone = [], []
        self.finished = self.closed = False
        self.asked = threading.Event()

    def add(self, name, alias):
        if alias == 'nowhere':
            raise UnknownAlias(alias, name)
        self.added.append((name, alias))
        return Source(name, alias, 'PUB', 'json')

    def next(self, seconds):
        self.asked.set()
        try:
            return self.said.get(timeout=0 if self.finished else seconds)
        except queue.Empty:
            return None

    def lost(self):
        return self.gone

    def finish(self, seconds):
        self.finished = True

    def close(self):
        self.closed = True


@pytest.fixture
def ears(monkeypatch):
    ears = Ears()
    monkeypatch.setattr(recorder, 'Listener', lambda nsaddr, timeout: ears)
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', '127.0.0.1:1')
    return ears


def test_what_is_on_its_way_when_it_is_told_to_stop_is_written(ears, path, observation):
    made = record(path, 'feed:bars', 'feed:bars', 'feed:trades')
    for number in range(1_000):
        ears.said.put(observation(number, number))
    assert made.stop().messages == 1_000
    assert [message.value for message in Recording(path)] == list(range(1_000))
    assert ears.added == [('feed', 'bars'), ('feed', 'trades')]
    assert ears.finished
    assert ears.closed


def test_what_was_heard_is_written_although_nothing_more_comes(ears, path, observation, monkeypatch):
    monkeypatch.setattr(writing, 'PATIENCE', 0.05)
    with record(path, 'feed:bars'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        ears.said.put(observation(0, 'heard'))
        deadline = writing.Deadline(LONG)
        while not list(Recording(path)) and not deadline.expired:
            ears.asked.clear()
            ears.asked.wait(LONG)
        assert [message.value for message in Recording(path)] == ['heard']


def test_what_was_missed_is_counted(ears, path, observation):
    made = record(path, 'feed:bars')
    ears.missed = 7
    assert made.recorded.missed == 7
    assert made.stop().missed == 7


def test_what_cannot_be_looked_at_makes_no_file(ears, path):
    with pytest.raises(UnknownAlias):
        record(path, 'feed:bars', 'feed:nowhere')
    assert ears.closed
    assert not path.exists()


def test_a_recorder_that_fails_ends_and_says_why_when_it_is_stopped(ears, path, observation, monkeypatch):
    def fail(self, action):
        raise RecordingFailed(str(self.path), 'No space left on device')

    made = record(path, 'feed:bars')
    monkeypatch.setattr(writing.Tape, '_write', fail)
    ears.said.put(observation(0, 0))
    assert made.wait(LONG)
    with pytest.raises(RecordingFailed, match='No space left'):
        made.stop()
    assert ears.closed


def test_an_agent_that_has_ended_is_looked_for_until_it_is_back(ears, path, monkeypatch):
    monkeypatch.setattr(recorder, '_AGAIN', 0.01)
    with record(path, 'feed:bars', 'broker:orders') as made:
        ears.gone = [made.sources[0]]
        deadline = writing.Deadline(LONG)
        while len(ears.added) < 3 and not deadline.expired:
            ears.asked.clear()
            ears.asked.wait(LONG)
    assert ears.added == [('feed', 'bars'), ('broker', 'orders'), ('feed', 'bars')]
    assert [source.agent for source in made.recorded.lost] == ['feed']
