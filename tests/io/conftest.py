"""Wires between sockets of this one process, and an end that gives every one of them back."""

import os
import tempfile
from pathlib import Path

import pytest

from osbrain._io.context import give_back, new_context
from osbrain._io.wire import SocketWire


def files():
    return {*Path(os.environ['XDG_RUNTIME_DIR']).rglob('*'), *Path(tempfile.gettempdir()).glob('osbrain*')}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test that leaves files; nothing here starts a process, and looking for one takes long."""
    before = files()
    yield
    assert files() == before


@pytest.fixture
def context():
    made = new_context()
    yield made
    give_back(made, set())


@pytest.fixture
def new_wire(context):
    """Make a wire of a ZeroMQ type; what is open when the test ends is closed."""
    made = []

    def one(kind, linger=0, **options):
        made.append(SocketWire(context, kind, linger, **options))
        return made[-1]

    yield one
    for wire in made:
        wire.close(0)


@pytest.fixture
def folder():
    """A folder with a path that leaves room for sockets, which pytest's own may not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def places(folder):
    """Where to bind: a new place for each transport, with its file and whether somebody chose it."""
    path = folder / 's'
    return {
        'inproc': ('inproc://place', None, True),
        'ipc': (f'ipc://{path}', str(path), True),
        'tcp': ('tcp://127.0.0.1:*', None, True),
    }


@pytest.fixture
def pair(new_wire, places):
    """Two wires that are connected: ``pair(zmq.PULL, zmq.PUSH)``, the first of them bound."""

    def both(server, client, transport='inproc', **options):
        bound, connected = new_wire(server, **options), new_wire(client, **options)
        connected.connect(bound.bind(*places[transport]))
        return bound, connected

    return both
