"""Wires made of lists and a host made of a few attributes: all that an endpoint needs, without a socket or a thread."""

import contextlib
from collections import deque
from types import SimpleNamespace

import pytest
from hypothesis import settings

from osbrain._protocol.patterns.pub_sub import Pub, Sub
from osbrain._protocol.requests import OpenRequests
from osbrain._protocol.serializers import CODECS, head
from osbrain.address import AgentAddress, AgentChannel
from osbrain.errors import WaitTimeout

# The same examples in every run, however loaded the machine is, and nothing written into the project's folder.
settings.register_profile('osbrain', derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile('osbrain')


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class OutOfTurn(Exception):
    """What a wire raises for a send or receive that is not due."""


class ListWire:
    """Keeps what is sent, hands out what was put into ``arrived``, remembers what it was told to let through.

    A subscriber's wire tells the publisher's, once connected to it, of every subscription, as ZeroMQ does.
    """

    def __init__(self):
        self.sent = []
        self.timeouts = []
        self.arrived = deque()
        self.filters = []
        self.publishers = []
        self.relaxed = False
        self.closed = False
        self.watched = False
        self.batches = False

    def connect(self, publisher):
        """Subscribe at one more publisher's wire to what this one lets through; topics go in byte order."""
        self.publishers.append(publisher)
        publisher.arrived.extend(b'\x01' + topic for topic in sorted(self.filters))

    def close(self):
        """Leave every publisher."""
        for publisher in self.publishers:
            publisher.arrived.extend(b'\x00' + topic for topic in self.filters)
        self.closed = True

    def send(self, frames, timeout=None):
        self.sent.append(frames)
        self.timeouts.append(timeout)

    def receive_one(self, timeout=None):
        if not self.arrived:
            raise WaitTimeout('nothing has arrived', timeout)
        return self.arrived.popleft()

    def take(self, limit):
        taken = []
        with contextlib.suppress(IndexError):  # another thread may take too
            while len(taken) < limit:
                taken.append(self.arrived.popleft())
        return taken, len(taken) == limit

    def has_news(self):
        return bool(self.arrived)

    def put_back(self, messages):
        self.arrived.extendleft(reversed(messages))

    def subscribe(self, topic):
        self.filters.append(topic)
        self._tell(b'\x01' + topic)

    def unsubscribe(self, topic):
        self.filters.remove(topic)
        self._tell(b'\x00' + topic)

    def _tell(self, event):
        for publisher in self.publishers:
            publisher.arrived.append(event)

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
        self.turn_ends = []
        self.records = []
        self.outside = self
        self.watched_processes = {}
        self.errors = []
        #: How long each wait might have taken; what happens during it.
        self.patience = []
        self.while_waiting = lambda: None

    def at_turn_end(self, action, endpoint=None):
        self.turn_ends.append(action)

    def end_turn(self):
        """Do what was to be done when the messages that are there have been handled."""
        actions, self.turn_ends = self.turn_ends, []
        for action in actions:
            action()

    def start_wait(self, seconds, action):
        wait = SimpleNamespace(seconds=seconds, action=action, stopped=False)
        self.waits.append(wait)

        def stop():
            wait.stopped = True

        return stop

    def warn(self, text):
        self.warnings.append(text)

    def log(self, level, message):
        self.records.append((level, message))

    def raised(self, error, by):
        self.errors.append((error, by))

    def watch_process(self, pid, started, action):
        self.watched_processes[pid] = action
        return lambda: self.watched_processes.pop(pid, None)

    def reads_here(self):
        return True

    def wait_input(self, wire, seconds):
        self.patience.append(seconds)
        self.while_waiting()


def take_turn(endpoint, arrived):
    """Handle *arrived*, everything that is there on one wire, as the loop does; return what was raised meanwhile."""
    failures = []
    messages = []
    for frames in arrived:
        try:
            messages += endpoint.split(frames)
        except Exception as error:
            failures.append(error)
    for one in endpoint.newest(messages) if endpoint.flow.conflate else messages:
        try:
            endpoint.receive(one)
        except (Exception, SystemExit) as error:
            failures.append(error)
    endpoint.host.end_turn()
    return failures


@pytest.fixture
def turn():
    """Handle what has arrived: ``turn(endpoint, frames)``; gives what handlers raised."""
    return take_turn


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
def make_pair(make):
    """A publisher and a subscriber connected to it: ``make_pair({'topic': handler}, 'json')``."""

    def both(handler, serializer='pickle', **options):
        pub, sub = make(Pub, 'PUB', serializer), make(Sub, 'SUB', serializer, handler, **options)
        sub.wire.connect(pub.wire)
        return pub, sub

    return both


@pytest.fixture
def channel():
    """Make a channel's address: ``channel('ASYNC_REP', 'pickle')``."""

    def one(kind, serializer='pickle'):
        receiver = AgentAddress('inproc', 'in', 'PULL', 'server', serializer)
        sender = AgentAddress('inproc', 'out', 'PUB', 'server', serializer) if kind == 'SYNC_PUB' else None
        if kind == 'ACK_PUSH':
            return AgentChannel(kind, receiver=None, sender=AgentAddress('inproc', 'out', 'PUSH', 'server', serializer))
        return AgentChannel(kind, receiver=receiver, sender=sender)

    return one
