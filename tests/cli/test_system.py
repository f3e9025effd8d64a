"""Finding the name server to act on, and what there may be instead."""

import threading
import time

import pytest

from osbrain import SocketAddress
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring
from osbrain.cli.exits import Exit
from osbrain.cli.failure import Failure
from osbrain.cli.foreground import Foreground
from osbrain.cli.system import System, listens, unknown

# Three seconds are promised; a loaded machine may need a little more.
PROMPT = 4.5


@pytest.fixture
def impatient(monkeypatch):
    """Give up early, where it does not matter when; tests/processes/test_cli.py measures the real thing."""
    monkeypatch.setattr('osbrain.cli.system._PATIENCE', 0.2)


def one_line(result):
    assert result.out == ''
    assert result.err.count('\n') == 1


@pytest.mark.parametrize('argv', [['agents'], ['ping', 'a'], ['shutdown'], ['shutdown', '--nameserver', '--json']])
def test_where_nobody_listens_the_line_says_so(osbrain, free_port, argv, impatient):
    result = osbrain(*argv, '--nsaddr', f'127.0.0.1:{free_port}')
    one_line(result)
    assert result.code == Exit.NO_NAMESERVER
    assert f'osbrain {argv[0]}: no name server at 127.0.0.1:{free_port}' in result.err


def test_a_name_server_that_is_just_being_started_is_waited_for(osbrain, free_port):
    server = Foreground(SocketAddress('127.0.0.1', free_port))
    starter = threading.Timer(0.7, server.listen)
    starter.start()
    result = osbrain('agents', '--nsaddr', server.addr)
    starter.join()
    with server.serving():
        assert result == (Exit.OK, f'No agents at {server.addr}.\n', '')


def test_where_something_else_listens_the_line_says_so(osbrain, foreign, impatient):
    result = osbrain('agents', '--nsaddr', foreign)
    one_line(result)
    assert result.code == Exit.NOT_A_NAMESERVER
    assert f'what listens at {foreign} does not answer as an osbrain name server' in result.err


def test_a_name_server_of_another_cluster_is_told_at_once(osbrain, server, monkeypatch):
    ring = Keyring((ClusterKey.new(),))
    monkeypatch.setattr('osbrain._remote.connecting.keyring', lambda: ring)
    began = time.monotonic()
    result = osbrain('agents', '--nsaddr', server.local)
    one_line(result)
    assert time.monotonic() - began < 2.5  # who is waited for in vain takes 3
    assert result.code == Exit.NOT_A_NAMESERVER
    assert f'the name server at {server.local} belongs to another cluster' in result.err
    assert ring.current.fingerprint in result.err


def test_without_a_key_the_line_names_its_file(osbrain, server, monkeypatch, tmp_path):
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(tmp_path / 'none'))
    result = osbrain('agents', '--nsaddr', server.local)
    one_line(result)
    assert result.code == Exit.KEY_UNUSABLE
    assert str(tmp_path / 'none') in result.err


def test_an_answer_in_drips_is_not_waited_for(osbrain, dripping):
    began = time.monotonic()
    result = osbrain('agents', '--nsaddr', dripping)
    assert time.monotonic() - began < PROMPT
    assert result.code == Exit.NOT_A_NAMESERVER


def test_the_environment_names_the_name_server(osbrain, server, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', str(server.local))
    assert osbrain('agents').code == Exit.OK


def test_the_option_goes_before_the_environment(osbrain, server, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', '127.0.0.1:1')
    assert osbrain('agents', '--nsaddr', server.local).code == Exit.OK


def test_an_empty_environment_variable_is_none(osbrain, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', '')
    assert osbrain('agents').code == Exit.USAGE


def test_a_name_server_that_fails_is_one_line(osbrain, server, monkeypatch):
    def broken():
        raise ZeroDivisionError('in the\nname server')

    monkeypatch.setattr(server._server, 'status', broken, raising=False)
    result = osbrain('agents', '--nsaddr', server.local)
    assert result.code == Exit.FAILED
    assert 'ZeroDivisionError: in the name server' in result.err
    assert result.err.count('\n') == 1


def test_a_name_server_that_stops_answering_is_not_waited_for(server, silent):
    with System(server.local) as system:
        system.ns._link.uri = f'PYRO:x@{silent}'
        system.ns.release()
        with pytest.raises(Failure, match='has stopped answering') as caught:
            system.ask(lambda: system.ns._call('ping', (), {}), seconds=0.3)
    assert caught.value.code is Exit.NO_NAMESERVER


def test_somebody_listens_or_nobody_does(silent, free_port):
    assert listens(silent)
    assert not listens(SocketAddress('127.0.0.1', free_port))


def test_who_mistypes_a_name_is_told_the_right_one():
    assert unknown('alcie', ['bob', 'alice']) == 'no agent is called alcie (did you mean alice?)'


def test_a_name_like_no_other_gets_no_suggestion():
    assert 'osbrain agents lists' in unknown('zzz', ['alice'])
