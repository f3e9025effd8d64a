"""Noticing the end of a process by the end of a connection to it."""

import socket
import threading

import pytest

from osbrain import config
from osbrain._remote.link import Link
from osbrain.cli.ending import Watch, end_agents
from osbrain.cli.system import System


@pytest.fixture
def listener():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        yield listener


def link_to(port):
    return Link(f'PYRO:somebody@127.0.0.1:{port}', 'somebody')


def watch_of(listener):
    return Watch(link_to(listener.getsockname()[1]))


def test_who_goes_on_has_not_ended(listener):
    with watch_of(listener) as watch:
        assert not watch.ended(0.05)
        assert not watch.ended(0)
        assert not watch.ended(-1)


def test_who_ends_is_noticed_at_once(listener):
    with watch_of(listener) as watch:
        connection, _ = listener.accept()
        threading.Timer(0.1, connection.close).start()
        assert watch.ended(60)
        assert watch.ended(60)


def test_who_ends_before_the_connection_was_taken_is_noticed(listener):
    with watch_of(listener) as watch:
        listener.close()
        assert watch.ended(60)


def test_who_is_not_there_has_ended(free_port):
    with Watch(link_to(free_port)) as watch:
        assert watch.ended(60)


def test_who_goes_on_for_longer_than_strangers_may_stay_has_not_ended(server, monkeypatch):
    monkeypatch.setitem(config, 'HANDSHAKE_TIMEOUT', 0.1)
    with System(server.local) as system, Watch(system.line()) as watch:
        assert not watch.ended(0.5)


def test_a_name_that_has_gone_in_the_meantime_counts_as_gone(server):
    with System(server.local) as system:
        report = end_agents(system, ['alice'], 0.5, 0.0)
    assert (report.gone, report.clean, report.killed, report.left) == (('alice',), (), (), ())
