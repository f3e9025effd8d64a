"""A process of tests is this one: what it changes of itself is put back."""

import multiprocessing.process
import os
import sys
import types
import warnings
from pathlib import Path

import pytest

import osbrain
from osbrain._launch import modules


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


@pytest.fixture
def main(monkeypatch):
    """A script's ``__main__`` in place of the test runner's; nothing of other scripts is remembered."""
    made = types.ModuleType('__main__')
    monkeypatch.setitem(sys.modules, '__main__', made)
    monkeypatch.setattr(modules, '_known', {})

    def script(source):
        exec(source, vars(made))
        return made

    return script


@pytest.fixture
def restored():
    """Put back everything that becoming another process changes."""
    process = multiprocessing.process.current_process()
    kept = (dict(os.environ), Path.cwd(), list(sys.path), list(sys.argv), bytes(process.authkey), dict(osbrain.config))
    finders, main = list(sys.meta_path), sys.modules['__main__']
    with warnings.catch_warnings():
        yield
    environment, directory, sys.path[:], sys.argv[:], process.authkey, config = kept
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    osbrain.config.clear()
    osbrain.config.update(config)
    sys.meta_path[:] = finders
    sys.modules['__main__'] = main
