"""The process of an agent, from its first line to its last."""

from __future__ import annotations

import contextlib
import multiprocessing.process
import os
import signal
import socket
import threading
from collections import deque
from typing import Any

from ._agent.agent import Agent
from ._agent.core import Interrupted, checked_policy, core_of, forget_core_of_this_thread
from ._agent.places import checked_port, numeric_host
from ._config import config, get_linger
from ._io.poller import Bell, wait_readable
from ._launch.process import LaunchedProcess
from ._pids import started as process_started
from ._remote.addresses import LOCALHOST, nameserver_address, uri_text
from ._remote.daemon import Daemon
from ._remote.directory import AgentStatus
from ._remote.errors import NameTaken
from ._remote.limits import allow_many_files
from ._remote.link import Link
from ._remote.servant import AgentServant
from .address import AgentAddressSerializer, AgentAddressTransport, SocketAddress, address_to_host_port
from .errors import NameInvalid, OsBrainError, StartFailed, WaitTimeout
from .proxy import NAMESERVER, Proxy, locate_ns

__all__ = ['AgentProcess', 'run_agent']

# How long an agent's loop may take to run, once the agent is registered.
_RUN_WAIT = 3.0
# How long one message to the name server may take while an agent ends.
_FAREWELL = 1.0
# How long calls that came in may take to be answered once the agent is ending.
_ANSWER_WAIT = 0.5
# How long what was sent may take to be delivered before the name is given up; what takes longer goes on after that.
_DELIVERY = 0.2
# After this, AgentProcess.kill() stops asking.
_MERCY = 2.0

_RUN = 'run'
_END = 'end'


