"""How the command ends, as names."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of ``python -m benchmarks``; a target that was missed is a result and no failure."""

    OK = 0
    FAILED = 1  # a measurement failed, or a file could not be written
    USAGE = 2
    INTERRUPTED = 130  # what shells report for a command that Ctrl-C has ended: 128 + SIGINT
