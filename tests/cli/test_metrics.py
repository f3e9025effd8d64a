"""Metrics in the foreground: where they may be asked for, what is told there, and how it ends."""

import os
import signal
import socket
import sys
import threading
import time
from urllib.request import urlopen

import pytest

from osbrain import metrics as osbrain_metrics
from osbrain.cli.exits import Exit

pytest.importorskip('prometheus_client')

LIMIT = 20


@pytest.fixture
def scraped(free_port):
    """Ask for the metrics at a port as soon as somebody answers there, then press Ctrl-C; give port and answers."""
    answers = []

    def ask():
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            try:
                with urlopen(f'http://127.0.0.1:{free_port}/metrics', timeout=LIMIT) as answer:
                    answers.append(answer.read().decode())
                    break
            except OSError:
                time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    asking = threading.Thread(target=ask)
    asking.start()
    yield free_port, answers
    asking.join()


def test_prometheus_is_answered_until_ctrl_c(osbrain, server, scraped):
    port, answers = scraped
    server._server.register('away', 'PYRO:a@127.0.0.1:1')
    result = osbrain('metrics', '--port', port, '--nsaddr', server.local)
    assert result.code == Exit.OK
    assert result.out == f'http://127.0.0.1:{port}/metrics\n'
    (answer,) = answers
    assert 'osbrain_nameserver_up 1.0\n' in answer
    assert 'osbrain_up{agent="away"} 0.0\n' in answer


def test_the_port_is_free_again_afterwards(osbrain, server, scraped):
    port, _ = scraped
    osbrain('metrics', '--port', port, '--nsaddr', server.local)
    with socket.create_server(('127.0.0.1', port)):
        pass


def test_a_port_in_use_is_one_clear_line(osbrain, server):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        result = osbrain('metrics', '--port', port, '--nsaddr', server.local)
    assert result.code == Exit.PORT_TAKEN
    told = f'port {port} of 127.0.0.1 is in use (without --port one that is free is taken)'
    assert result.err == f'osbrain metrics: {told}\n'
    assert result.out == ''


def test_a_foreign_address_is_one_clear_line(osbrain, server):
    result = osbrain('metrics', '--host', '192.0.2.1', '--nsaddr', server.local)
    assert result.code == Exit.NOT_THIS_MACHINE
    assert result.err == 'osbrain metrics: 192.0.2.1 is not an address of this machine\n'


@pytest.mark.parametrize('option', [('--port', '65536'), ('--port', '-1'), ('--port', 'x'), ('--timeout', '0')])
def test_options_that_cannot_be_are_refused(osbrain, server, option):
    result = osbrain('metrics', *option, '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert result.err.count('\n') == 1


def test_without_a_name_server_nothing_is_begun(osbrain, free_port):
    result = osbrain('metrics', '--nsaddr', f'127.0.0.1:{free_port}')
    assert result.code == Exit.NO_NAMESERVER
    assert result.err.count('\n') == 1


def test_without_the_package_it_is_told_how_to_get_it(osbrain, server, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(('prometheus_client', 'osbrain.metrics.'))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(osbrain_metrics, 'serving', raising=False)
    monkeypatch.setitem(sys.modules, 'prometheus_client', None)
    result = osbrain('metrics', '--nsaddr', server.local)
    assert result.code == Exit.EXTRA_MISSING
    assert "pip install 'osbrain[metrics]'" in result.err
    assert result.err.count('\n') == 1