class AgentProcess(LaunchedProcess):
    """The process of one agent.

    Parameters
    ----------
    name : str
        The agent's name; one is made up if it is empty.
    nsaddr
        Address of the name server; ``OSBRAIN_NAMESERVER_ADDRESS`` if there is none.
    addr
        Host, or host and port, on which the agent answers remote calls, and whose host is the default of its tcp
        sockets; this machine and a free port without it.
    serializer, transport, base, attributes
        As for :func:`run_agent`.

    """

    def __init__(
        self,
        name: str = '',
        nsaddr: Any = None,
        addr: Any = None,
        serializer: str | None = None,
        transport: str | None = None,
        base: type[Agent] = Agent,
        attributes: dict[str, Any] | None = None,
        on_error: str | None = None,
        advertise: str | None = None,
    ) -> None:
        super().__init__()
        # The agent makes one up if there is none (its own identifier).
        self.agent_name = checked_name(name)
        if self.agent_name:
            self.name = self.agent_name
        self.nsaddr = nsaddr
        self.host, self.port = address_to_host_port(addr)
        if self.port is not None:
            checked_port(self.port)
        self.base = base
        self.serializer = serializer and str(AgentAddressSerializer(serializer))
        self.transport = transport and str(AgentAddressTransport(transport))
        self.attributes = attributes
        self.on_error = None if on_error is None else checked_policy(on_error)
        self.advertise = advertise
        self.run_at_once = False
        self.uri = ''

    def start(self) -> str:  # type: ignore[override]  # as in 0.6.5
        """Start the process; the agent's name, once it is registered and can be reached (it does not run yet).

        ``RuntimeError`` with the remote traceback if anything on the way there fails.
        """
        self.nsaddr = self.nsaddr or os.environ.get('OSBRAIN_NAMESERVER_ADDRESS')
        self.name, self.uri = self.launch(config['START_TIMEOUT'])
        return self.name

    def kill(self) -> None:
        """End the process from outside, without asking the agent; returns at once, the process is gone soon."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid or 0, signal.SIGINT)

        def insist() -> None:
            self.join(_MERCY)
            if self.is_alive():
                multiprocessing.process.BaseProcess.kill(self)

        threading.Thread(target=insist, name='osbrain-kill', daemon=True).start()

    def run(self) -> None:
        """Be the agent (in the new process)."""
        forget_core_of_this_thread()
        allow_many_files()
        _Life(self).live()


def _public_name(cls: type) -> str:
    """Name *cls* as people know it: ours are in private rooms."""
    module = 'osbrain' if cls.__module__.startswith('osbrain.') else cls.__module__
    return f'{module}.{cls.__qualname__}'


def checked_name(name: Any) -> str:
    """*name* if an agent can have it; empty means that one is to be made up."""
    if name is None or name == '':
        return ''
    if not isinstance(name, str):
        raise NameInvalid(name, 'a name is a text')
    if name == NAMESERVER:
        raise NameInvalid(name, 'this is the name server itself')
    return name


class _Life:
    """One agent's life: construction, registration, running, and an end that leaves nothing behind."""

    def __init__(self, process: AgentProcess) -> None:
        self._process = process
        self._commands: deque[str] = deque()
        self._bell: Bell | None = None
        self._reports = 0
        self._in_loop = False
        self._run_asked = False
        self._asking = threading.Lock()
        self._gone = threading.Lock()
        self._removed = False
        self._ns: Link | None = None
        self._uri = ''

    # -- Beginning ------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """From construction to the last message."""
        signal.signal(signal.SIGINT, self._on_signal)
        self._agent = self._process.guarded(self._begin)
        self._core = core_of(self._agent)
        # The loop's bell: it rings for calls, for commands and for signals, wherever the main thread waits.
        self._bell = self._core.mailbox.bell
        self._bell.ring_at_signals()
        self._process.tell_started((self._agent.name, self._uri))
        if config['ORPHANS'] != 'stay':
            self._process.when_starter_is_gone(self._orphaned)
        if self._process.run_at_once:
            self._ask_to_run()
        while self._next_command() == _RUN:
            self._run()
            if self._core.ending:
                break
        self._finish()

    def _begin(self) -> Agent:
        process = self._process
        host = numeric_host(process.host or LOCALHOST)
        address: SocketAddress = nameserver_address(process.nsaddr)
        locate_ns(address)
        if process.advertise:
            config['ADVERTISE'] = numeric_host(process.advertise)
        # Bound first: an address that cannot be had is known before anything is constructed.
        self._daemon = Daemon(host, process.port or 0, _advertised(host, process.advertise))
        agent = process.base(
            name=process.agent_name,
            host=host,
            serializer=process.serializer,
            transport=process.transport,
            attributes=process.attributes,
        )
        core = core_of(agent)
        core.lifeline = self
        if process.on_error is not None:
            core.on_error = process.on_error
        self._daemon.register(AgentServant(agent, self._daemon, self._ask_to_run), agent._uuid.decode())
        self._uri = self._daemon.uri(agent._uuid.decode())
        self._daemon.start()
        self._ns = Link(uri_text('osbrain.nameserver', address), f'the name server at {address}')
        process.name = agent.name
        self._ns.call('unsafe', 'enroll', (self._entry(),), {}, timeout=10.0)
        return agent

    def _entry(self) -> AgentStatus:
        process, pid = self._process, os.getpid()
        return AgentStatus(
            process.name,
            self._uri,
            pid=pid,
            pid_started=process_started(pid),
            host=socket.gethostname(),
            kind=_public_name(process.base),
        )

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
            self._remove_name()
            self._process.tell_failed(error)
            self._core.log('ERROR', f'An exception occurred while starting to run! ({error})')
        finally:
            self._in_loop = False

    # -- What the agent's core asks for (osbrain._agent.core.Lifeline) ------------------------------------------------

    def report(self, state: str, reason: str | None) -> None:
        """Tell the name server, and a starter that waits for it, how the agent is."""
        self._reports += 1
        if state == 'running':
            self._process.tell_started(self._uri)
        if self._ns is not None:
            with contextlib.suppress(OsBrainError):
                args = (self._process.name, self._uri, self._reports, state, reason)
                self._ns.tell('unsafe', 'report', args, {}, timeout=_FAREWELL)

    def end(self) -> None:
        """End the process although its loop may be stuck: the name goes now, the process when this call is answered."""
        self._remove_name()
        threading.Thread(target=self._exit, name='osbrain-exit', daemon=True).start()

    def _exit(self) -> None:
        self._daemon.wait_answered(_ANSWER_WAIT)
        os._exit(0)

    def _orphaned(self) -> None:
        """End the agent, which nobody is left to end; by force if its handler does not come to an end."""
        self._core.end()
        self._command(_END)
        threading.Event().wait(_MERCY)
        self._core.remove_files()
        self._remove_name()
        os._exit(1)

    # -- Ending ---------------------------------------------------------------------------------------------------

    def _on_signal(self, number: int, frame: Any) -> None:
        """Ctrl-C ends an agent as a shutdown does, but breaks into whatever its handler is doing."""
        core = getattr(self, '_core', None)
        if core is None:
            raise KeyboardInterrupt
        if core.ending:
            return
        core.end()
        if self._in_loop:
            raise Interrupted
        self._command(_END)

    def _finish(self) -> None:
        """Deliver what was sent, free every address, then the name, then end."""
        core = self._core
        core.ending = True
        self._daemon.close_listener()
        self._daemon.wait_answered(_ANSWER_WAIT)
        linger = get_linger()
        core.close()
        core.terminate(_DELIVERY)
        self._remove_name()
        if linger:
            core.wait_delivered(None if linger < 0 else linger / 1000)

    def _remove_name(self) -> None:
        with self._gone:
            if self._removed or self._ns is None:
                return
            self._removed = True
            with contextlib.suppress(OsBrainError):
                self._ns.call('unsafe', 'remove_at', (self._process.name, self._uri), {}, timeout=_FAREWELL)


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


