"""What can be wrong with a system, each with how it is mended: judgements of facts, which others have gathered."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._io.dead_sockets import dead_sockets
from .._pids import is_frozen
from .._remote.addresses import socket_address
from .._remote.checkup import Checkup
from .._remote.status import AgentStatus, here
from .._security.certificates import certificates, files
from .._security.keyring import VARIABLE, key_path, read_keyring
from .._security.policy import is_loopback
from .._stats import AgentStats
from ..errors import CertificateUnusable, KeyUnusable, OsBrainError
from .steering import line_of
from .system import listens

OK, WARNING, FAULT = 'ok', 'warning', 'fault'

# A certificate that is valid for less than this is to be renewed, in seconds.
_SOON = 30 * 86400.0
# Clocks of computers that ask a time server differ by less, in seconds.
_CLOCKS = 0.1
_DAY = 86400.0
# So many files are named; of more, their number is enough.
_FEW = 3


@dataclass(frozen=True)
class Finding:
    """What one check has found; ``state`` is ``'ok'``, ``'warning'`` or ``'fault'``."""

    check: str
    state: str
    what: str
    #: What to do about it.
    mend: str = ''


# -- This machine -------------------------------------------------------------------------------------------------


def check_key() -> Finding:
    """Whether this user has a key that nobody else can read."""
    try:
        path = key_path()
        if not path.exists() and not os.environ.get(VARIABLE):
            return Finding('key', OK, f'none yet; it is made when it is first needed: {path}')
        ring = read_keyring(path)
    except KeyUnusable as error:
        return Finding('key', FAULT, f'{error.path}: {error.problem}', error.mend)
    others = f', and {len(ring.keys) - 1} more accepted' if len(ring.keys) > 1 else ''
    return Finding('key', OK, f'{ring.current.fingerprint}{others}, in {path}')


def check_certificate(now: float) -> Finding:
    """Whether the certificate of this machine, if it has one, is of use."""
    try:
        if not any(path.exists() for path in files()):
            return Finding('certificate', OK, 'none; it is needed only where others are to reach this machine')
        found = certificates()
    except CertificateUnusable as error:
        return Finding('certificate', FAULT, f'{error.path}: {error.problem}', error.mend)
    except KeyUnusable as error:
        return Finding('certificate', FAULT, 'it cannot be judged without the key', error.mend)
    day = time.strftime('%Y-%m-%d', time.gmtime(found.ends))
    if found.ends - now < _SOON:
        left = int((found.ends - now) / _DAY)
        return Finding('certificate', WARNING, f'valid for {left} days, until {day}', 'osbrain keys certificate')
    return Finding('certificate', OK, f'valid until {day}')


def check_sockets(folder: Path) -> list[Finding]:
    """Whether the folder of ipc sockets is closed to others, and whether there are sockets in it that nobody has."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return [Finding('sockets', OK, f'no folder yet; it is made when it is first needed: {folder}')]
    except OSError as error:
        return [Finding('sockets', FAULT, f'{folder}: {error.strerror}', "name another folder in config['IPC_DIR']")]
    if hasattr(os, 'geteuid') and found.st_uid != os.geteuid():
        what = f'{folder} belongs to another user (number {found.st_uid})'
        return [Finding('sockets', FAULT, what, "name a folder of yours in config['IPC_DIR'], or in XDG_RUNTIME_DIR")]
    findings = []
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        what = f'other users can look into {folder} (mode {stat.S_IMODE(found.st_mode):04o})'
        findings.append(Finding('sockets', FAULT, what, f'chmod 700 {shlex.quote(str(folder))}'))
    dead = dead_sockets(folder)
    if dead:
        some = ' '.join(shlex.quote(str(path)) for path in dead[:_FEW])
        command = f'rm {some}' if len(dead) <= _FEW else f'osbrain nameserver, which removes them: {some} …'
        findings.append(Finding('sockets', WARNING, f'{len(dead)} in {folder} that nobody listens on', command))
    return findings or [Finding('sockets', OK, f'{folder} is closed to others; nobody has left any there')]


# -- The running system -------------------------------------------------------------------------------------------


def check_agent(record: AgentStatus, answer: Checkup | Exception | None) -> Finding:
    """How one agent is, by what the name server says of it and by what it has answered."""
    name = record.name
    if record.state == 'gone':
        what = f'{name} is still registered, but its process has ended ({record.reason})'
        return Finding('agent', FAULT, what, f'osbrain shutdown {shlex.quote(name)}, which removes the name')
    if not isinstance(answer, Checkup):
        return _unreachable(record, answer)
    if record.state == 'stopped':
        mend = f'osbrain logs {shlex.quote(name)} tells more; osbrain call {shlex.quote(name)} run has it go on'
        return Finding('agent', WARNING, f'{name} has stopped: {record.reason or "on request"}', mend)
    return Finding('agent', OK, f'{name} answers')


