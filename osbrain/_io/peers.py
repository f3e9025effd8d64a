"""Whether anybody is connected to bound sockets: asked of the system, because ZeroMQ does not tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# States of connections in /proc/net (include/net/tcp_states.h and include/uapi/linux/net.h).
_TCP_ESTABLISHED = '01'
_UNIX_CONNECTED = '03'


def with_peers(endpoints: Iterable[str]) -> set[str]:
    """Those of *endpoints* that somebody is connected to; all of them where nobody can say."""
    wanted = set(endpoints)
    try:
        paths, ports = _connected_paths(), _connected_ports()
    except (OSError, IndexError):
        return wanted
    return {endpoint for endpoint in wanted if _is_connected(endpoint, paths, ports)}


def _is_connected(endpoint: str, paths: set[str], ports: set[str]) -> bool:
    transport, _, where = endpoint.partition('://')
    if transport == 'ipc':
        return where in paths
    if transport == 'tcp':
        return f'{int(where.rpartition(":")[2]):04X}' in ports
    return True


def _connected_paths() -> set[str]:
    rows = (line.split() for line in Path('/proc/net/unix').read_text().splitlines()[1:])
    return {row[7] for row in rows if len(row) > 7 and row[5] == _UNIX_CONNECTED}


def _connected_ports() -> set[str]:
    tables = [table for table in (Path('/proc/net/tcp'), Path('/proc/net/tcp6')) if table.exists()]
    rows = (line.split() for table in tables for line in table.read_text().splitlines()[1:])
    return {row[1].rpartition(':')[2] for row in rows if row[3] == _TCP_ESTABLISHED}