def run_agent(
    name: str = '',
    nsaddr: Any = None,
    addr: Any = None,
    base: type[Agent] = Agent,
    serializer: str | None = None,
    transport: str | None = None,
    safe: bool | None = None,
    attributes: dict[str, Any] | None = None,
    on_error: str | None = None,
    advertise: str | None = None,
) -> Proxy:
    """Start an agent in a process of its own and return its proxy, once it runs.

    Parameters
    ----------
    name : str
        Unique among the agents of the name server; one is made up if it is empty.
    nsaddr
        Address of the name server (``'host:port'``, or what ``ns.addr()`` returns); the last one that was started if
        there is none.
    addr
        Host, or host and port, of the agent's remote calls; its host is the default for tcp sockets.
    base : type
        The agent's class.
    serializer, transport : str
        Defaults for the agent's sockets.
    safe : bool
        The default mode of the proxy (``config['SAFE']``).
    attributes : dict
        Set on the agent before its ``on_init``.
    on_error : str
        What a failing handler, timer or called method does: ``'stop'`` the agent (``config['ON_ERROR']``, the default)
        or let it ``'continue'``; it is logged and counted either way.
    advertise : str
        The host under which others reach this machine, where *addr* is another one (such as 0.0.0.0).

    ``RuntimeError`` with the cause if the start fails; nothing is left behind then. ``TimeoutError`` if the agent is
    there but does not run within three seconds.

    """
    process = AgentProcess(name, nsaddr, addr, serializer, transport, base, attributes, on_error, advertise)
    address = nameserver_address(nsaddr)
    _refuse_taken_name(process.agent_name, address)
    process.run_at_once = True
    process.start()
    try:
        process.wait_for_word(_RUN_WAIT)
    except WaitTimeout:
        raise WaitTimeout('Timed out while waiting for the agent to be running', _RUN_WAIT) from None
    except StartFailed:
        # It may have died without a word, its name still registered.
        _forget_name(process, address)
        raise
    return Proxy._at(process.name, process.uri, address, safe)


def _forget_name(process: AgentProcess, address: SocketAddress) -> None:
    ns = Link(uri_text('osbrain.nameserver', address), f'the name server at {address}')
    with contextlib.suppress(OsBrainError):
        ns.call('unsafe', 'remove_at', (process.name, process.uri), {}, timeout=_FAREWELL)
    ns.release()


def _refuse_taken_name(name: str, address: SocketAddress) -> None:
    """Refuse a name that is taken before anything is started; the name server has the last word later."""
    try:
        locate_ns(address)
    except WaitTimeout as error:
        raise StartFailed(f'TimeoutError: {error}', name) from error
    ns = Link(uri_text('osbrain.nameserver', address), f'the name server at {address}')
    try:
        if name in ns.call('unsafe', 'agents', (), {}, timeout=_RUN_WAIT):
            taken = NameTaken(name)
            raise StartFailed(f'NamingError: {taken}', name) from taken
    finally:
        ns.release()
