"""What the system grants a process that serves many."""

from __future__ import annotations

import contextlib
from types import ModuleType

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None


def allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes a descriptor, 1,024 are soon gone."""
    if resource is None:
        return
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
