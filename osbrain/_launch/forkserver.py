"""Starting from a fork server: a clean single-threaded process that has imported what agents need and forks on request.

A program that uses agents has threads, sockets and locks; a child forked beside them may inherit a lock that nobody
will ever release. The server has none of those. Each process that starts others holds one connection to it, and so does
each process that it has made; when the last one is gone, the server ends.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import math
import os
import pickle
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import warnings
from collections import deque
from multiprocessing import util
from typing import Any

from .._clock import monotonic
from ..errors import StartFailed
from . import modules, packet
from .popen import BasePopen
from .spawn import interpreter

_CODE = 'import sys; sys.path[:] = {path!r}; from osbrain._launch.forkserver import serve; serve({fd})'
_LENGTH = struct.Struct('!Q')
_NUMBER = struct.Struct('!q')
# Standard input is not passed on: an agent has none, as with multiprocessing.
_DESCRIPTORS = 4  # standard output, standard error, the way back, the status

_LOST = 255

# How long a child that has ended stays for others to see how (proc(5), field 52: known until it is reaped).
_WAKE = 0.3

# glibc gives freed memory back so eagerly that every large array would arrive in memory the system has to clear first,
# at half the speed (mallopt(3)). Agents keep up to 256 MiB instead; a child's own environment is that of its starter.
_KEEP_MEMORY = {
    'MALLOC_MMAP_THRESHOLD_': str(32 << 20),
    'MALLOC_TRIM_THRESHOLD_': str(256 << 20),
    'MALLOC_TOP_PAD_': str(1 << 20),
}

# What every agent and name server imports, at once or when it first serves and calls.
_NEEDED = ('osbrain._process', 'osbrain.nameserver', 'osbrain.logging')
_LATE = ('encodings.idna', 'Pyro4.socketserver.threadpoolserver', 'Pyro4.socketserver.multiplexserver')
# What libraries set up when they are first used is shared too: every process shakes hands with its name server.
_REHEARSED = 'osbrain._remote.handshake'


class Server:
    """The client's side: one for each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def adopt(self, connection: socket.socket) -> None:
        """Use the connection that the server gave a process it made."""
        self._connection = connection

    def forget(self) -> None:
        """Let go of the connection: at the end of the process, or in a forked child, where it is the parent's."""
        self._lock = threading.Lock()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def request(self, body: bytes, descriptors: list[int]) -> None:
        """Ask for one more process."""
        with self._lock:
            for attempt in (1, 2):
                if self._connection is None:
                    self._connection = _start_server()
                try:
                    _send_with(self._connection, _LENGTH.pack(len(body)), descriptors)
                    self._connection.sendall(body)
                    return
                except OSError:
                    # The server is gone (somebody killed it): one more try with a new one.
                    self._connection.close()
                    self._connection = None
                    if attempt == 2:
                        raise


_server = Server()
atexit.register(_server.forget)
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_server.forget)


def _start_server() -> socket.socket:
    ours, theirs = socket.socketpair()
    try:
        server = subprocess.Popen(  # noqa: S603  (the command is our own)
            interpreter(_CODE.format(path=sys.path, fd=theirs.fileno())),
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={**_KEEP_MEMORY, **os.environ},
        )
    finally:
        theirs.close()
    # Somebody has to bury it when it ends: who looks for children (a notebook's kernel does) would wait for a zombie.
    threading.Thread(target=server.wait, name='osbrain-forkserver', daemon=True).start()
    return ours


def _send_with(connection: socket.socket, data: bytes, descriptors: list[int]) -> None:
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))
    connection.sendmsg([data], [rights])


class Popen(BasePopen):
    """A child that the fork server made."""

    method = 'forkserver'

    def __init__(self, process: Any) -> None:
        super().__init__()
        body = pickle.dumps(
            (modules.worth_warming(getattr(process, 'base', None)), list(sys.path), packet.pack(process))
        )
        util._flush_std_streams()  # type: ignore[attr-defined]
        ours, theirs = socket.socketpair()
        # A bare descriptor: whoever forgets a process object is not to be warned about a socket that is none of theirs.
        self.sentinel = ours.detach()
        try:
            _server.request(body, [_output(1), _output(2), process._back.fileno(), theirs.fileno()])
        finally:
            theirs.close()
        first = self._number()
        if first is None:
            raise StartFailed('The fork server ended while it was starting a process.', process.name)
        self.pid = first

    def _number(self) -> int | None:
        data = b''
        while len(data) < _NUMBER.size:
            more = os.read(self.sentinel, _NUMBER.size - len(data))
            if not more:
                return None
            data += more
        return int(_NUMBER.unpack(data)[0])

    def _status(self) -> int | None:
        code = self._number()
        return _LOST if code is None else code


def _output(fd: int) -> int:
    """*fd* if it is open, else the null device: a child must not write into whatever takes that number next."""
    try:
        os.fstat(fd)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return fd


# -- The server's side --------------------------------------------------------------------------------------------


class _Child(Exception):
    """Unwinds the server's loop in a process that it has just made."""

    def __init__(self, body: bytes, back: int, connection: socket.socket) -> None:
        super().__init__()
        self.body, self.back, self.connection = body, back, connection


