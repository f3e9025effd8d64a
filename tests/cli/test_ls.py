"""The list of agents with what each does; real agents are in tests/processes/test_seeing.py."""

import json
import time

import pytest

from osbrain.cli.exits import Exit
from osbrain.errors import WaitTimeout
from osbrain.proxy import AgentStatus
from tests.cli.lookouts import MadeUp
from tests.metrics.sights import endpoint, look, stats


@pytest.fixture
def two_looks(monkeypatch):
    return MadeUp(
        monkeypatch,
        look(stats('feed', endpoint(sent=100), at=100.0)),
        look(stats('feed', endpoint(sent=150), at=101.0), broker='it does not answer'),
    )


def test_the_table_has_a_line_for_each_agent(osbrain, server, two_looks):
    result = osbrain('ls', '--interval', '0.01', '--nsaddr', server.local)
    assert (result.code, result.err) == (Exit.OK, '')
    header, _, *rows = [line.split() for line in result.out.splitlines()]
    assert header == ['name', 'class', 'host', 'pid', 'state', 'uptime', 'memory', 'messages/s', 'remark']
    assert rows == [
        ['broker', 'h1', '9', 'no', 'answer', 'it', 'does', 'not', 'answer'],
        ['feed', 'h1', '7', 'running', '1', 'm', '41', 's', '1', 'MiB', '50'],
    ]
    assert two_looks.closed


def test_json_has_all_that_is_known(osbrain, server, two_looks):
    result = osbrain('ls', '--interval', '0.01', '--json', '--nsaddr', server.local)
    broker, feed = json.loads(result.out)
    assert (broker['name'], broker['answers'], broker['trouble']) == ('broker', False, 'it does not answer')
    assert (feed['name'], feed['sent_per_s'], feed['memory_bytes']) == ('feed', 50.0, 1 << 20)


def test_without_an_interval_there_is_one_look_and_the_mean(osbrain, server, two_looks):
    result = osbrain('ls', '--interval', '0', '--json', '--nsaddr', server.local)
    assert [one['sent_per_s'] for one in json.loads(result.out)] == [1.0]


def test_no_agents_are_a_sentence_or_an_empty_list(osbrain, server):
    assert osbrain('ls', '--nsaddr', server.local) == (0, f'No agents at {server.local}.\n', '')
    assert json.loads(osbrain('ls', '--json', '--nsaddr', server.local).out) == []


def test_an_agent_that_says_nothing_is_waited_for_no_longer_than_a_second(osbrain, server, silent):
    server._server.register('mute', f'PYRO:a@{silent}')
    began = time.monotonic()
    result = osbrain('ls', '--json', '--interval', '0.01', '--nsaddr', server.local)
    # On a machine with nothing else to do it takes 1.1 s.
    assert 0.8 < time.monotonic() - began < 10
    (mute,) = json.loads(result.out)
    assert (mute['answers'], mute['trouble']) == (False, 'it does not answer')


def test_whose_process_has_ended_is_not_waited_for(osbrain, server):
    record = AgentStatus('late', 'PYRO:a@127.0.0.1:1', pid=1 << 22, pid_started=1, host='elsewhere', state='gone')
    server._server.enroll(record)
    result = osbrain('ls', '--json', '--interval', '0', '--nsaddr', server.local)
    (late,) = json.loads(result.out)
    assert not late['answers']
    assert late['trouble']


def test_a_name_server_that_stops_answering_in_between_is_a_line(osbrain, server, monkeypatch):
    MadeUp(monkeypatch, look(), WaitTimeout('no answer', 3.0))
    result = osbrain('ls', '--interval', '0.01', '--nsaddr', server.local)
    assert result.code == Exit.NO_NAMESERVER
    assert result.err.startswith(f'osbrain ls: the name server at {server.local} has stopped answering')
    assert result.err.count('\n') == 1


@pytest.mark.parametrize('verb', [('ls',), ('top', '--once'), ('graph',), ('show', 'a')], ids=lambda verb: verb[0])
def test_a_missing_name_server_is_a_line(osbrain, free_port, verb):
    result = osbrain(*verb, '--nsaddr', f'127.0.0.1:{free_port}')
    assert result.code == Exit.NO_NAMESERVER
    assert (result.out, result.err.count('\n')) == ('', 1)


def test_somebody_who_is_no_name_server_is_a_line(osbrain, silent):
    result = osbrain('ls', '--nsaddr', silent)
    assert result.code == Exit.NOT_A_NAMESERVER
    assert (result.out, result.err.count('\n')) == ('', 1)


@pytest.mark.parametrize('seconds', ['-1', 'nan', 'soon', '86401'])
def test_an_interval_is_a_number_of_seconds(osbrain, server, seconds):
    result = osbrain('ls', '--interval', seconds, '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert 'is no number of seconds' in result.err
