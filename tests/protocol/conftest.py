"""Wires made of lists and a host made of a few attributes: all that an endpoint needs, without a socket or a thread."""

from collections import deque
from types import SimpleNamespace

import pytest
from hypothesis import settings

from osbrain._protocol.requests import OpenRequests
from osbrain._protocol.serializers import CODECS, head
from osbrain.address import AgentAddress, AgentChannel

# The same examples in every run, however loaded the machine is, and nothing written into the project's folder.
settings.register_profile('osbrain', derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile('osbrain')


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class OutOfTurn(Exception):
    """What a wire raises for a send or receive that is not due."""


class ListWire:
    """Keeps what is sent, hands out what was put into ``arrived``, remembers what it was told to let through."""

    def __init__(self):
        self.sent = []
        self.timeouts = []
        self.arrived = deque()
        self.filters = []
        self.relaxed = False

    def send(self, frames, timeout=None):
        self.sent.append(frames)
        self.timeouts.append(timeout)

    def receive_one(self, timeout=None):
        if not self.arrived:
            raise TimeoutError(timeout)
        return self.arrived.popleft()

    def subscribe(self, topic):
        self.filters.append(topic)

    def unsubscribe(self, topic):
        self.filters.remove(topic)

    def relax(self):
        self.relaxed = True

    def out_of_turn(self):
        raise OutOfTurn

    def emptied(self):
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent

    def passed(self, frames):
        """Those of *frames* that ZeroMQ would let through to this subscriber."""
        return [one for one in frames if any(head(one).startswith(prefix) for prefix in self.filters)]


class Recorder:
    """An agent as handlers see it."""

    def __init__(self, name='a0'):
        self.name = name
        self.received = []

    def on_message(self, message):
        self.received.append(message)

    def on_topic(self, message, topic):
        self.received.append((topic, message))

    def echo(self, message):
        return message


class Host:
    """An agent as endpoints see it: waits are kept, not waited for."""

    def __init__(self):
        self.agent = Recorder()
        self.requests = OpenRequests()
        self.waits = []
        self.warnings = []

    def start_wait(self, seconds, action):
        wait = SimpleNamespace(seconds=seconds, action=action, stopped=False)
        self.waits.append(wait)

        def stop():
            wait.stopped = True

        return stop

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture
def new_wire():
    return ListWire


@pytest.fixture
def out_of_turn():
    return OutOfTurn


@pytest.fixture
def new_host():
    return Host


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def agent(host):
    """The agent of ``host``; it keeps what it receives."""
    return host.agent


@pytest.fixture
def make(host):
    """Make one end of a socket: ``make(Pull, 'PULL', 'json', handler)``."""

    def one(cls, kind, serializer='pickle', *args, of=host, wire=None, **kwargs):
        address = AgentAddress('inproc', 'place', kind, 'server', serializer)
        return cls(of, address, CODECS[serializer], wire or ListWire(), *args, **kwargs)

    return one


@pytest.fixture
def channel():
    """Make a channel's address: ``channel('ASYNC_REP', 'pickle')``."""

    def one(kind, serializer='pickle'):
        receiver = AgentAddress('inproc', 'in', 'PULL', 'server', serializer)
        sender = AgentAddress('inproc', 'out', 'PUB', 'server', serializer) if kind == 'SYNC_PUB' else None
        return AgentChannel(kind, receiver=receiver, sender=sender)

    return one
