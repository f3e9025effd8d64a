"""Agents that stay in this process, and what notes how they came to be."""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

import pytest

from osbrain import Agent, config
from osbrain._agent.core import core_of, expect_recall
from osbrain._memory import Memory
from osbrain._remote.packing import pack
from osbrain._remote.servant import AgentServant
from osbrain._rewiring.recorder import Recorder
from osbrain._rewiring.replay import replay

LIMIT = 5  # seconds for what takes milliseconds


def wait_until(condition):
    """Look at *condition* until it is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline


@pytest.fixture
def until():
    return wait_until


class Life:
    """One agent with a memory, from its construction; others call it by :meth:`call`."""

    def __init__(self, memory, base, name='a0', tell=None, **options):
        self.memory = memory
        self.told = []
        self.recorder = Recorder(memory, tell or self.tell)
        expect_recall(base, self.recorder)
        self.agent = base(name, **options)
        self.core = core_of(self.agent)
        self.servant = AgentServant(self.agent, lambda: None, self.recorder.record)
        replay(self.core, memory)

    def tell(self, note, seconds):
        self.told.append(note)
        self.memory.take(note)
        return True

    def call(self, method, /, *args, op='unsafe', **kwargs):
        """Call as a proxy does, by packed requests; return the packed answer."""
        return self.servant.answer(pack((op, (method, args, kwargs))))


@pytest.fixture
def memory(monkeypatch):
    with tempfile.TemporaryDirectory(prefix='rw', dir='/tmp') as folder:
        monkeypatch.setitem(config, 'IPC_DIR', Path(folder))
        yield Memory()


@pytest.fixture
def live(memory):
    """Let an agent live; whoever lived before dies first, and leaves its sockets to the system."""
    lives = []

    def end():
        for life in lives:
            life.core.close(0)
            life.core.wires.terminate(LIMIT)
        lives.clear()

    def one(base=Agent, **options):
        end()
        lives.append(Life(memory, base, **options))
        return lives[-1]

    yield one
    end()


@pytest.fixture
def running():
    """A context in which an agent runs in a thread of its own; it has ended when the block ends."""

    @contextlib.contextmanager
    def one(agent):
        core = core_of(agent)
        thread = threading.Thread(target=agent.run, name=f'loop of {agent.name}')
        thread.start()
        try:
            assert core.wait_for_running(LIMIT)
            yield agent
        finally:
            core.end()
            thread.join(LIMIT)
            assert not thread.is_alive()

    return one
