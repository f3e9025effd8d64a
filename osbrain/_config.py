"""The settings that programs change at any time; read when needed, never copied at import."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from .errors import OptionInvalid

POSIX = os.name == 'posix'

# Less does not hold what agents and name servers say to each other; Pyro4 writes no more into one message.
_LEAST_LIMIT = 65_536
_MOST_LIMIT = 2**31 - 1


def _ipc_dir() -> Path:
    if not POSIX:
        return Path()
    return Path(os.environ.get('XDG_RUNTIME_DIR') or Path.home()) / '.osbrain_ipc'


def _serializer() -> str:
    # Where pickles are forbidden (osbrain._security.policy), nobody wants one by default.
    allowed = os.environ.get('OSBRAIN_ALLOW_PICKLE', 'on').lower() != 'off'
    return os.environ.get('OSBRAIN_DEFAULT_SERIALIZER') or ('pickle' if allowed else 'json')


def _defaults() -> dict[str, Any]:
    return {
        # The five settings of 0.6.5.
        'SAFE': os.environ.get('OSBRAIN_DEFAULT_SAFE', 'true') != 'false',
        'SERIALIZER': _serializer(),
        'LINGER': float(os.environ.get('OSBRAIN_DEFAULT_LINGER', '1.')),
        'TRANSPORT': os.environ.get('OSBRAIN_DEFAULT_TRANSPORT', 'ipc' if POSIX else 'tcp'),
        'IPC_DIR': _ipc_dir(),
        # Seconds that connect() waits for a subscription to be live before it goes on without knowing.
        'CONNECT_WAIT': 0.2,
        # Seconds that recv() and send() wait by default; None is for ever, as in 0.6.5.
        'RECV_TIMEOUT': None,
        'SEND_TIMEOUT': None,
        # What becomes of agents and name servers when the program that started them dies: 'end' or 'stay'.
        'ORPHANS': 'end',
        # The host that tcp addresses name where a socket is bound to every interface; None keeps what was bound.
        'ADVERTISE': None,
        # Requests that one agent may have open on its channels at once; None is no limit.
        'REQUEST_LIMIT': 1_000_000,
        # What a failing handler does to its agent: 'stop' (0.6.5) or 'continue'.
        'ON_ERROR': 'stop',
        # Seconds that a new process may take from its start to its registration (so also for on_init).
        'START_TIMEOUT': 300.0,
        # Buffers of this many bytes travel beside the pickle, each in a frame of its own.
        # Below it the second frame costs more than the copy (benchmarks of 16 KiB to 256 KiB agree on this order).
        'OUT_OF_BAND_MIN': 65536,
        # Seconds within which an agent on another host than its name server has to be heard of, or counts as dead;
        # and within which agents are back at a name server that was started again.
        'LEASE': 5.0,
        # Connections that an agent or a name server serves at once.
        'MAX_CONNECTIONS': 4096,
        # What protects a socket: 'curve', 'none', or None for the rule (see the manual, "Who is let in").
        'SECURITY': os.environ.get('OSBRAIN_SECURITY') or None,
        # Whether a socket that runs what its senders wrote may be open to everybody who reaches it.
        'LET_STRANGERS_RUN_CODE': False,
        # Bytes that one call to an agent, or its answer, may have.
        'MAX_MESSAGE_SIZE': 64 * 1024 * 1024,
        # Seconds in which whoever connects to an agent or a name server has to show that it has the cluster's key.
        'HANDSHAKE_TIMEOUT': 2.0,
    }


config: dict[str, Any] = _defaults()


def get_linger(seconds: float | None = None) -> int:
    """Return linger in milliseconds; ``None`` is ``config['LINGER']`` as it is now, negative is for ever (-1)."""
    value = float(config['LINGER'] if seconds is None else seconds)
    return -1 if value < 0 else int(value * 1000)


def get_lease() -> float:
    """``config['LEASE']`` in seconds."""
    value = config['LEASE']
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise OptionInvalid("osbrain.config['LEASE']", value, 'a number of seconds above 0')
    return float(value)


def message_limit() -> int:
    """``config['MAX_MESSAGE_SIZE']`` in bytes."""
    value = config['MAX_MESSAGE_SIZE']
    if isinstance(value, bool) or not isinstance(value, int) or not _LEAST_LIMIT <= value <= _MOST_LIMIT:
        allowed = f'a number of bytes from {_LEAST_LIMIT:,} to {_MOST_LIMIT:,}'
        raise OptionInvalid("osbrain.config['MAX_MESSAGE_SIZE']", value, allowed)
    return value


def handshake_timeout() -> float:
    """``config['HANDSHAKE_TIMEOUT']`` in seconds."""
    value = config['HANDSHAKE_TIMEOUT']
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise OptionInvalid("osbrain.config['HANDSHAKE_TIMEOUT']", value, 'a number of seconds above 0')
    return float(value)


def is_default_ipc_dir(folder: Path) -> bool:
    """Whether *folder* is the one that is used where nobody has named another."""
    return folder == _ipc_dir().absolute()


def ipc_dir() -> Path:
    """``config['IPC_DIR']``, absolute; made on first use for the owner alone."""
    directory = Path(config['IPC_DIR']).absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def start_method() -> str:
    """How new processes are started: ``OSBRAIN_START_METHOD`` or the default of the platform."""
    allowed = ('forkserver', 'spawn', 'fork') if POSIX else ('spawn',)
    chosen = os.environ.get('OSBRAIN_START_METHOD') or allowed[0]
    if chosen not in allowed:
        raise OptionInvalid('OSBRAIN_START_METHOD', chosen, 'one of ' + ', '.join(allowed))
    return chosen
