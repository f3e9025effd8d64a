"""One agent's life in its process: construction, registration, running, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ._agent.agent import Agent
from ._agent.core import Core, Interrupted, core_of, expect_recall
from ._agent.description import public_name
from ._agent.places import numeric_host
from ._config import config, get_lease, get_linger
from ._events import AgentEvent
from ._io.poller import Bell, wait_readable
from ._launch.offspring import end_workers, release_workers
from ._pids import started as process_started
from ._remote.addresses import LOCALHOST, nameserver_address
from ._remote.daemon import Daemon
from ._remote.errors import NameTaken
from ._remote.registration import Registration
from ._remote.servant import AgentServant
from ._remote.status import AgentStatus
from ._remote.vigil import Vigil
from ._remote.watching import Watch
from ._rewiring.checkpoints import Checkpoints, checkpoints_of
from ._rewiring.recorder import Recorder
from ._rewiring.replay import replay
from .address import SocketAddress
from .errors import NobodyRestarts
from .proxy import Proxy, locate_ns

# How long calls that came in may take to be answered once the agent is ending.
_ANSWER_WAIT = 0.5
# How long what was sent may take to be delivered before the name is given up; what takes longer goes on after that.
_DELIVERY = 0.2
# How long an agent whose starter is gone may take to end by itself.
_MERCY = 2.0

_ORPHANED = 'the process that had started it has ended'
_RENEWED = 'it is started again, as somebody wanted'

_RUN = 'run'
_END = 'end'


class Life:
    """One agent's life: construction, registration, running, and an end that leaves nothing behind."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self._commands: deque[str] = deque()
        self._bell: Bell | None = None
        self._in_loop = False
        self._run_asked = False
        self._asking = threading.Lock()
        self._registration: Registration | None = None
        self._failure: BaseException | None = None
        self._shutdowns = 0
        self._uri = ''
        self._state: Checkpoints | None = None

    # -- Beginning ------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """From construction to the last message."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._agent = self._process.guarded(self._begin)
        self._core = core_of(self._agent)
        # The loop's bell: it rings for calls, for commands and for signals, wherever the main thread waits.
        self._bell = self._core.mailbox.bell
        self._bell.ring_at_signals()
        self._process.tell_started((self._agent.name, self._uri, self._shutdowns))
        self._keep_vigil()
        if self._process.run_at_once:
            self._ask_to_run()
        while self._next_command() == _RUN:
            self._run()
            if self._core.ending or self._failure is not None:
                break
        self._finish()
        if self._failure is not None:
            self._process.tell_failed(self._failure)
            raise SystemExit(1)

    def _begin(self) -> Agent:
        process = self._process
        host = numeric_host(process.host or LOCALHOST)
        address: SocketAddress = nameserver_address(process.nsaddr)
        if not process.run_at_once or process.succession:  # else the starter has just asked
            locate_ns(address)
        if process.advertise:
            config['ADVERTISE'] = numeric_host(process.advertise)
        # Bound first: an address that cannot be had is known before anything is constructed.
        self._daemon = Daemon(host, process.port or 0, _advertised(host, process.advertise))
        recorder = None if process.memory is None else Recorder(process.memory, process.tell_noted)
        expect_recall(process.base, recorder)
        # Bases that take the arguments of 0.6.5 and no others are still good, as long as nobody asks for more.
        more = {} if process.security is None else {'security': process.security}
        agent: Agent = process.base(
            name=process.agent_name,
            host=host,
            serializer=process.serializer,
            transport=process.transport,
            attributes=process.attributes,
            **more,
        )
        core = core_of(agent)
        core.lifeline = self
        if process.on_error is not None:
            core.on_error = process.on_error
        record = None if recorder is None else recorder.record
        self._daemon.register(AgentServant(agent, self._ask_to_run, record), agent._uuid.decode())
        self._uri = self._daemon.uri(agent._uuid.decode())
        self._restore(core)
        self._daemon.start()
        process.name = agent.name
        registration = Registration(address, self._entry(), process.succession)
        try:
            self._shutdowns = registration.enroll()
        except BaseException:
            core.close()  # nobody will know it, and nobody else would end what it owns
            raise
        self._registration = registration
        return agent

    def _restore(self, core: Core) -> None:
        """Give the agent what the one had whose place it takes, before anybody can reach it."""
        if self._process.memory is not None:
            replay(core, self._process.memory)
            self._process.memory.forget_calls()
        self._state = checkpoints_of(core, self._process)
        if self._state is not None:
            self._state.load()

    def _entry(self) -> AgentStatus:
        process, pid = self._process, os.getpid()
        return AgentStatus(
            process.name,
            self._uri,
            pid=pid,
            pid_started=process_started(pid),
            host=socket.gethostname(),
            kind=public_name(process.base),
            since=time.time(),
            lease=get_lease(),
            supervised=process.ends_with_loop,
        )

    def _keep_vigil(self) -> None:
        """Wait, in one thread, for the ends of the starter and of the name server."""
        if self._registration is not None:
            starter = None if config['ORPHANS'] == 'stay' else self._process.starter
            Vigil(self._registration, starter, self._orphaned, self._nameless).start()

    def _command(self, command: str) -> None:
        self._commands.append(command)
        if self._bell is not None:
            self._bell.ring()

    def _next_command(self) -> str:
        """Wait for what the main thread is to do next."""
        bell = self._core.mailbox.bell
        while not self._commands:
            wait_readable([bell.fd], None)
            bell.silence()
        return self._commands.popleft()

    def _ask_to_run(self) -> None:
        """Have the main thread run the agent; asking an agent that runs already means nothing."""
        with self._asking:
            if self._run_asked or (self._core.running and self._core.loop.keep_alive):
                return
            self._run_asked = True
            self._command(_RUN)

    def _run(self) -> None:
        self._run_asked = False
        self._in_loop = True
        try:
            self._agent.run()
        except BaseException as error:
            # Nobody can use an agent that could not even begin to run: it is as if it had never been started.
            self._core.ending = True
            self._remove_name(f'it could not start: {type(error).__name__}: {error}')
            if self._process.ends_with_loop:
                self._failure = error
            else:
                self._process.tell_failed(error)
            self._core.log('ERROR', f'An exception occurred while starting to run! ({error})')
        finally:
            self._in_loop = False
        if self._state is not None and self._core.begun and self._core.crash is None:
            self._state.save()

    # -- What the agent's core asks for (osbrain._agent.core.Lifeline) ------------------------------------------------

    def report(self, state: str, reason: str | None) -> None:
        """Tell the name server, and a starter that waits for it, how the agent is."""
        if state == 'running':
            self._process.tell_started(self._uri)
            if self._state is not None:
                self._state.begin()
        if self._registration is not None:
            self._registration.report(state, reason)

    def watch(self, callback: Callable[[AgentEvent], object]) -> Watch:
        """Have *callback* told of each event of the name server, from another thread."""
        return Watch(nameserver_address(self._process.nsaddr), callback)

    def checkpoint(self) -> None:
        """Save the agent's state now, if anybody keeps it."""
        if self._state is not None:
            self._state.save()

    def stand_in(self) -> tuple[Any, ...]:
        """Return what pickle writes where the agent itself is to leave its process: an unsafe proxy."""
        process = self._process
        return Proxy._at(process.name, self._uri, nameserver_address(process.nsaddr), False).__reduce__()

    def end(self) -> None:
        """End the process although its loop may be stuck: the name goes now, the process when this call is answered."""
        self._remove_name('it was killed')
        threading.Thread(target=self._exit, name='osbrain-exit', daemon=True).start()

    def crashed(self, error: BaseException) -> None:
        """Note that *error* stops the agent's loop; the process ends with it if somebody starts it again then."""
        if self._process.ends_with_loop and not self._core.ending:
            self._failure = error

    def fail(self, error: BaseException) -> None:
        """End the agent, and then its process with the exit code of a failure, which the starter is told."""
        self._failure = error
        try:
            if not self._process.ends_with_loop:  # nobody listens who would decide what to do
                self._core.log('ERROR', error)
        finally:
            self._core.end()
            self._command(_END)

    def renew(self) -> None:
        """Have the starter start the agent again once it has ended; :class:`NobodyRestarts` if it would not."""
        process = self._process
        if not process.ends_with_loop or not process.tell_planned():
            raise NobodyRestarts(process.name)
        self._core.why_ending = _RENEWED

    def _exit(self) -> None:
        self._tell_ordered()
        self._core.recent.end()
        self._daemon.wait_answered(_ANSWER_WAIT)
        end_workers()
        os._exit(0)

    def _orphaned(self) -> None:
        """End the agent, which nobody is left to end; by force if its handler does not come to an end."""
        self._core.why_ending = _ORPHANED
        if self._state is not None:
            self._state.forsake()
        self._core.end()
        self._command(_END)
        threading.Event().wait(_MERCY)
        self._core.remove_files()
        self._remove_name(_ORPHANED)
        end_workers()
        os._exit(1)

    def _nameless(self, error: NameTaken) -> None:
        """Say that the agent goes on without its name: another has got it while the name server was away."""
        self._core.log('ERROR', f'Nobody finds this agent any more: {error}')

    # -- Ending ---------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, frame: Any) -> None:
        """End the agent as a shutdown does, but break into whatever its handler is doing."""
        core = getattr(self, '_core', None)
        if core is None:
            raise KeyboardInterrupt
        if core.ending:
            return
        # A terminal sends Ctrl-C to everybody: nobody is to be started again then.
        core.ordered = core.ordered or number == signal.SIGINT
        core.end()
        if self._in_loop:
            raise Interrupted
        self._command(_END)

    def _finish(self) -> None:
        """Deliver what was sent, free every address, then the name, then end."""
        core = self._core
        core.ending = True
        self._tell_ordered()
        self._daemon.close_listener()
        core.recent.end()
        self._daemon.wait_answered(_ANSWER_WAIT)
        linger = get_linger()
        core.close()
        core.wires.terminate(_DELIVERY)
        self._remove_name(core.why_ending or core.reason or 'it was shut down')
        if linger:
            core.wires.wait_delivered(None if linger < 0 else linger / 1000)
        release_workers()

    def _tell_ordered(self) -> None:
        if self._core.ordered and self._process.ends_with_loop:
            self._process.tell_ordered()

    def _remove_name(self, why: str) -> None:
        if self._registration is not None:
            self._registration.remove(why)


