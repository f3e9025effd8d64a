"""The process of an agent, from its first line to its last."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._agent.agent import Agent
from ._agent.core import checked_policy, forget_core_of_this_thread
from ._agent.places import checked_port
from ._config import config
from ._launch.process import LaunchedProcess
from ._life import Life
from ._memory import Memory
from ._protocol.timerheap import checked_seconds
from ._remote.addresses import VARIABLE, nameserver_address
from ._remote.errors import AnotherCluster, NameTaken, ShutDownMeanwhile
from ._remote.limits import allow_many_files
from ._remote.link import Link, nameserver_link
from ._remote.shutdown import ask_to_end
from ._remote.status import Succession, here
from ._security.policy import SETTING, checked_security
from ._supervision.alone import look_after
from ._supervision.intensity import checked_limits
from ._supervision.restarts import checked_restart
from .address import AgentAddressSerializer, AgentAddressTransport, SocketAddress, address_to_host_port
from .errors import NameInvalid, OptionInvalid, OsBrainError, RemoteError, StartFailed, WaitTimeout
from .proxy import NAMESERVER, Proxy, locate_ns

__all__ = ['AgentProcess', 'run_agent']

# How long an agent's loop may take to run, once the agent is registered.
RUN_WAIT = 3.0
# How long the name server may take to forget an agent that died.
_FAREWELL = 1.0
# After this, AgentProcess.kill() stops asking.
_MERCY = 2.0
# What shells make of a program that Ctrl-C has ended: 128 and the number of the signal.
_INTERRUPTED = 130


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
    serializer, transport, base, attributes, on_error, advertise, checkpoint, state, security
        As for :func:`run_agent`.
    memory
        What is remembered for a process that takes this one's place (see :meth:`again`); ``None`` is nothing.

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
        memory: Memory | None = None,
        checkpoint: float | None = None,
        state: str | Path | None = None,
        security: str | None = None,
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
        self.security = checked_security(security)
        checked_security(config['SECURITY'], SETTING)
        self.on_error = None if on_error is None else checked_policy(on_error)
        self.advertise = advertise
        self.memory = memory
        self.checkpoint = checked_checkpoint(checkpoint, base)
        self.state_path = None if state is None else checked_state_path(state, base)
        self.run_at_once = False
        #: Whether a failure that stops the agent ends its process too, because somebody starts it again then.
        self.ends_with_loop = False
        #: What the name server is to know when the name is, or was just now, somebody else's.
        self.succession: Succession | None = None
        self.uri = ''
        #: Whether the agent has said that it runs.
        self.runs = False
        self._shutdowns = 0

    def start(self) -> str:  # type: ignore[override]  # as in 0.6.5
        """Start the process; the agent's name, once it is registered and can be reached (it does not run yet).

        ``RuntimeError`` with the remote traceback if anything on the way there fails.
        """
        self.nsaddr = self.nsaddr or os.environ.get(VARIABLE)
        self.launch(config['START_TIMEOUT'])
        return self.name

    def hear(self) -> Any:
        """As for every process; what the first words of an agent say is noted: where it is, and that it runs."""
        try:
            word = super().hear()
        except StartFailed as failed:
            self.ordered = self.ordered or _is_ordered(failed.__cause__)
            raise
        if word is not None:
            if self.uri:
                self.runs = True
            else:
                self.name, self.uri, self._shutdowns = word
        return word

    def again(self) -> AgentProcess:
        """Return a new, unstarted process with the arguments and the memory of this one, to take its place and name."""
        self.catch_up()
        process = type(self).__new__(type(self))
        LaunchedProcess.__init__(process)
        process.__dict__.update(self.state())
        if self.uri:
            # A name that was made up for it is its name from now on.
            process.agent_name = self.name
            patience = self.succession.patience if self.succession else 0.0
            process.succession = Succession(self.uri, self._shutdowns, patience)
        process.uri, process.runs, process._shutdowns = '', False, 0
        process.ordered = process.planned = False
        return process

    def ask_to_end(self) -> None:
        """Have the agent shut down, without waiting; one that cannot be reached is interrupted."""
        if not self.uri:
            self.interrupt()
            return
        link = Link(self.uri, f'agent {self.name!r}')
        try:
            ask_to_end(0.0)(link)
        except Exception:
            # Out of reach, or this process is out of descriptors: whatever it is, the agent is to end.
            self.interrupt()
        finally:
            link.release()

    def interrupt(self) -> None:
        """Break into whatever the agent is doing: it ends by itself, and cleans up."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    def begin(self) -> None:
        """As every process; what is saved must be of use to somebody."""
        if self.checkpoint is not None and self.memory is None and self.state_path is None:
            raise OptionInvalid('checkpoint', self.checkpoint, 'used with state=, or for an agent that is restarted')
        super().begin()

    def kill(self) -> None:
        """End the process from outside, without asking the agent; returns at once, the process is gone soon."""
        if not self.is_alive():
            return
        self.interrupt()

        def insist() -> None:
            self.join(_MERCY)
            if self.is_alive():
                self.force_end()

        threading.Thread(target=insist, name='osbrain-kill', daemon=True).start()

    def noted(self, note: Any) -> None:
        """Remember what the agent's process has noted."""
        if self.memory is not None:
            self.memory.take(note)

    def run(self) -> None:
        """Be the agent (in the new process)."""
        forget_core_of_this_thread()
        try:
            allow_many_files()
            Life(self).live()
        except KeyboardInterrupt:
            # It came before the agent could take notice of it. A traceback would tell nobody anything.
            self.tell_ordered()
            raise SystemExit(_INTERRUPTED) from None


