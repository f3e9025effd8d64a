"""The name server: the address book of a system, in a process of its own."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

from ._agent.places import numeric_host
from ._clock import Deadline
from ._config import config
from ._io.dead_sockets import remove_dead_sockets
from ._io.poller import Bell, wait_readable
from ._launch.process import LaunchedProcess
from ._remote.addresses import LOCALHOST, VARIABLE, socket_address
from ._remote.daemon import Daemon
from ._remote.directory import Directory
from ._remote.limits import allow_many_files
from ._remote.link import NAMESERVER_SERVANT
from ._remote.servant import Servant
from ._remote.shutdown import ask_to_end, ask_to_kill, each_agent, end_processes
from ._remote.storage import Storage, checked_storage
from .address import SocketAddress
from .errors import AddressInvalid, OptionInvalid, StartFailed, WaitTimeout
from .proxy import NAMESERVER, NSProxy, locate_ns

__all__ = ['NameServer', 'NameServerProcess', 'random_nameserver_process', 'run_nameserver']

_PYRO_PORT = 9090
# How long asking all agents to end may take; who does not take the request in by then is asked no more.
_ASK_WAIT = 1.0
# How long a name server that has just been started may take to answer.
_ANSWER_WAIT = 3.0


class NameServer(Directory):
    """Base for custom name servers: public methods of a subclass can be called through an :class:`~osbrain.NSProxy`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._ended = threading.Event()
        self._bell = Bell()
        self._drain = 0.0

    def set_drain(self, seconds: float) -> None:
        """Seconds for which agents that are asked to shut down may go on handling what they had received."""
        self._drain = seconds

    def async_shutdown_agents(self, nsaddr: Any = None) -> None:
        """Ask every agent to shut down, and kill those that do not run; does not wait until they have."""
        self.count_shutdown()
        each_agent(self, ask_to_end(self._drain), _ASK_WAIT)

    def async_kill_agents(self, nsaddr: Any = None) -> None:
        """Kill every agent; does not wait until they have ended."""
        self.count_shutdown()
        each_agent(self, ask_to_kill, _ASK_WAIT)

    def end_processes(self) -> None:
        """End the processes of this machine's agents without asking them, and forget their names."""
        end_processes(self)

    def daemon_shutdown(self) -> None:
        """End the name server's process."""
        self._ended.set()
        self._bell.ring()

    def wait_ended(self) -> None:
        """Wait until the name server is told to end."""
        while not self._ended.is_set():
            wait_readable([self._bell.fd], None)
            self._bell.silence()


