"""Give tests of the command line the command itself, a name server in a thread, and servers that are none."""

import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from osbrain import Agent, SocketAddress
from osbrain._agent.core import core_of
from osbrain._remote.daemon import Daemon
from osbrain._remote.servant import AgentServant
from osbrain._remote.status import AgentStatus
from osbrain.cli import main
from osbrain.cli.foreground import Foreground


class Result(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """No name server is found by accident, and tables have the width of a pipe."""
    for name in ('OSBRAIN_NAMESERVER_ADDRESS', 'FORCE_COLOR', 'TTY_COMPATIBLE', 'COLUMNS'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def osbrain(capsys):
    """Run a command in this process."""

    def run(*argv):
        code = main([str(arg) for arg in argv])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def server():
    """A name server in threads of this process."""
    server = Foreground(SocketAddress('127.0.0.1', 0))
    server.listen()
    with server.serving():
        yield server


@pytest.fixture
def free_port():
    """A port on which nobody listens, and that the system gives to nobody else meanwhile; who asks for it gets it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(('127.0.0.1', 0))
        yield held.getsockname()[1]


@contextmanager
def listening(answer):
    """Listen, and hand each connection to *answer* in a thread of its own; give the address."""
    over = threading.Event()
    threads = []

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=converse, args=(connection,)))
            threads[-1].start()

    def converse(connection):
        # The other end may have had enough.
        with connection, suppress(OSError):
            answer(connection, over)

    listener = socket.create_server(('127.0.0.1', 0))
    acceptor = threading.Thread(target=serve, args=(listener,))
    acceptor.start()
    try:
        yield SocketAddress(*listener.getsockname())
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


def silence(connection, over):
    over.wait()


def hang_up(connection, over):
    pass


def garbage(connection, over):
    connection.sendall(bytes(range(256)) * 16)
    over.wait()


def drip(connection, over):
    """Send what looks like the start of an answer, one byte now and then."""
    for byte in b'PYRO' + bytes(200):
        connection.sendall(bytes([byte]))
        if over.wait(0.3):
            return


@contextmanager
def web_server():
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield SocketAddress(*httpd.server_address)
        finally:
            httpd.shutdown()
            thread.join()


FOREIGN = {
    'silence': lambda: listening(silence),
    'hangs up': lambda: listening(hang_up),
    'garbage': lambda: listening(garbage),
    'drips': lambda: listening(drip),
    'HTTP': web_server,
}


@pytest.fixture(params=FOREIGN)
def foreign(request):
    """The address of a server that is no name server."""
    with FOREIGN[request.param]() as address:
        yield address


@pytest.fixture
def silent():
    """The address of somebody who takes connections and says nothing."""
    with listening(silence) as address:
        yield address


@pytest.fixture
def dripping():
    """The address of somebody whose answer takes minutes to arrive."""
    with listening(drip) as address:
        yield address


class Here:
    """Agents that run in threads of this process, and that the name server knows."""

    def __init__(self, server):
        self.server = server
        self._ends = []

    def run(self, base=Agent, name='feed', stopped=False, **fields):
        """Have an agent run, or one that does not; it is served as in a process of its own."""
        agent = base(name, transport='inproc')
        core = core_of(agent)
        thread = threading.Thread(target=agent.run)
        daemon = Daemon('127.0.0.1', 0, None)
        daemon.register(AgentServant(agent, thread.start), agent._uuid.decode())
        daemon.start()
        if not stopped:
            thread.start()
            assert core.wait_for_running(10)
        state = 'stopped' if stopped else 'running'
        record = AgentStatus(name, daemon.uri(agent._uuid.decode()), state, **fields)
        self.server._server.enroll(record)
        self._ends.append(lambda: self._end(core, thread, daemon))
        return agent

    def _end(self, core, thread, daemon):
        core.end()
        core.recent.end()
        if thread.ident:
            thread.join(10)
            assert not thread.is_alive()
        daemon.close_listener()
        core.close(0)
        core.wires.terminate(5)

    def end(self):
        while self._ends:
            self._ends.pop()()


@pytest.fixture
def here(server):
    here = Here(server)
    yield here
    here.end()
