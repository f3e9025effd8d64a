"""Agents that run in a thread of this process, or not at all."""

import contextlib
import os
import tempfile
import threading
from pathlib import Path

import pytest

from osbrain import Agent
from osbrain._agent.core import core_of

LIMIT = 5  # seconds for what takes milliseconds


def files():
    return {*Path(os.environ['XDG_RUNTIME_DIR']).rglob('*.*'), *Path(tempfile.gettempdir()).glob('osbrain*')}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test that leaves files or threads; nothing here starts a process."""
    before, threads = files(), set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(LIMIT)
    assert set(threading.enumerate()) <= threads
    assert files() == before


@pytest.fixture
def new_agent():
    """Build agents whose sockets stay inside this process, and give those sockets back."""
    made = []

    def one(base=Agent, name='a0', **options):
        made.append(base(name, transport='inproc', **options))
        return made[-1]

    yield one
    for agent in made:
        core_of(agent).close(0)
        core_of(agent).terminate(LIMIT)


@pytest.fixture
def running(new_agent):
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
