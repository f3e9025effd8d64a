"""What the system grants a process that serves many."""

from __future__ import annotations

import contextlib
import sys


def allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes a descriptor, and 1,024 are soon gone."""
    if sys.platform == 'win32':
        return
    import resource  # noqa: PLC0415  (not there on every platform)

    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
