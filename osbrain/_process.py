"""The process of an agent, from its first line to its last."""

from __future__ import annotations

import contextlib
import multiprocessing.process
import os
import signal
import threading
from typing import Any

from ._agent.agent import Agent
from ._agent.core import checked_policy, forget_core_of_this_thread
from ._agent.places import checked_port
from ._config import config
from ._launch.process import LaunchedProcess
from ._life import Life
from ._remote.addresses import VARIABLE, nameserver_address
from ._remote.errors import NameTaken
from ._remote.limits import allow_many_files
from ._remote.link import nameserver_link
from ._remote.status import here
from .address import AgentAddressSerializer, AgentAddressTransport, SocketAddress, address_to_host_port
from .errors import NameInvalid, OsBrainError, StartFailed, WaitTimeout
from .proxy import NAMESERVER, Proxy, locate_ns

__all__ = ['AgentProcess', 'run_agent']

# How long an agent's loop may take to run, once the agent is registered.
RUN_WAIT = 3.0
# How long the name server may take to forget an agent that died.
_FAREWELL = 1.0
# After this, AgentProcess.kill() stops asking.
_MERCY = 2.0


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
        self.nsaddr = self.nsaddr or os.environ.get(VARIABLE)
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
        Life(self).live()


def checked_name(name: Any) -> str:
    """*name* if an agent can have it; empty means that one is to be made up."""
    if name is None or name == '':
        return ''
    if not isinstance(name, str):
        raise NameInvalid(name, 'a name is a text')
    if name == NAMESERVER:
        raise NameInvalid(name, 'this is the name server itself')
    return name


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
    refuse_taken_names([process.agent_name], address)
    process.run_at_once = True
    process.start()
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
    return Proxy._at(process.name, process.uri, address, safe)


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
    except WaitTimeout as error:
        raise StartFailed(f'TimeoutError: {error}', names[0]) from error
    ns = nameserver_link(address)
    try:
        taken = ns.call('unsafe', 'taken', (names,), {}, timeout=RUN_WAIT)
    finally:
        ns.release()
    for name in taken:
        refusal = NameTaken(name)
        raise StartFailed(f'NamingError: {refusal}', name) from refusal
