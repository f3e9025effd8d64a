"""Processes of this machine: whether one is still the one that it was."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def started(pid: int) -> int:
    """When *pid* was started, in clock ticks since the system was (proc(5), field 22); 0 where nobody can say."""
    try:
        stat = Path(f'/proc/{pid}/stat').read_bytes()
    except OSError:
        return 0
    # The name in field 2 may contain anything, so fields are counted from its closing bracket.
    return int(stat.rpartition(b')')[2].split()[19])


def is_alive(pid: int, when: int) -> bool:
    """Whether *pid* is still the process that was started at *when* (0: only the number can be asked about)."""
    try:
        state = Path(f'/proc/{pid}/stat').read_bytes().rpartition(b')')[2].split()
    except FileNotFoundError:
        if Path('/proc/self/stat').exists():
            return False
        return _answers(pid)
    except OSError:
        return _answers(pid)
    return state[0] not in (b'Z', b'X') and (not when or int(state[19]) == when)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def kill(pid: int, when: int) -> None:
    """End process *pid* without mercy if it is still the one that was started at *when*."""
    with contextlib.suppress(OSError):
        if is_alive(pid, when):
            os.kill(pid, 9)


def space() -> str:
    """Name the place where pids mean the same: this boot of this machine, and this namespace; '' if nobody can say."""
    try:
        return Path('/proc/sys/kernel/random/boot_id').read_text().strip() + str(Path('/proc/self/ns/pid').readlink())
    except OSError:
        return ''
