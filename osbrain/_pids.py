"""Processes of this machine: whether one is still the one that it was, and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

#: What is said of a process of which nothing else is known.
ENDED = 'its process has ended'


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


def is_frozen(pid: int) -> bool:
    """Whether a signal or a debugger has stopped process *pid*, which then does nothing until it is let go on."""
    try:
        return Path(f'/proc/{pid}/stat').read_bytes().rpartition(b')')[2].split()[0] in (b'T', b't')
    except OSError:
        return False


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def descriptor(pid: int, when: int) -> int | None:
    """Open what becomes readable when process *pid*, started at *when*, ends (pidfd_open(2)); the caller closes it.

    ``None`` where the system gives none; ``ProcessLookupError`` if the process has ended already.
    """
    if not hasattr(os, 'pidfd_open'):
        return None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:  # no descriptor left, or forbidden here
        return None
    # Looked at with the descriptor in hand: from here on nobody else can get this number.
    if not is_alive(pid, when):
        os.close(fd)
        raise ProcessLookupError(pid)
    return fd


def kill(pid: int, when: int) -> None:
    """End process *pid* without mercy if it is still the one that was started at *when*."""
    with contextlib.suppress(OSError):
        if is_alive(pid, when):
            os.kill(pid, 9)


def how_ended(pid: int, when: int) -> str:
    """Put into words how process *pid*, started at *when*, has ended; it is known until the process is reaped."""
    code = _exit_code(pid, when)
    return ENDED if code is None else in_words(code)


def in_words(code: int | None) -> str:
    """Put an exit code into words; a negative one is a signal, as :mod:`multiprocessing` writes it."""
    if code is None:
        return 'nothing is known of how'
    if code >= 0:
        return f'exit code {code}'
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f'signal {-code}'
    hint = ' (the system may have been out of memory)' if name == 'SIGKILL' else ''
    return f'killed by {name}{hint}'


def _exit_code(pid: int, when: int) -> int | None:
    entry = Path(f'/proc/{pid}')
    try:
        # Others' are shown as 0 to whoever may not trace them (proc(5), field 52).
        mine = os.geteuid() in (0, entry.stat().st_uid)
        state = (entry / 'stat').read_bytes().rpartition(b')')[2].split()
    except OSError:
        return None
    if not mine or state[0] != b'Z' or len(state) < 50 or (when and int(state[19]) != when):
        return None
    return os.waitstatus_to_exitcode(int(state[49]))


def space() -> str:
    """Name the place where pids mean the same: this boot of this machine, and this namespace; '' if nobody can say."""
    try:
        return Path('/proc/sys/kernel/random/boot_id').read_text().strip() + str(Path('/proc/self/ns/pid').readlink())
    except OSError:
        return ''
