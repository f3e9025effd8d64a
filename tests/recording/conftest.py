"""Give tests of recordings something to record: observations as they come from agents that are looked at."""

import json

import pytest
from hypothesis import settings

from osbrain.recording.observation import Observation, Source
from osbrain.recording.writing import Tape

# The same examples in every run, however loaded the machine is, and nothing written into the project's folder.
settings.register_profile('osbrain', derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile('osbrain')

BARS = Source('feed', 'bars', 'PUB', 'json')


def seen(number, value, source=BARS, topic=b'AAPL.', when=None, direction='out', what='message', late=0.001):
    """Return what somebody sees who looks at a socket: message *number*, sent ten times a second."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    when = 1_700_000_000 + number / 10 if when is None else when
    return Observation(source, number, direction, when, when + late, topic, what, body, len(topic) + 1 + len(body))


@pytest.fixture(scope='session')
def observation():
    """Return a function that makes one."""
    return seen


@pytest.fixture
def path(tmp_path):
    """A place for a recording."""
    return tmp_path / 'day.mcap'


@pytest.fixture
def recorded(path):
    """Return a function: observations to the recording of them."""

    def record(*observations, flush_every=0):
        tape = Tape(path, overwrite=True)
        for number, one in enumerate(observations):
            tape.add(one)
            if flush_every and not (number + 1) % flush_every:
                tape.flush()
        tape.close()
        return path

    return record
