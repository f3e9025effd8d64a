"""What a process tells of itself to whoever looks for what does not fit together."""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import NamedTuple

# What has to fit between processes, the bytes on the wires and what is pickled: by what each is imported as.
_PACKAGES = {'pyzmq': 'zmq', 'Pyro4': 'Pyro4', 'cloudpickle': 'cloudpickle'}


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
    packages = {package: _version(module) for package, module in _PACKAGES.items()}
    python = '.'.join(str(number) for number in sys.version_info[:3])
    ours = _version(__package__.partition('.')[0])
    return Checkup(ours, python, packages, socket.gethostname(), os.getpid(), time.time())


def _version(module: str) -> str:
    """Return the version of what has been imported: what is installed may have been replaced since."""
    return str(getattr(sys.modules.get(module), '__version__', 'unknown'))
