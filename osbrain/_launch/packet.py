"""Everything that a new process has to be handed because it does not inherit it, and how it takes it on."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import os
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import cloudpickle

from .._config import config
from .._failures import Failure
from ..errors import StartFailed
from . import modules
from .main_module import MainModule, definitions_of_main


def pack(process: Any) -> bytes:
    """Pack *process*: the process itself and the surroundings that it would have inherited by a fork.

    :class:`~osbrain.errors.StartFailed` if something of it cannot be pickled.
    """
    main = definitions_of_main()
    try:
        body = cloudpickle.dumps((type(process), process.state(), config))
    except Exception as error:
        raise StartFailed(
            f'{type(error).__name__}: {error}\n'
            'The class, the attributes and the configuration of an agent travel to its process, '
            'so they must be picklable.',
            process.name,
        ) from error
    current = multiprocessing.process.current_process()
    surroundings = {
        'environment': dict(os.environ),
        'directory': _directory(),
        'path': list(sys.path),
        'arguments': list(sys.argv),
        'executable': sys.executable,
        'authkey': bytes(current.authkey),
        'parent': (os.getpid(), current.name),
        'name': process.name,
        'main': main,
        'main_file': getattr(sys.modules.get('__main__'), '__file__', None),
        'orphans': modules.orphans(),
        'warnings': [one for one in warnings.filters if one[1] is None and one[3] is None],
        'body': body,
    }
    return pickle.dumps(surroundings)


def _directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:
        return None


def run(packet: bytes, back: int) -> int:
    """Become the process of *packet*, run it, return its exit code; the descriptor *back* leads to its starter."""
    connection = multiprocessing.connection.Connection(back, readable=False)
    process: Any = None
    try:
        process = _unpack(packet)
    except BaseException as error:
        with contextlib.suppress(OSError):
            connection.send(('failed', tuple(Failure.of(error))))
        return 1
    process._back = connection
    return int(process._bootstrap())


def _unpack(packet: bytes) -> Any:
    given = pickle.loads(packet)
    os.environ.clear()
    os.environ.update(given['environment'])
    if given['directory'] is not None:
        with contextlib.suppress(OSError):
            os.chdir(given['directory'])
    sys.path[:] = given['path']
    sys.argv[:] = given['arguments']
    multiprocessing.process.current_process().authkey = given['authkey']
    warnings.filters[:0] = given['warnings']  # type: ignore[index]
    modules.adopt(given['orphans'])
    sys.modules['__main__'] = main = MainModule(given['main'], given['main_file'])
    cls, state, settings = pickle.loads(given['body'])
    main.adopt(state.get('base'))
    config.clear()
    config.update(settings)
    process = cls.__new__(cls)
    multiprocessing.Process.__init__(process, name=given['name'])
    process.__dict__.update(state)
    process._parent_pid, process._parent_name = given['parent']
    for stream in (sys.stdout, sys.stderr):
        # What an agent prints is seen when it prints it, wherever the output goes.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return process
