"""Give the tests of the benchmarks the modules of the contenders, which are run by path and in no package."""

import signal
import sys
from pathlib import Path

import pytest

CONTENDERS = Path(__file__).resolve().parents[2] / 'benchmarks' / 'contenders'


@pytest.fixture(autouse=True)
def same_signals():
    """The commands take SIGTERM in; the tests that follow shall not notice."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def contenders(monkeypatch):
    """Make the modules of the contenders importable, and forget them after the test: their names are anybody's."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(CONTENDERS))
    yield CONTENDERS
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], '__file__', None) or '').startswith(str(CONTENDERS)):
            del sys.modules[name]
