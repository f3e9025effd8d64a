"""What a process tells of itself to whoever looks for what does not fit together."""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

# What has to fit between processes: the bytes on the wires, and what is pickled.
_PACKAGES = ('pyzmq', 'Pyro4', 'cloudpickle')


class Checkup(NamedTuple):
    """The versions, the place and the clock of one process."""

    osbrain: str
    python: str
    #: By the name of the package.
    packages: dict[str, str]
    host: str
    pid: int
    #: The process's clock, in seconds since the epoch.
    when: float


def checkup() -> Checkup:
    """Return what there is to tell of this process."""
    packages = {name: found for name in _PACKAGES if (found := _version(name))}
    # Looked up when asked, because the front door imports this room.
    ours = getattr(sys.modules.get(__package__.partition('.')[0]), '__version__', 'unknown')
    return Checkup(ours, platform.python_version(), packages, socket.gethostname(), os.getpid(), time.time())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ''
