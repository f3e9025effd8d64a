"""What the numbers were measured on: they mean nothing without it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .contender import SCRIPTS, Place
from .measurement import last_line

_LIMIT = 60.0  # seconds to tell a version


class NoRelease(Exception):
    """An interpreter that cannot take part, and why."""


def machine() -> dict[str, Any]:
    """Return what the machine is: model and number of cores, kernel, and the time by its clock."""
    return {
        'cpu': cpu_model(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
        'system': f'{platform.system()} {platform.release()}',
        'load': list(os.getloadavg()),
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
    }


def cpu_model(cpuinfo: Path = Path('/proc/cpuinfo')) -> str:
    """Return the name of the processor; its kind where the system does not tell more."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def versions(place: Place) -> dict[str, str | None]:
    """Ask an interpreter for its versions; :class:`NoRelease` if it has no osbrain to measure."""
    with tempfile.TemporaryDirectory() as name:
        try:
            result = subprocess.run(  # noqa: S603 - our own script, and the interpreter that the user named
                [place.python, str(SCRIPTS / 'versions.py')],
                env=place.environment(Path(name)),
                cwd=name,
                capture_output=True,
                text=True,
                timeout=_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoRelease(str(error)) from None
    if result.returncode:
        raise NoRelease(last_line(result.stderr) or f'it ended with code {result.returncode}')
    found: dict[str, str | None] = json.loads(result.stdout.splitlines()[-1])
    if found['osbrain'] is None:
        raise NoRelease('osbrain is not installed there')
    return found
