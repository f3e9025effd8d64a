"""Where sockets are: what a person writes for an address, and the endpoint that ZeroMQ wants."""

from __future__ import annotations

import errno
import ipaddress
import socket
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from .._config import ipc_dir, is_default_ipc_dir
from .._ids import unique_identifier
from .._io.errors import BindFailed
from .._security.private_folders import close_to_others
from ..address import AgentAddress, address_to_host_port
from ..errors import AddressInvalid, PortInvalid

# The system's limit for the path of a Unix socket, the closing zero left out (unix(7)).
_LONGEST_PATH = 107


_LAST_PORT = 65535


# Folders that this process has found closed to others.
_closed: set[Path] = set()


def closed_ipc_dir() -> Path:
    """Return ``config['IPC_DIR']``; looked at when it is first used, whether other users are kept out of it."""
    folder = ipc_dir()
    if folder not in _closed:
        close_to_others(folder, may_tighten=is_default_ipc_dir(folder))
        _closed.add(folder)
    return folder


class Place(NamedTuple):
    """Where to bind: ZeroMQ's endpoint, the file of an ipc socket, and whether somebody chose it."""

    endpoint: str
    path: str | None
    chosen: bool


def numeric_host(host: str) -> str:
    """*host* as a numeric address, IPv4 where there is a choice; :class:`~osbrain.errors.AddressInvalid` if unknown."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressInvalid(host, f'This host is not known ({error})') from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


def checked_port(port: Any) -> int:
    """Return *port* if it is one; ZeroMQ and the system would take other numbers for some port too."""
    if not isinstance(port, int) or isinstance(port, bool):
        raise PortInvalid(port)
    if not 0 <= port <= _LAST_PORT:
        raise AddressInvalid(port, f'A port is a number between 0 and {_LAST_PORT}')
    return port


def tcp_endpoint(host: str, port: int | str) -> str:
    """ZeroMQ's text for a tcp address."""
    return f'tcp://[{host}]:{port}' if ':' in host else f'tcp://{host}:{port}'


def place_to_bind(transport: str, addr: Any, default_host: str) -> Place:
    """Where ``bind(transport=transport, addr=addr)`` means."""
    if transport == 'tcp':
        host, port = address_to_host_port(addr)
        if port is not None:
            checked_port(port)
        host = numeric_host(host or default_host)
        return Place(tcp_endpoint(host, '*' if port is None else port), None, port is not None)
    if addr is not None and not isinstance(addr, (str, Path)):
        raise AddressInvalid(addr, f'An {transport} address is a text')
    name = str(addr) if addr is not None else unique_identifier().decode()
    if transport == 'inproc':
        return Place(f'inproc://{name}', None, addr is not None)
    path = closed_ipc_dir() / name
    if len(str(path).encode()) > _LONGEST_PATH:
        raise AddressInvalid(
            str(path), f"longer than the {_LONGEST_PATH} bytes of a socket path; shorten osbrain.config['IPC_DIR']"
        )
    if addr is not None:
        _refuse_taken(path)
    return Place(f'ipc://{path}', str(path), addr is not None)


def place_again(addr: Any, kept: AgentAddress | None) -> Any:
    """Return *addr* as given to ``bind``, with what nobody has chosen in it as it was in the address *kept*."""
    if kept is None:
        return addr
    if kept.transport != 'tcp':
        return str(kept.address) if addr is None else addr
    host, port = address_to_host_port(addr)
    return addr if port else SimpleNamespace(host=host, port=kept.address.port)


def _refuse_taken(path: Path) -> None:
    """Refuse *path* if somebody uses the socket there; a socket file that nobody listens on is taken over."""
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return
    if not is_socket:
        raise AddressInvalid(str(path), 'A file that is no socket has this name')
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise BindFailed(errno.EADDRINUSE, f'cannot bind ipc://{path} (a socket of that name is in use)')


def bound_address(transport: str, place: Place, endpoint: str, addr: Any, advertise: str | None) -> Any:
    """Return what others are to connect to: the host as it was given (or *advertise*), the port as it became."""
    if transport == 'tcp':
        port = int(endpoint.rpartition(':')[2])
        given, _ = address_to_host_port(addr)
        named = advertise or given
        host = numeric_host(named) if named else host_of(endpoint) or ''
        return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
    if transport == 'ipc':
        return Path(place.path or '')
    return place.endpoint.partition('://')[2]


def host_of(endpoint: str) -> str | None:
    """Return the host in ZeroMQ's text for a tcp address; ``None`` for other transports."""
    transport, _, where = endpoint.partition('://')
    return where.rpartition(':')[0].strip('[]') if transport == 'tcp' else None


def endpoint_of(address: AgentAddress) -> str:
    """Return the ZeroMQ endpoint to connect to."""
    if address.transport == 'tcp':
        return tcp_endpoint(address.address.host, address.address.port)
    return f'{address.transport}://{address.address}'
