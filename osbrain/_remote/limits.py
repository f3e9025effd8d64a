"""What the system grants a process that serves many."""

from __future__ import annotations

import contextlib
from types import ModuleType

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None


# More than a process of ours ever opens; some systems grant millions and make every start pay for them.
_ENOUGH = 65536


def allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes a descriptor, 1,024 are soon gone."""
    if resource is None:
        return
    with contextlib.suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return
        wanted = max(soft, _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH))
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
