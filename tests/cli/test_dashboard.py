"""What `osbrain dashboard` says when it cannot show anything; what it shows is in tests/dashboard."""

import socket
import sys

import pytest

from osbrain.cli.exits import Exit
from osbrain.cli.verbs import VERBS

pytest.importorskip('uvicorn')
MODULE = sys.modules['osbrain.cli.verbs.dashboard']


def test_a_port_in_use_is_one_line_with_a_way_out(osbrain, server):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        result = osbrain('dashboard', '--port', port, '--nsaddr', server.local)
    assert result.code == Exit.PORT_TAKEN
    assert result.out == ''
    assert result.err == (
        f'osbrain dashboard: port {port} of 127.0.0.1 is in use (without --port one that is free is taken)\n'
    )


def test_an_address_of_another_machine_is_one_line(osbrain, server):
    result = osbrain('dashboard', '--host', '192.0.2.1', '--nsaddr', server.local)
    assert result.code == Exit.NOT_THIS_MACHINE
    assert result.err == 'osbrain dashboard: 192.0.2.1 is not an address of this machine\n'


def test_a_missing_extra_is_one_line_that_says_how_to_get_it(osbrain, server, monkeypatch):
    monkeypatch.setitem(sys.modules, 'uvicorn', None)
    monkeypatch.delitem(sys.modules, 'osbrain.dashboard.serving', raising=False)
    monkeypatch.delattr(sys.modules['osbrain.dashboard'], 'serving', raising=False)
    result = osbrain('dashboard', '--nsaddr', server.local)
    assert result.code == Exit.EXTRA_MISSING
    assert result.out == ''
    assert result.err == "osbrain dashboard: the page needs the package uvicorn: pip install 'osbrain[dashboard]'\n"


def test_without_a_name_server_no_page_is_offered(osbrain, free_port):
    result = osbrain('dashboard', '--nsaddr', f'127.0.0.1:{free_port}')
    assert result.code == Exit.NO_NAMESERVER
    assert result.out == ''
    assert result.err.count('\n') == 1


@pytest.mark.parametrize('port', ['70000', '-1', 'x'])
def test_a_port_that_is_none_is_a_mistake(osbrain, server, port):
    result = osbrain('dashboard', '--port', port, '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert '--port' in result.err


@pytest.mark.parametrize(
    'host, in_link, local',
    [
        ('127.0.0.1', '127.0.0.1', True),
        ('::1', '[::1]', True),
        ('localhost', 'localhost', True),
        ('0.0.0.0', socket.gethostname(), False),
        ('::', socket.gethostname(), False),
        ('192.168.1.7', '192.168.1.7', False),
        ('lab3', 'lab3', False),
    ],
)
def test_the_link_leads_to_where_the_page_is(host, in_link, local):
    assert MODULE._host_in_link(host) == in_link
    assert MODULE._is_local(host) == local


def test_it_is_one_of_the_verbs():
    assert 'dashboard' in {verb.name for verb in VERBS}
