"""Looking at what is not there; at what is, processes look (tests/processes/test_cli_looking.py)."""

import os

import pytest

from osbrain.cli.exits import Exit
from osbrain.proxy import AgentStatus

VERBS = ['echo', 'hz', 'bw', 'delay']


@pytest.mark.parametrize('verb', VERBS)
def test_an_unknown_agent_is_told_with_the_one_that_was_meant(osbrain, server, verb):
    server._server.register('alice', 'PYRO:a@127.0.0.1:1')
    result = osbrain(verb, 'alcie:prices', '--nsaddr', server.local)
    assert result == (Exit.UNKNOWN_AGENT, '', f'osbrain {verb}: no agent is called alcie (did you mean alice?)\n')


@pytest.mark.parametrize('verb', VERBS)
def test_without_a_name_server_the_line_says_how_to_start_one(osbrain, free_port, verb):
    result = osbrain(verb, 'a:b', '--nsaddr', f'127.0.0.1:{free_port}')
    assert result.code == Exit.NO_NAMESERVER
    assert 'nobody listens there' in result.err and result.err.count('\n') == 1


def test_who_says_nothing_is_waited_for_so_long_and_no_longer(osbrain, server, silent):
    server._server.register('mute', f'PYRO:a@{silent}')
    result = osbrain('echo', 'mute:prices', '--nsaddr', server.local)
    assert result == (Exit.NOT_ANSWERING, '', 'osbrain echo: mute does not answer: not within 3 s\n')


def test_whose_process_has_ended_is_told_so(osbrain, server):
    record = AgentStatus('late', 'PYRO:a@127.0.0.1:1', pid=os.getpid(), pid_started=1, host=os.uname().nodename)
    server._server.enroll(record)
    result = osbrain('echo', 'late:prices', '--nsaddr', server.local)
    assert result.code == Exit.NOT_ANSWERING
    assert 'its process has ended' in result.err and result.err.count('\n') == 1


@pytest.mark.parametrize('options', [
    ['--count', '0'], ['--count', '-1'], ['--count', 'x'], ['--count', '1.5'], ['--count', '9' * 5000],
    ['--seconds', '0'], ['--seconds', 'nan'], ['--length', '0'],
])  # fmt: skip
def test_limits_that_are_none_are_refused(osbrain, server, options):
    result = osbrain('echo', 'a:b', *options, '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert result.err.count('\n') == 1


@pytest.mark.parametrize('verb', VERBS[1:])
def test_how_long_to_measure_is_more_than_nothing(osbrain, server, verb):
    assert osbrain(verb, 'a:b', '--interval', '0', '--nsaddr', server.local).code == Exit.USAGE
