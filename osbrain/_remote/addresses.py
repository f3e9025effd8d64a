"""Where name servers are: what programs write, and what the environment says when they write nothing."""

from __future__ import annotations

import os
from typing import Any

from .._agent.places import checked_port, numeric_host
from ..address import SocketAddress, address_to_host_port
from ..errors import AddressInvalid

VARIABLE = 'OSBRAIN_NAMESERVER_ADDRESS'
LOCALHOST = '127.0.0.1'


def nameserver_address(nsaddr: Any) -> SocketAddress:
    """Return the address that *nsaddr* means, the environment's if it is empty; ``ValueError`` if there is none."""
    nsaddr = nsaddr or os.environ.get(VARIABLE)
    if not nsaddr:
        raise AddressInvalid(nsaddr, f'No name server: pass nsaddr=, set {VARIABLE}, or call run_nameserver() first')
    return socket_address(nsaddr)


def socket_address(addr: Any) -> SocketAddress:
    """*addr* (text, ``(host, port)`` value, or a port of this machine) as a numeric address with a port."""
    if isinstance(addr, int) and not isinstance(addr, bool):
        return SocketAddress(LOCALHOST, checked_port(addr))
    host, port = address_to_host_port(addr)
    if port is None:
        raise AddressInvalid(addr, 'A port is needed, as in host:port')
    return SocketAddress(numeric_host(host or LOCALHOST), checked_port(port))


def uri_text(object_id: str, address: SocketAddress) -> str:
    """Write the Pyro URI of an object served at *address*."""
    return f'PYRO:{object_id}@{address}'