def _unreachable(record: AgentStatus, error: Exception | None) -> Finding:
    name, quoted = record.name, shlex.quote(record.name)
    kill = f'osbrain kill {quoted}'
    where = record.uri.rpartition('@')[2]
    try:
        address = socket_address(where)
    except (ValueError, OsBrainError):
        return Finding('port', FAULT, f'{name} is registered at {where}, which is no address', kill)
    if here(record) and is_frozen(record.pid):
        what = f'{name} is frozen: its process {record.pid} was stopped by a signal'
        return Finding('agent', FAULT, what, f'kill -CONT {record.pid}, or {kill}')
    if is_loopback(address.host) and record.host and not here(record):
        what = f'{name} is registered at {where}, which nobody reaches from outside of {record.host}'
        return Finding('port', FAULT, what, 'start it with addr= an address of that machine, or advertise=')
    if not listens(address):
        elsewhere = (
            '' if here(record) else f'; if it runs, a firewall may be in between: let port {address.port} through'
        )
        return Finding('port', FAULT, f'{name} is registered at {where}, where nobody listens', f'{kill}{elsewhere}')
    why = 'it did not answer' if error is None else line_of(error)
    return Finding('agent', FAULT, f'{name} does not answer: {why}', f'osbrain logs {quoted}, or {kill}')


def check_connections(
    agents: Iterable[tuple[AgentStatus, AgentStats]], nobody_at: Callable[[str], bool]
) -> list[Finding]:
    """Whether somebody is where agents are connected to; *nobody_at* is asked of places that no agent has bound."""
    known = list(agents)
    bound = {place for _, stats in known for end in stats.endpoints if end.role == 'server' for place in end.addresses}
    findings, places = [], 0
    for record, stats in known:
        for end in stats.endpoints:
            for place in end.addresses if end.role == 'client' else ():
                places += 1
                # What stands for a place of its own machine alone cannot be judged from another one.
                if place not in bound and _same_place(record, place) and nobody_at(place):
                    what = f'{end.alias!r} of {record.name} is connected to {place}, where nobody listens'
                    mend = 'start whoever is to bind there; who comes back elsewhere has to be connected to anew'
                    findings.append(Finding('connections', WARNING, what, mend))
    return findings or [Finding('connections', OK, f'{places}, and somebody is at the other end of each')]


def _same_place(record: AgentStatus, place: str) -> bool:
    transport, _, address = place.partition('://')
    if transport == 'tcp':
        return here(record) or not is_loopback(address.rpartition(':')[0].strip('[]'))
    return transport == 'ipc' and here(record)


def nobody_listens(place: str) -> bool:
    """Whether *place*, of tcp or ipc, is one where nobody accepts connections."""
    transport, _, address = place.partition('://')
    if transport == 'ipc':
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            return probe.connect_ex(address) in (errno.ECONNREFUSED, errno.ENOENT)
    try:
        return not listens(socket_address(address))
    except (ValueError, OsBrainError):
        return False


def check_versions(ours: Checkup, others: Mapping[str, Checkup]) -> list[Finding]:
    """Whether what runs elsewhere is what runs here; *others* by who they are."""
    findings = []
    for who, other in others.items():
        differ = [
            f'{package} {there} ({here} here)'
            for package, here, there in (
                ('osbrain', ours.osbrain, other.osbrain),
                # What is pickled with functions in it is read by the same minor version alone.
                ('Python', _minor(ours.python), _minor(other.python)),
                *((name, ours.packages.get(name, 'none'), there) for name, there in other.packages.items()),
            )
            if here != there
        ]
        if differ:
            mend = f'install the same versions on {other.host} and here, then start it again'
            findings.append(Finding('versions', WARNING, f'{who} has {", ".join(differ)}', mend))
    return findings or [Finding('versions', OK, f'osbrain {ours.osbrain} on Python {ours.python}, everywhere alike')]


def _minor(version: str) -> str:
    return '.'.join(version.split('.')[:2])


def check_clocks(offsets: Mapping[str, tuple[float, float]]) -> list[Finding]:
    """Whether the clocks of other hosts go as the one here: seconds that they are ahead, and how exact that is."""
    findings = []
    for host, (ahead, exact) in offsets.items():
        if abs(ahead) - exact > _CLOCKS:
            way = 'ahead of' if ahead > 0 else 'behind'
            what = f'the clock of {host} is {abs(ahead):.3g} s {way} the one here (give or take {exact:.2g} s)'
            mend = 'have both machines ask a time server (timedatectl set-ntp true)'
            findings.append(Finding('clocks', WARNING, what, mend))
    hosts = f'{len(offsets)} other host{"s" if len(offsets) != 1 else ""}'
    return findings or [Finding('clocks', OK, f'{hosts} within {_CLOCKS:g} s' if offsets else 'one machine, one clock')]


def worst(findings: Sequence[Finding]) -> str:
    """Return the gravest state among *findings*."""
    states = {finding.state for finding in findings}
    return next((state for state in (FAULT, WARNING) if state in states), OK)


def summary_of_agents(findings: Sequence[Finding]) -> list[Finding]:
    """Return *findings* of agents with one line for all that are well."""
    well = sum(finding.state == OK for finding in findings)
    bad = [finding for finding in findings if finding.state != OK]
    return [*bad, *([Finding('agent', OK, f'{well} answer{"s" if well == 1 else ""}')] if well or not bad else [])]
