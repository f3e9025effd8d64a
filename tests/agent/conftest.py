"""Agents that run in a thread of this process, or not at all."""

import contextlib
import os
import tempfile
import threading
from collections import Counter, deque
from pathlib import Path
from types import SimpleNamespace

import pytest

from osbrain import Agent
from osbrain._agent import loop
from osbrain._agent.core import core_of
from osbrain._agent.loop import Loop
from osbrain._agent.mailbox import Mailbox
from osbrain._agent.timers import Timers
from osbrain._io.poller import Bell
from osbrain._protocol.flow import PLAIN
from osbrain._stats import Stopwatch

LIMIT = 5  # seconds for what takes milliseconds
ENOUGH = 5_000  # a loop that has done so much without doing the rest starves it


def files():
    return {*Path(os.environ['XDG_RUNTIME_DIR']).rglob('*.*'), *Path(tempfile.gettempdir()).glob('osbrain*')}


def alive():
    """Threads, but for the one that pyzmq has for each process that has sent large buffers."""
    return {thread for thread in threading.enumerate() if type(thread).__name__ != 'GarbageCollectorThread'}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test that leaves files or threads; nothing here starts a process."""
    before, threads = files(), alive()
    yield
    for thread in alive() - threads:
        thread.join(LIMIT)
    assert alive() <= threads
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
        core_of(agent).wires.terminate(LIMIT)


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


class LoopWire:
    """A wire full of messages; its bell is its descriptor."""

    def __init__(self, messages=(), endless=False):
        self.bell = Bell()
        self.fd = self.bell.fd
        self.messages = deque(messages)
        self.endless = endless
        self.closed = False
        self.batches = False

    def arrive(self, *messages):
        self.messages.extend(messages)
        self.bell.ring()

    def take(self, limit):
        self.bell.silence()
        if self.endless:
            return ['more'] * limit, True
        taken = [self.messages.popleft() for _ in range(min(limit, len(self.messages)))]
        self.batches = self.batches or any(type(one) is list for one in taken)
        return taken, bool(self.messages)

    def has_news(self):
        return self.endless or bool(self.messages)

    def put_back(self, messages):
        self.messages.extendleft(reversed(messages))


def split(frames):
    """A batch is a list here."""
    return frames if type(frames) is list else [frames]


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

    def raised(self, error, by):
        raise error

    def run_job(self, job):
        job.finish(job.action())

    def idle(self):
        self.counted['idle'] += 1
        self.stop()

    def poll_seconds(self):
        return self.patience

    def stop(self):
        self.loop.keep_alive = False

    def run_until_idle(self):
        """Run until nothing is left to do."""
        self.patience = 0.001
        self.loop.keep_alive = True
        self.loop.run()

    def wire(self, *args, **options):
        return LoopWire(*args, **options)

    def watch(self, wire, receive, turn=64, flow=PLAIN):
        counts = {'received': 0, 'most_at_once': 0, 'errors': 0, 'undecodable': 0, 'handling': Stopwatch()}
        endpoint = SimpleNamespace(receive=receive, turn=turn, flow=flow, gathers=False, split=split, **counts)
        endpoint.newest = lambda messages: messages[-1:]
        self.loop.watch(wire, endpoint)
        return wire

    def count(self, what):
        """Count, and give up on a loop that never gets to anything else."""
        self.counted[what] += 1
        if self.counted[what] > ENOUGH:
            self.stop()


@pytest.fixture
def system():
    """A loop without an agent; wires of it are made by ``system.wire(messages)``."""
    return System()


@pytest.fixture
def patient(system):
    """A system whose owner notes what was raised, and goes on."""
    system.raised_by = []

    def guarded(action, *args):
        try:
            action(*args)
        except Exception as error:
            system.raised_by.append((str(error), None))

    system.raised = lambda error, by: system.raised_by.append((str(error), by))
    system.guarded = guarded
    return system


@pytest.fixture
def clock_of_turns(monkeypatch):
    """The clock by which turns end; it stands still unless somebody moves it."""
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(loop, 'monotonic', lambda: made.now)
    return made
