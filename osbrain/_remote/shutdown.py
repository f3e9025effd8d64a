"""Ending all agents of a name server: ask, then kill, then end what does not react, each in its share of the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .._clock import Deadline, monotonic
from .._pids import kill as kill_process
from ..errors import OsBrainError, ShutdownTimeout
from .directory import Directory
from .link import Link
from .status import here

# How long one agent may take to take a request in.
_CONTACT = 0.5
# Of the time for shutting down: when those left are killed, and when their processes are.
_KILL_AT = 0.5
_END_AT = 0.75


@dataclass(frozen=True)
class ShutdownReport:
    """What shutting down did, by names of agents, and how many seconds it took."""

    #: Ended by themselves.
    clean: tuple[str, ...]
    #: Had to be killed.
    killed: tuple[str, ...]
    #: Had died before, without giving their names back; nobody has had these names since.
    gone: tuple[str, ...]
    #: Are still there.
    left: tuple[str, ...]
    seconds: float


def shut_agents_down(ns: Link, nsaddr: Any, timeout: float, drain: float) -> ShutdownReport:
    """Drive the name server *ns* through it; :class:`~osbrain.errors.ShutdownTimeout` if agents are left at the end."""
    began = monotonic()
    deadline = Deadline(max(0.0, timeout))

    def remote(method: str, *args: Any) -> Any:
        return ns.call('unsafe', method, args, {}, timeout=max(3.0, timeout + 1))

    def wait_until(share: float) -> list[str]:
        seconds = max(0.0, share * timeout - (monotonic() - began))
        return ns.call('unsafe', 'wait_until_empty', (seconds,), {}, timeout=seconds + 3)  # type: ignore[no-any-return]

    remote('reap')
    gone: tuple[str, ...] = tuple(remote('take_buried'))
    names: list[str] = remote('agents')
    left = names
    if names:
        remote('set_drain', drain)
        remote('async_shutdown_agents', nsaddr)
        left = wait_until(_KILL_AT) if not deadline.expired else names
    killed = tuple(left)
    if left:
        remote('async_kill_agents', nsaddr)
        if not deadline.expired:
            left = wait_until(_END_AT)
            if left:
                remote('end_processes')
                left = wait_until(1.0)
    if left:
        raise ShutdownTimeout(tuple(left), timeout)
    gone = (*gone, *remote('take_buried'))
    killed = tuple(name for name in killed if name not in gone)
    clean = tuple(name for name in names if name not in (*killed, *gone))
    return ShutdownReport(clean, killed, gone, tuple(left), monotonic() - began)


def each_agent(directory: Directory, do: Callable[[Link], None], wait: float) -> None:
    """Do something to every agent, in parallel; one out of reach is ignored, and forgotten if its process has ended."""

    def contact(name: str, uri: str) -> None:
        link = Link(uri, f'agent {name!r}')
        try:
            do(link)
        except OsBrainError:
            directory.reap()
        finally:
            link.release()

    entries = {name: str(uri) for name, uri in directory.list().items() if name in set(directory.agents())}
    threads = [
        threading.Thread(target=contact, args=entry, name='osbrain-shutdown', daemon=True) for entry in entries.items()
    ]
    _start_and_join(threads, Deadline(wait))


def _start_and_join(threads: Iterable[threading.Thread], deadline: Deadline) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(deadline.left)


def ask_to_end(drain: float) -> Callable[[Link], None]:
    """Shut an agent down if it runs, kill it otherwise."""
    return lambda link: link.tell('end', drain, timeout=_CONTACT)


def ask_to_kill(link: Link) -> None:
    """Kill an agent."""
    link.tell('kill', timeout=_CONTACT)


def end_processes(directory: Directory) -> None:
    """End the processes of this machine's agents and forget their names."""
    for name, record in directory.status().items():
        if here(record):
            # Its name first: it has not died by itself.
            directory.remove_at(name, record.uri, 'it was killed')
            kill_process(record.pid, record.pid_started)