class _Forks:
    """Lets a process that was forked from an agent's be ended as others are: it has no loop that could be told."""

    _ENDING = frozenset({signal.SIGINT, signal.SIGTERM})

    def __init__(self) -> None:
        self._before = threading.local()

    def hold(self) -> None:
        """Before the fork: what comes for the child before it is ready is kept for it."""
        if getattr(signal.getsignal(signal.SIGTERM), '__func__', None) is Life._on_signal:
            self._before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._ENDING)

    def release(self) -> None:
        """After it, in both."""
        mask = self._before.__dict__.pop('mask', None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def forget(self) -> None:
        """After it, in the child."""
        if 'mask' in self._before.__dict__:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
        self.release()


_forks = _Forks()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_forks.hold, after_in_parent=_forks.release, after_in_child=_forks.forget)


def _advertised(host: str, advertise: str | None) -> str | None:
    """Return the host under which others reach what is bound to *host*; ``None`` if it is that one."""
    if advertise:
        return numeric_host(advertise)
    if host not in ('0.0.0.0', '::'):  # noqa: S104  (asks whether somebody chose to)
        return None
    # Connecting a datagram socket sends nothing; it makes the system choose the interface that leads elsewhere.
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('2001:db8::1' if ':' in host else '192.0.2.1', 9))
            return str(probe.getsockname()[0])
        except OSError:
            return LOCALHOST
