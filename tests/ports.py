"""Ports that are free, and stay so until a test takes them."""

import os
import socket
from itertools import cycle, takewhile

# Above those out of which a name server chooses, below those that the system gives out (ip(7), ip_local_port_range):
# one that was free a moment ago is nobody else's by chance. Each worker of the tests has a part of its own.
_FIRST, _LAST = 20_001, 32_767
_WORKERS = 24
_EACH = (_LAST - _FIRST) // _WORKERS
_number = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')) % _WORKERS
_ports = cycle(range(_FIRST + _number * _EACH, _FIRST + (_number + 1) * _EACH))


def free_port(host='127.0.0.1'):
    """Return a port of *host* on which nobody listens, and that was not returned lately."""
    for _ in range(_EACH):
        port = next(_ports)
        if _is_free(host, port):
            return port
    raise OSError(f'no port of {host} is free')


def free_ports(count, host='127.0.0.1'):
    """Return so many in a row."""
    first = free_port(host)
    row = [first, *takewhile(lambda port: _is_free(host, port), (next(_ports) for _ in range(count - 1)))]
    return row if row == list(range(first, first + count)) else free_ports(count, host)


def _is_free(host, port):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
