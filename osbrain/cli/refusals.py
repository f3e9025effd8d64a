"""What the system says when it does not let a command listen: how the command ends then, and how that is told."""

from __future__ import annotations

import errno

from ..address import SocketAddress
from .exits import Exit
from .failure import Failure

_FORBIDDEN = (Exit.PORT_FORBIDDEN, 'port {port} is forbidden to this user (those from 1024 up are not)')
_REFUSALS = {
    errno.EADDRINUSE: (
        Exit.PORT_TAKEN,
        'port {port} of {host} is in use{by} (without {option} one that is free is taken)',
    ),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EADDRNOTAVAIL: (Exit.NOT_THIS_MACHINE, '{host} is not an address of this machine'),
    errno.EAFNOSUPPORT: (Exit.NOT_THIS_MACHINE, 'this machine has no addresses like {host}'),
}


def refusal(error: OSError, address: SocketAddress, option: str, by: str = '') -> Failure:
    """Say why nobody can listen at *address*; *option* is what chose its port, *by* who is known to have it."""
    code, sentence = _REFUSALS.get(error.errno or 0, (Exit.FAILED, 'cannot listen at {host}:{port}: {error}'))
    by = f' by {by}' if by and code is Exit.PORT_TAKEN else ''
    return Failure(code, sentence.format(host=address.host, port=address.port, by=by, option=option, error=error))
