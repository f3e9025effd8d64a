"""Asking agents that are not there; those that are there have processes (tests/processes/test_cli.py)."""

import json
import os
import time

from osbrain.cli.exits import Exit
from osbrain.cli.verbs.ping import Answer
from osbrain.proxy import AgentStatus


def test_an_unknown_name_is_told_with_the_one_that_was_meant(osbrain, server):
    server._server.register('alice', 'PYRO:a@127.0.0.1:1')
    result = osbrain('ping', 'alcie', '--nsaddr', server.local)
    assert result.code == Exit.UNKNOWN_AGENT
    assert result.err == 'osbrain ping: no agent is called alcie (did you mean alice?)\n'
    assert result.out.splitlines()[2].split() == ['alcie', 'none', 'unknown']


def test_who_says_nothing_is_waited_for_so_long_and_no_longer(osbrain, server, silent):
    server._server.register('mute', f'PYRO:a@{silent}')
    began = time.monotonic()
    result = osbrain('ping', 'mute', '--timeout', '0.5', '--nsaddr', server.local)
    assert 0.5 <= time.monotonic() - began < 3
    assert result.code == Exit.NOT_ANSWERING
    assert result.err == 'osbrain ping: mute does not answer: not within 0.5 s\n'


def test_whose_process_has_ended_is_not_waited_for(osbrain, server):
    record = AgentStatus('late', 'PYRO:a@127.0.0.1:1', pid=os.getpid(), pid_started=1, host=os.uname().nodename)
    server._server.enroll(record)
    began = time.monotonic()
    result = osbrain('ping', 'late', '--timeout', '60', '--nsaddr', server.local)
    assert time.monotonic() - began < 5
    assert result.code == Exit.NOT_ANSWERING
    assert 'late does not answer: its process has ended' in result.err


def test_where_nobody_listens_the_line_says_that(osbrain, server, free_port):
    server._server.register('away', f'PYRO:a@127.0.0.1:{free_port}')
    result = osbrain('ping', 'away', '--timeout', '0.3', '--nsaddr', server.local)
    assert result.code == Exit.NOT_ANSWERING
    assert 'refused' in result.err


def test_json_has_an_entry_for_each_name_once_in_the_order_asked(osbrain, server):
    result = osbrain('ping', 'b', 'a', 'b', '--json', '--nsaddr', server.local)
    assert json.loads(result.out) == [
        {'name': name, 'answers': False, 'seconds': None, 'state': 'unknown', 'reason': None} for name in 'ba'
    ]
    assert result.code == Exit.UNKNOWN_AGENT


def test_names_that_look_like_options_can_be_asked_for(osbrain, server):
    result = osbrain('ping', '--nsaddr', server.local, '--', '--json')
    assert 'no agent is called --json' in result.err


def test_each_answer_has_its_exit_code():
    assert Answer('a', True, 0.1, 'running', None).code is Exit.OK
    assert Answer('a', True, 0.1, 'starting', None).code is Exit.NOT_RUNNING
    assert Answer('a', True, 0.1, 'stopped', 'ValueError').code is Exit.NOT_RUNNING
    assert Answer('a', False, None, 'running', None).code is Exit.NOT_ANSWERING
    assert Answer('a', False, None, 'unknown', None).code is Exit.UNKNOWN_AGENT
