"""One measurement: a fresh process, a time limit, one line of JSON; and nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .contender import SCRIPTS, Place

# No work takes as long on any machine that is worth measuring; whoever does hangs.
LIMIT = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a measurement has come to: numbers by name, or a reason why there are none."""

    values: dict[str, float] = field(default_factory=dict)
    failed: str = ''
    unavailable: str = ''


def measure(place: Place, script: str, arguments: Sequence[str], limit: float = LIMIT) -> Outcome:
    """Run a contender's script and return what it has measured."""
    # A Unix socket's path may have 107 bytes: stay near the root.
    short = '/tmp' if Path('/tmp').is_dir() else None  # noqa: S108 - the folder below it has a name of its own
    with tempfile.TemporaryDirectory(prefix='obench', dir=short, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        command = [place.python, str(SCRIPTS / script), *arguments]
        with (folder / 'out').open('wb') as out, (folder / 'err').open('wb') as err:
            try:
                code = _run(command, place.environment(folder), folder, (out, err), limit)
            except subprocess.TimeoutExpired:
                last = last_line(_text(folder / 'err'))
                return Outcome(failed=f'no result within {limit:g} s' + (last and f'; {last}'))
            except OSError as error:
                return Outcome(failed=str(error))
        return read(code, _text(folder / 'out'), _text(folder / 'err'))


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[BinaryIO, BinaryIO],
    limit: float,
) -> int:
    """Run *command* in a process group of its own, of which nothing is left when this returns or raises."""
    process = subprocess.Popen(  # noqa: S603 - our own script, and the interpreter that the user named
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=streams[0],
        stderr=streams[1],
        start_new_session=True,
    )
    try:
        return process.wait(limit)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(path: Path) -> str:
    return path.read_text(encoding='utf-8', errors='replace')


def read(code: int, out: str, err: str) -> Outcome:
    """Make an outcome of how a script has ended and of what it printed; name servers of 0.6.5 print too."""
    found = next((line for line in reversed(out.splitlines()) if line.startswith('{')), None)
    if code or found is None:
        return Outcome(failed=last_line(err) or f'ended with code {code} and without a result')
    result = json.loads(found)
    if 'unavailable' in result:
        return Outcome(unavailable=result['unavailable'])
    return Outcome(values=result)


def last_line(err: str) -> str:
    """Return the last line that says something: of a traceback, the error."""
    return next((line.strip() for line in reversed(err.splitlines()) if line.strip()), '')
