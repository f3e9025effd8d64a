"""Ending agents that are not there; those that are there have processes (tests/processes/test_cli.py)."""

import json
import os
import time

import pytest

from osbrain.cli.exits import Exit
from osbrain.proxy import AgentStatus


def gone(name):
    return AgentStatus(name, f'PYRO:{name}@127.0.0.1:1', pid=os.getpid(), pid_started=1, host=os.uname().nodename)


def test_without_agents_there_is_nothing_to_do(osbrain, server):
    result = osbrain('shutdown', '--nsaddr', server.local)
    assert result.code == Exit.OK
    assert result.out.splitlines() == [
        f'No agents at {server.local}.',
        f'The name server at {server.local} goes on (--nameserver ends it as well).',
    ]


def test_an_unknown_name_ends_nobody(osbrain, server):
    server._server.enroll(gone('alice'))
    result = osbrain('shutdown', 'alice', 'bob', '--nsaddr', server.local)
    assert result.code == Exit.UNKNOWN_AGENT
    assert 'no agent is called bob' in result.err
    assert result.err.endswith('; nothing has been ended\n')
    assert server.registered() == ['alice']


@pytest.mark.parametrize('names', [['alice'], []])
def test_names_of_processes_that_have_ended_are_removed(osbrain, server, names):
    server._server.enroll(gone('alice'))
    result = osbrain('shutdown', *names, '--nsaddr', server.local)
    assert result.code == Exit.OK
    assert result.out.splitlines()[0] == 'Had died before: alice.'
    assert server.registered() == []


def test_of_several_dead_only_those_named_are_removed(osbrain, server):
    for name in 'abc':
        server._server.enroll(gone(name))
    assert osbrain('shutdown', 'a', 'c', '--nsaddr', server.local).code == Exit.OK
    assert server.registered() == ['b']


@pytest.mark.parametrize('names', [['mute'], []])
def test_who_does_not_end_is_named_and_has_an_exit_code(osbrain, server, silent, names):
    server._server.register('mute', f'PYRO:a@{silent}')
    began = time.monotonic()
    result = osbrain('shutdown', *names, '--timeout', '0.5', '--nsaddr', server.local)
    assert time.monotonic() - began < 5
    assert result.code == Exit.AGENTS_LEFT
    assert result.err == 'osbrain shutdown: still there after 0.5 s: mute\n'
    assert server.registered() == ['mute']


def test_while_agents_are_left_the_name_server_goes_on(osbrain, server, silent):
    server._server.register('mute', f'PYRO:a@{silent}')
    result = osbrain('shutdown', '--nameserver', '--timeout', '0.5', '--json', '--nsaddr', server.local)
    assert result.code == Exit.AGENTS_LEFT
    report = json.loads(result.out)
    assert report['left'] == ['mute']
    assert report['nameserver'] == 'running'
    assert osbrain('agents', '--nsaddr', server.local).code == Exit.OK


@pytest.mark.parametrize('names', [['alice'], []])
def test_json_says_what_was_done(osbrain, server, names):
    server._server.enroll(gone('alice'))
    report = json.loads(osbrain('shutdown', *names, '--json', '--nsaddr', server.local).out)
    assert 0 <= report.pop('seconds') < 10
    assert report == {'clean': [], 'killed': [], 'gone': ['alice'], 'left': [], 'nameserver': 'running'}