def _is_ordered(cause: BaseException | None) -> bool:
    """Whether a start failed because of Ctrl-C, or because all agents were shut down meanwhile."""
    interrupted = isinstance(cause, RemoteError) and cause.type_name == 'builtins.KeyboardInterrupt'
    return interrupted or isinstance(cause, ShutDownMeanwhile)


def checked_name(name: Any) -> str:
    """*name* if an agent can have it; empty means that one is to be made up."""
    if name is None or name == '':
        return ''
    if not isinstance(name, str):
        raise NameInvalid(name, 'a name is a text')
    if name == NAMESERVER:
        raise NameInvalid(name, 'this is the name server itself')
    return name


def checked_checkpoint(period: Any, base: type[Agent]) -> float | None:
    """*period* if the state of a *base* can be saved so often."""
    if period is None:
        return None
    seconds = checked_seconds(period, 'checkpoint')
    if not seconds:
        raise OptionInvalid('checkpoint', period, 'a number of seconds above 0')
    if not hasattr(base, 'save_state'):
        raise OptionInvalid('checkpoint', period, 'used with a base that defines save_state(self)')
    return seconds


def checked_state_path(path: Any, base: type[Agent]) -> str:
    """*path*, absolute, if the state of a *base* can be kept there."""
    if not isinstance(path, (str, Path)) or not str(path):
        raise OptionInvalid('state', path, 'the path of a file')
    if not hasattr(base, 'save_state'):
        raise OptionInvalid('state', path, 'used with a base that defines save_state(self)')
    where = Path(path).absolute()
    if where.is_dir() or not where.parent.is_dir():
        raise OptionInvalid('state', path, 'the path of a file in a folder that is there')
    return str(where)


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
    restart: str | None = None,
    max_restarts: int = 3,
    within: float = 5.0,
    checkpoint: float | None = None,
    state: str | Path | None = None,
    security: str | None = None,
) -> Proxy:
    """Start an agent in a process of its own and return its proxy, once it runs.

    Parameters
    ----------
    name : str
        Unique among the agents of the name server; one is made up if it is empty.
    nsaddr
        Address of the name server: ``'host:port'``, or what ``ns.addr()`` returns; that of the last one by default.
    addr
        Host, or host and port, of the agent's remote calls; its host is the default for tcp sockets.
    base, attributes : type, dict
        The agent's class, and what is set on the agent before its ``on_init``.
    serializer, transport : str
        Defaults for the agent's sockets.
    safe : bool
        The default mode of the proxy (``config['SAFE']``).
    on_error : str
        What a failing handler, timer or called method does: ``'stop'`` the agent (``config['ON_ERROR']``, the default)
        or let it ``'continue'``; it is logged and counted either way.
    advertise : str
        The host under which others reach this machine, where *addr* is another one (such as 0.0.0.0).
    restart : str
        Start the agent again after its end, ``'permanent'`` always, ``'transient'`` if it died (:doc:`/supervision`).
    max_restarts, within : int, float
        More restarts within so many seconds: it is given up, with an error on standard error.
    checkpoint : float
        Save the agent's state (``save_state``) every so many seconds, and not only when it stops.
    state : str or Path
        The file that keeps it beyond this program; if it is there, the agent begins with what is in it.
    security : str
        The default of the agent's sockets: ``'curve'`` lets in who has the cluster's key, ``'none'`` whoever comes;
        ``None`` is ``config['SECURITY']``, then the rule (:doc:`/security`).

    ``RuntimeError`` with the cause if the start fails; nothing is left behind then. ``TimeoutError`` if the agent is
    there but does not run within three seconds.

    """
    given = (name, nsaddr, addr, serializer, transport, base, attributes, on_error, advertise)
    process = AgentProcess(*given, checkpoint=checkpoint, state=state, security=security)
    return _run(process, safe, checked_care(process, restart, max_restarts, within))


