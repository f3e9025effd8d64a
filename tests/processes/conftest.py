"""Give tests of real processes a name server that is gone when they are."""

import os

import pytest

import osbrain
from osbrain import run_nameserver


@pytest.fixture
def nsproxy():
    """A running name server; whatever is registered when the test ends is shut down with it."""
    ns = run_nameserver()
    yield ns
    ns.shutdown()


@pytest.fixture
def open_to_strangers(monkeypatch):
    """Have agents started from now on talk to bare ZeroMQ peers, also where reading a message may run code."""
    monkeypatch.setitem(osbrain.config, 'SECURITY', 'none')
    monkeypatch.setitem(osbrain.config, 'LET_STRANGERS_RUN_CODE', True)


@pytest.fixture
def patient_connects(monkeypatch):
    """Have agents started from now on wait until a subscription is live, whatever else the machine does."""
    monkeypatch.setitem(osbrain.config, 'CONNECT_WAIT', 10.0)


@pytest.fixture
def so_far(capfd):
    """What whatever process has written so far, to 'out' or 'err'.

    For those who wait for it: ``capfd.readouterr()`` empties the file, and what is written just then is lost.
    """

    def read(name):
        fd = getattr(capfd._capture, name).tmpfile.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode(errors='replace')

    return read