def serve(fd: int) -> None:
    """Run the fork server on the connection *fd* until its last client is gone."""
    # Ctrl-C in a terminal reaches every process of its group; this one has to outlive it for those that clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in (*_NEEDED, *_LATE):
        importlib.import_module(name)
    importlib.import_module(_REHEARSED).rehearse()
    gc.collect()
    gc.freeze()
    _let_go_of_output()
    made: _Child | None = None
    try:
        _Forker(socket.socket(fileno=fd)).loop()
    except _Child as child:
        made = child
    # Outside of the handler, so that no traceback of the new process begins with this one.
    if made is not None:
        _server.adopt(made.connection)
        code = packet.run(made.body, made.back)
        util._flush_std_streams()  # type: ignore[attr-defined]
        os._exit(code)


def _let_go_of_output() -> None:
    """Write nowhere: who reads what the starter prints (a notebook's kernel does) waits till nobody can write there."""
    null = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(null, fd)
    os.close(null)


class _Forker:
    def __init__(self, first: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._clients: set[socket.socket] = set()
        self._children: dict[int, socket.socket] = {}
        #: Those that have ended, and when each is to be reaped.
        self._dead: deque[tuple[float, int]] = deque()
        self._wardrobe = _Wardrobe()
        self._admit(first)
        self._bell, wakeup = socket.socketpair()
        for end in (self._bell, wakeup):
            end.setblocking(False)
        self._wakeup = wakeup
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._bell, selectors.EVENT_READ)

    def _admit(self, client: socket.socket) -> None:
        client.setblocking(True)
        self._clients.add(client)
        self._selector.register(client, selectors.EVENT_READ)

    def loop(self) -> None:
        """Fork and bury until nobody is left."""
        while self._clients:
            ready = self._selector.select(self._patience())
            self._bury()
            if not ready and self._wardrobe:
                self._wardrobe.warm_next()
            for key, _ in ready:
                if key.fileobj is self._bell:
                    with contextlib.suppress(BlockingIOError):
                        self._bell.recv(4096)
                    self._tell()
                else:
                    self._serve_one(key.fileobj)  # type: ignore[arg-type]
        self._bury(math.inf)
        # The last children may end while this process does: nobody is left who wants to know.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)

    def _patience(self) -> float | None:
        """Return for how many seconds nothing is to be done but what comes in."""
        if self._wardrobe:
            return 0
        return max(0.0, self._dead[0][0] - monotonic()) if self._dead else None

    def _tell(self) -> None:
        """Tell how each child that has ended did; it is buried a little later."""
        for pid in list(self._children):
            code = _ended(pid)
            if code is None:
                continue
            with contextlib.suppress(OSError), self._children.pop(pid) as news:
                news.sendall(_NUMBER.pack(code))
            self._dead.append((monotonic() + _WAKE, pid))

    def _bury(self, until: float | None = None) -> None:
        """Reap those that others have had the time to look at."""
        until = monotonic() if until is None else until
        while self._dead and self._dead[0][0] <= until:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._dead.popleft()[1], os.WNOHANG)

    def _serve_one(self, client: socket.socket) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(client, _LENGTH.size, _DESCRIPTORS)
            body = _exactly(client, _LENGTH.unpack(data)[0]) if len(data) == _LENGTH.size else b''
        except OSError:
            data, descriptors, body = b'', [], b''
        if not body:
            for one in descriptors:
                os.close(one)
            self._clients.discard(client)
            self._selector.unregister(client)
            client.close()
            return
        self._fork(body, descriptors)

    def _fork(self, body: bytes, descriptors: list[int]) -> None:
        names, path, contents = pickle.loads(body)
        self._wardrobe.want(names, path)
        out, err, back, news = descriptors
        os.set_inheritable(back, False)
        ours, theirs = socket.socketpair()
        with warnings.catch_warnings():
            # Packages that were warmed may have started threads that they know how to look after in a child.
            warnings.simplefilter('ignore', DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            self._become_child(out, err, news, ours)
            raise _Child(contents, back, theirs)
        theirs.close()
        for one in (out, err, back):
            os.close(one)
        status = socket.socket(fileno=news)
        self._children[pid] = status
        self._admit(ours)
        with contextlib.suppress(OSError):
            status.sendall(_NUMBER.pack(pid))

    def _become_child(self, out: int, err: int, news: int, ours: socket.socket) -> None:
        """Let go of everything that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for one in (*self._clients, *self._children.values(), self._bell, self._wakeup, ours):
            one.close()
        os.dup2(out, 1)
        os.dup2(err, 2)
        for fd in {out, err, news} - {1, 2}:
            os.close(fd)


def _ended(pid: int) -> int | None:
    """Return the exit code of child *pid* if it has ended; where the system can, it stays a zombie."""
    try:
        if not hasattr(os, 'waitid'):
            done, status = os.waitpid(pid, os.WNOHANG)
            return os.waitstatus_to_exitcode(status) if done else None
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return _LOST  # A package that was warmed has reaped it.
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        more = connection.recv(min(1 << 20, length - len(data)))
        if not more:
            return b''
        data += more
    return bytes(data)


class _Wardrobe:
    """Installed packages that the script uses: imported once, while nobody waits, so that no child has to."""

    def __init__(self) -> None:
        self._wanted: dict[str, list[str]] = {}
        self._seen: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def want(self, names: list[str], path: list[str]) -> None:
        """Import *names* when there is time, searching *path*."""
        for name in names:
            if name not in sys.modules and name not in self._seen:
                self._seen.add(name)
                self._wanted[name] = path

    def warm_next(self) -> None:
        """Import one of them; what cannot be imported here is left to the children."""
        name = next(iter(self._wanted))
        path = self._wanted.pop(name)
        before, sys.path[:] = list(sys.path), path
        try:
            with contextlib.suppress(BaseException):
                importlib.import_module(name)
        finally:
            sys.path[:] = before
        gc.collect()
        gc.freeze()
