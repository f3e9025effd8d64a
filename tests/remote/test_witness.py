"""The witness: who dies on this machine is noticed at once, whose lease runs out a little later."""

import os
import queue
import signal
import socket
import threading

import pytest

from osbrain._pids import started
from osbrain._remote import witness as module
from osbrain._remote.status import AgentStatus
from osbrain._remote.witness import LEASE_RAN_OUT, Witness

LIMIT = 5


@pytest.fixture
def dead():
    """What the witness has told."""
    return queue.Queue()


@pytest.fixture
def witness(dead):
    made = Witness(lambda record, how: dead.put((record.name, how)))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def child():
    """The record of a process that ends when it is killed; it is reaped when the test is over."""
    pids = []

    def fork(name='a0'):
        pid = os.fork()
        if pid == 0:
            try:
                # Whatever the process of the tests does at a signal, this one dies of it.
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                threading.Event().wait()
            finally:
                os._exit(1)
        pids.append(pid)
        return AgentStatus(
            name, f'PYRO:{name}@x:{pid}', pid=pid, pid_started=started(pid), host=socket.gethostname(), lease=LIMIT
        )

    yield fork
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture(params=['by descriptors', 'by looking'])
def way(request, monkeypatch):
    """With descriptors of processes, and without them."""
    if request.param == 'by looking':
        monkeypatch.setattr(module, '_pidfd', lambda record: None)
        monkeypatch.setattr(module, '_LOOK', 0.02)


def test_a_death_is_told_once_with_the_signal(way, witness, child, dead):
    first, second = child(), child('a1')
    assert witness.look_at(first) is True
    assert witness.look_at(second) is True
    os.kill(first.pid, signal.SIGKILL)
    name, how = dead.get(timeout=LIMIT)
    assert name == 'a0' and how.startswith('killed by SIGKILL')
    os.kill(second.pid, signal.SIGTERM)
    assert dead.get(timeout=LIMIT) == ('a1', 'killed by SIGTERM')
    assert dead.empty()


def test_who_is_looked_at_no_more_may_die_unseen(way, witness, child, dead):
    first, second = child(), child('a1')
    for record in (first, second):
        witness.look_at(record)
    witness.look_away(first)
    witness.look_away(first)
    # A round that had begun may still have the first one; it is over when a lease that began later has run out.
    witness.look_at(AgentStatus('far', 'x', pid=1, host='another machine', lease=0.01))
    assert dead.get(timeout=LIMIT) == ('far', LEASE_RAN_OUT)
    os.kill(first.pid, signal.SIGKILL)
    os.kill(second.pid, signal.SIGKILL)
    assert dead.get(timeout=LIMIT)[0] == 'a1'
    assert dead.empty()


def test_looking_at_the_same_one_again_changes_nothing(witness, child, dead):
    record = child()
    for _ in range(3):
        assert witness.look_at(record)
    assert len(witness._by_fd) == 1
    os.kill(record.pid, signal.SIGKILL)
    assert dead.get(timeout=LIMIT)[0] == 'a0'
    assert dead.empty() and witness._by_fd == {}


def test_a_pid_that_belongs_to_a_later_process_is_not_seen(witness, child):
    record = child()
    assert not witness.look_at(AgentStatus('a0', 'x', pid=record.pid, pid_started=1, host=record.host))


def test_who_is_elsewhere_dies_when_its_lease_runs_out(witness, dead):
    assert witness.look_at(AgentStatus('far', 'x', pid=1, host='another machine', lease=0.05)) is False
    assert dead.get(timeout=LIMIT) == ('far', LEASE_RAN_OUT)
    assert dead.empty()


def test_a_lease_that_is_renewed_does_not_run_out(witness, dead):
    long = AgentStatus('long', 'x', pid=1, host='another machine', lease=60.0)
    short = AgentStatus('short', 'y', pid=1, host='another machine', lease=0.05)
    for record in (long, short):
        witness.look_at(record)
    witness.renewed(AgentStatus('short', 'y', pid=1, host='another machine', lease=0.1))
    assert dead.get(timeout=LIMIT) == ('short', LEASE_RAN_OUT)
    assert dead.empty()


def test_a_name_registered_by_hand_never_dies(witness):
    assert witness.look_at(AgentStatus('by hand', 'x')) is False
    assert witness._leases == {}


def test_what_fails_when_it_is_told_is_printed_and_the_witness_goes_on(child, dead, capfd):
    def died(record, how):
        dead.put(record.name)
        raise ZeroDivisionError('on purpose')

    witness, before = Witness(died), set(threading.enumerate())
    witness.start()
    (thread,) = set(threading.enumerate()) - before
    try:
        for name in ('a0', 'a1'):
            record = child(name)
            witness.look_at(record)
            os.kill(record.pid, signal.SIGKILL)
            assert dead.get(timeout=LIMIT) == name
    finally:
        witness.stop()
    thread.join(10 * LIMIT)
    assert not thread.is_alive()
    # Read once, when nobody writes any more: what is written while it is read would be lost.
    assert capfd.readouterr().err.count('ZeroDivisionError: on purpose') == 2


def test_without_its_thread_it_says_who_can_be_seen_and_watches_nobody(child):
    assert Witness(print).look_at(child()) is True