class NameServerProcess(LaunchedProcess):
    """The process of a name server.

    *addr* is a :class:`~osbrain.SocketAddress`, ``'host:port'``, or a port of this machine (Pyro4's default without
    it); *base* the class of the name server; *storage* the file in which it keeps the names, if it is to keep them.
    """

    def __init__(
        self,
        addr: Any = None,
        base: type[NameServer] = NameServer,
        advertise: str | None = None,
        storage: Any = None,
    ) -> None:
        super().__init__()
        self.addr = SocketAddress(LOCALHOST, _PYRO_PORT) if addr is None else socket_address(addr)
        self.host, self.port = self.addr.host, self.addr.port
        self.base = base
        self.advertise = advertise
        self.storage = checked_storage(storage)
        #: Where others are to look for it.
        self.advertised = self._advertised()

    def start(self) -> None:
        """Start and wait for the outcome; ``RuntimeError`` with the cause if it could not be started."""
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(self.advertised)
        try:
            self.launch(config['START_TIMEOUT'])
            self._check_answers()
        except BaseException:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
            raise

    def _advertised(self) -> SocketAddress:
        try:
            return SocketAddress(numeric_host(self.advertise), self.port) if self.advertise else self.addr
        except AddressInvalid:
            return self.addr  # A name that is known to the others only.

    def _check_answers(self) -> None:
        """Fail if nobody answers: an address may be bound and yet lead nowhere (another machine's, on some systems)."""
        try:
            locate_ns(self.addr, _ANSWER_WAIT)
        except WaitTimeout as error:
            self.terminate()
            self.join(_ANSWER_WAIT)
            raise StartFailed(f'OSError: {error}', self.name) from error

    def run(self) -> None:
        """Serve until told to end (in the new process)."""
        allow_many_files()
        server = self.guarded(self._serve)
        signal.signal(signal.SIGINT, lambda *_: NameServer.daemon_shutdown(server))
        server._bell.ring_at_signals()
        self.tell_started(str(self.addr))
        if config['ORPHANS'] != 'stay':
            self.when_starter_is_gone(server.daemon_shutdown)
        server.wait_ended()
        self._daemon.close_listener()
        server.end_watching()
        self._daemon.wait_answered(0.5)

    def _serve(self) -> NameServer:
        server = self.base()
        # Bound first: a name server that cannot have its address touches no storage.
        self._daemon = daemon = Daemon(self.host, self.port, self.advertise)
        # What processes left that were killed, before anybody is to find it.
        remove_dead_sockets(Path(config['IPC_DIR']).absolute())
        server.watch_processes()
        if self.storage is not None:
            server.restore(Storage(self.storage))
        daemon.register(server, NAMESERVER)
        daemon.register(Servant(server), NAMESERVER_SERVANT)
        server.register(NAMESERVER, daemon.uri(NAMESERVER))
        daemon.start()
        return server

    def agents(self) -> list[str]:
        """Names of the registered agents."""
        with NSProxy(self.addr) as ns:
            return ns.agents()  # type: ignore[no-any-return]

    def shutdown_all(self) -> None:
        """Ask all agents to shut down, without waiting."""
        with NSProxy(self.addr) as ns:
            ns.async_shutdown_agents(self.addr)

    def shutdown(self) -> None:
        """Ask all agents to shut down, wait until the last one has, then end the process."""
        self.shutdown_all()
        with NSProxy(self.addr) as ns:
            while ns.wait_until_empty(60.0):
                pass
            ns.shutdown()
        self.join()


def random_nameserver_process(
    host: str = LOCALHOST,
    port_start: int = 10000,
    port_stop: int = 20000,
    timeout: float = 3.0,
    base: type[NameServer] = NameServer,
    storage: Any = None,
) -> NameServerProcess:
    """Start a name server on a random free port between *port_start* and *port_stop*, both included.

    The last error is raised if none was found within *timeout* seconds; ``ValueError`` if the range is empty.
    """
    if port_stop < port_start:
        raise OptionInvalid('port_stop', port_stop, f'at least port_start ({port_start})')
    deadline = Deadline(timeout)
    while True:
        port = random.randint(port_start, port_stop)  # noqa: S311  (a port, not a secret)
        process = NameServerProcess(SocketAddress(host, port), base, storage=storage)
        try:
            process.start()
            return process
        except RuntimeError as error:
            # Another port may do better; a name server that cannot even be constructed will not.
            if deadline.expired or not isinstance(error.__cause__, OSError):
                raise


def run_nameserver(
    addr: Any = None,
    base: type[NameServer] = NameServer,
    reuse: bool = False,
    advertise: str | None = None,
    storage: Any = None,
) -> NSProxy:
    """Start a name server and return its proxy, which as a context manager ends it and all its agents at the end.

    Parameters
    ----------
    addr
        ``'host:port'`` or an address; a random free port of this machine without it.
    base : type
        Class of the name server.
    reuse : bool
        Whether to connect to the name server that answers at *addr* already, if one does.
    advertise : str
        The host under which others reach this machine, where it is bound to another one (such as 0.0.0.0).
    storage
        Path of a file (SQLite, made if it is not there) in which the name server keeps names, addresses and states.
        One that is started again with the same file has them at once; those that died meanwhile are dead then.

    ``ValueError`` if the storage cannot be used; ``RuntimeError`` with the cause (``Permission denied`` …) otherwise.

    """
    if addr and reuse:
        address = socket_address(addr)
        try:
            proxy = NSProxy(address, timeout=0)
        except WaitTimeout:
            pass
        else:
            os.environ[VARIABLE] = str(address)
            return proxy
    if addr:
        process = NameServerProcess(addr, base, advertise, storage)
        process.start()
    else:
        process = random_nameserver_process(base=base, storage=storage)
    proxy = NSProxy(process.advertised)
    proxy._set(_owner=True)
    return proxy
