"""Which sockets are closed to strangers: the rule, and what may be asked for instead of it."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

from .._config import config
from ..errors import OptionInvalid, Unprotected

CURVE = 'curve'
NONE = 'none'
_CHOICES = (CURVE, NONE)

#: Serializers that run code of the sender's while they read a message.
EXECUTING = frozenset({'pickle', 'cloudpickle', 'dill'})

#: The second switch: without it, nobody gets a socket that lets strangers run code.
RISK = 'LET_STRANGERS_RUN_CODE'


#: What :func:`checked_security` calls the value that is in the configuration.
SETTING = "osbrain.config['SECURITY']"


def checked_security(value: Any, what: str = 'security') -> str | None:
    """Return *value* if it is 'curve', 'none' or ``None`` (the rule); else :class:`~osbrain.errors.OptionInvalid`."""
    if value is None or value in _CHOICES:
        return value  # type: ignore[no-any-return]
    raise OptionInvalid(what, value, "'curve', 'none', or None for what the rule says")


def is_loopback(host: str) -> bool:
    """Whether *host* (a numeric address) leads nowhere but to this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, 'ipv4_mapped', None)
    return (mapped or address).is_loopback


def security_of(wanted: str | None, transport: str, host: str | None, serializer: str) -> str:
    """Return what protects a socket: 'curve' or 'none'.

    *wanted* is what was asked for, the socket's own before its agent's before ``config['SECURITY']``; ``None`` is the
    rule: over tcp, a serializer that runs code takes messages from key holders only, and so does every socket that
    others than this machine reach. Files of ipc sockets are in a folder that is closed to other users.
    :class:`~osbrain.errors.Unprotected` for what would let strangers run code.
    """
    wanted = wanted or checked_security(config['SECURITY'], SETTING)
    if transport == 'inproc':
        return NONE
    if wanted is None:
        if transport != 'tcp':
            return NONE
        return CURVE if serializer in EXECUTING or not is_loopback(host or '') else NONE
    if wanted == NONE and transport == 'tcp' and serializer in EXECUTING and not config[RISK]:
        raise Unprotected(serializer, RISK)
    return wanted


def pickle_allowed() -> bool:
    """Whether data may be read by serializers that run code (``OSBRAIN_ALLOW_PICKLE``, on unless it says ``off``)."""
    value = (os.environ.get('OSBRAIN_ALLOW_PICKLE') or 'on').lower()
    if value not in ('on', 'off'):
        raise OptionInvalid('OSBRAIN_ALLOW_PICKLE', value, "'on' or 'off'")
    return value == 'on'