def _run(process: AgentProcess, safe: bool | None, care: Callable[[], None]) -> Proxy:
    """Start *process* and return the proxy of its agent once it runs, and somebody takes care of it."""
    address = nameserver_address(process.nsaddr)
    refuse_taken_names([process.agent_name], address)
    process.run_at_once = True
    process.start()
    wait_until_it_runs(process, address)
    care()
    return Proxy._at(process.name, process.uri, address, safe)


def wait_until_it_runs(process: AgentProcess, address: SocketAddress) -> None:
    """Wait for an agent that is registered; ``TimeoutError`` if it takes too long, and nothing is left if it fails."""
    try:
        process.wait_for_word(RUN_WAIT)
    except WaitTimeout:
        raise WaitTimeout('Timed out while waiting for the agent to be running', RUN_WAIT) from None
    except KeyboardInterrupt:
        process.kill()
        raise
    except StartFailed:
        # It may have died without a word, its name still registered.
        free_names([process], address)
        raise


def checked_care(process: AgentProcess, restart: Any, max_restarts: Any, within: Any) -> Callable[[], None]:
    """Return what has *process* started again from the moment at which it runs; prepare it for that."""
    limits = checked_limits(max_restarts, within)
    if restart is None:
        return lambda: None
    kind = checked_restart(restart)
    process.ends_with_loop, process.memory = True, Memory()
    return lambda: look_after(process.name, process, kind, *limits, config['START_TIMEOUT'])


def free_names(processes: list[AgentProcess], address: SocketAddress) -> None:
    """Have the name server forget *processes*, which have ended, by whatever names it knows them."""
    pids = {process.pid for process in processes}
    ns = nameserver_link(address)
    with contextlib.suppress(OsBrainError):
        for record in ns.call('unsafe', 'status', (), {}, timeout=_FAREWELL).values():
            if here(record) and record.pid in pids:
                ns.call('unsafe', 'remove_at', (record.name, record.uri), {}, timeout=_FAREWELL)
    ns.release()


def refuse_taken_names(names: list[str], address: SocketAddress) -> None:
    """Refuse names that are taken before anything is started; the name server has the last word later."""
    try:
        locate_ns(address)
    except (WaitTimeout, AnotherCluster) as error:
        raise StartFailed(f'TimeoutError: {error}', names[0]) from error
    ns = nameserver_link(address)
    try:
        taken = ns.call('unsafe', 'taken', (names,), {}, timeout=RUN_WAIT)
    finally:
        ns.release()
    for name in taken:
        refusal = NameTaken(name)
        raise StartFailed(f'NamingError: {refusal}', name) from refusal
