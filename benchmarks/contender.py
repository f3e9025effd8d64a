"""Who takes part: bare pyzmq, this library and another release, each with its interpreter and surroundings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / 'contenders'

_LEFT_OUT = ('PYTHON', 'OSBRAIN_DEFAULT_', 'OSBRAIN_NAMESERVER_', 'OSBRAIN_SECURITY', 'OSBRAIN_ALLOW_PICKLE')


class Contender(Enum):
    """The columns of the table."""

    BARE = 'bare'
    THIS = 'this'
    OTHER = 'other'


@dataclass(frozen=True)
class Place:
    """An interpreter, whether it is to find the osbrain that these benchmarks belong to, and settings for it."""

    python: str = sys.executable
    own: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self, folder: Path, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment of a measurement that leaves its files in *folder*.

        Defaults and name servers that are in the environment by accident are not measured.
        """
        inherited = {name: value for name, value in outside.items() if not name.startswith(_LEFT_OUT)}
        own = {'PYTHONPATH': str(HERE.parent)} if self.own else {}
        return {**inherited, **own, **self.settings, 'XDG_RUNTIME_DIR': str(folder), 'TMPDIR': str(folder)}
