"""Objects served from a thread of this process, and links to them."""

import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from osbrain._remote.addresses import socket_address
from osbrain._remote.daemon import Daemon
from osbrain._remote.directory import Directory
from osbrain._remote.link import NAMESERVER_SERVANT, Link
from osbrain._remote.servant import Servant
from osbrain.helper import wait_condition
from tests.ports import free_port

LIMIT = 5  # seconds for what takes milliseconds


def files():
    return {*Path(os.environ['XDG_RUNTIME_DIR']).rglob('*.*'), *Path(tempfile.gettempdir()).glob('osbrain*')}


def alive():
    """Threads, but for Pyro's housekeepers: told to stop, they look up every two seconds."""
    return {thread for thread in threading.enumerate() if thread.name != 'housekeeper'}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test that leaves files or threads; nothing here starts a process."""
    before, threads = files(), alive()
    yield
    assert wait_condition(lambda: alive() <= threads, timeout=LIMIT), alive() - threads
    assert files() == before


def end(daemons):
    """End daemons as the end of their process does: the threads that accept, the housekeepers, the listeners."""
    for daemon in daemons:
        server = daemon.transportServer
        server.housekeeper.stop.set()
        if server.sock is not None and server.sock.fileno() >= 0:
            server.shutting_down = True
            # Whoever accepts connections looks round when there is one.
            socket.create_connection(server.sock.getsockname(), LIMIT).close()
    for thread in threading.enumerate():
        if thread.name == 'osbrain-daemon':
            thread.join(LIMIT)
    for daemon in daemons:
        daemon.close_listener()


@pytest.fixture
def serve():
    """Serve an object under a name; returns the daemon and a link to the object."""
    daemons, links = [], []

    def one(target, servant=Servant, who='the other end'):
        daemon = Daemon('127.0.0.1')
        daemon.register(servant(target), 'target')
        daemon.start()
        daemons.append(daemon)
        links.append(Link(daemon.uri('target'), who))
        return daemon, links[-1]

    yield one
    for link in links:
        link.release()
    end(daemons)


class Place:
    """An address at which a name server can be started, ended and started again."""

    def __init__(self):
        self.port = free_port()
        self.address = socket_address(self.port)
        self.daemon = None

    def start(self):
        """Start a name server, and return it."""
        self.make()
        return self.serve()

    def make(self):
        """Make the next name server, which nobody reaches yet."""
        self.directory = Directory()
        return self.directory

    def serve(self):
        """Have everybody reach it."""
        self.daemon = Daemon('127.0.0.1', self.port)
        self.daemon.register(Servant(self.directory), NAMESERVER_SERVANT)
        self.daemon.start()
        return self.directory

    def end(self, connections):
        """End as a process does: the listener and every connection."""
        server = self.daemon.transportServer
        if server.shutting_down:
            return
        self.directory.end_watching()
        server.housekeeper.stop.set()
        server.shutting_down = True
        socket.create_connection(('127.0.0.1', self.port), LIMIT).close()
        self.daemon.close_listener()
        for connection in connections:
            with contextlib.suppress(OSError):  # it has seen the end already
                connection._pyroConnection.sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def place():
    made = Place()
    made.start()
    yield made
    made.end([])


@pytest.fixture
def until():
    """Wait for a condition; its last value."""

    def wait(condition):
        pause, looks = threading.Event(), 0
        while not condition() and looks < 100 * LIMIT:
            pause.wait(0.01)
            looks += 1
        return condition()

    return wait
