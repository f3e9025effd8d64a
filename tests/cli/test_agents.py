"""The list of agents, as a table and as JSON."""

import json
import os
from datetime import datetime, timezone

import pytest

from osbrain.cli.exits import Exit
from osbrain.proxy import AgentStatus


@pytest.fixture
def full(server):
    """A name server with an agent in each state."""
    book = server._server
    book.enroll(AgentStatus('feed', 'PYRO:a@127.0.0.1:1', pid=7, host='elsewhere', kind='market.feeds.Feed'))
    book.report('feed', 'PYRO:a@127.0.0.1:1', 1, 'running', None)
    book.enroll(AgentStatus('broker', 'PYRO:b@127.0.0.1:1', pid=8, host='elsewhere', kind='market.Broker'))
    book.report('broker', 'PYRO:b@127.0.0.1:1', 1, 'stopped', 'ValueError: no\nprice')
    # Nobody starts two processes of one number in the same clock tick: this one has another start.
    book.enroll(AgentStatus('risk', 'PYRO:c@127.0.0.1:1', pid=os.getpid(), pid_started=1, host=os.uname().nodename))
    book.register('by hand', 'PYRO:d@127.0.0.1:1')
    return server


def test_the_table_has_a_line_for_each_agent_in_the_order_of_names(osbrain, full):
    result = osbrain('agents', '--nsaddr', full.local)
    assert result.code == Exit.OK
    assert result.err == ''
    header, _, *rows = result.out.splitlines()
    assert header.split() == ['name', 'state', 'reason', 'pid', 'host', 'class', 'since']
    assert [row.split('  ')[0].strip() for row in rows] == ['broker', 'by hand', 'feed', 'risk']
    assert rows[0].split()[:5] == ['broker', 'stopped', 'ValueError:', 'no', 'price']
    assert rows[2].split()[:5] == ['feed', 'running', '7', 'elsewhere', 'Feed']
    assert rows[3].split()[:2] == ['risk', 'gone']


def test_json_has_all_that_is_known(osbrain, full):
    result = osbrain('agents', '--json', '--nsaddr', full.local)
    assert result.code == Exit.OK
    broker, by_hand, feed, risk = json.loads(result.out)
    since = datetime.fromisoformat(broker.pop('since'))
    assert abs((datetime.now(timezone.utc) - since).total_seconds()) < 60
    assert broker == {
        'name': 'broker',
        'state': 'stopped',
        'reason': 'ValueError: no\nprice',
        'pid': 8,
        'host': 'elsewhere',
        'class': 'market.Broker',
        'uri': 'PYRO:b@127.0.0.1:1',
    }
    assert (by_hand['pid'], by_hand['host'], by_hand['class']) == (None, None, None)
    assert (feed['state'], feed['reason']) == ('running', None)
    assert risk['state'] == 'gone'


def test_no_agents_are_a_sentence_or_an_empty_list(osbrain, server):
    assert osbrain('agents', '--nsaddr', server.local) == (0, f'No agents at {server.local}.\n', '')
    assert json.loads(osbrain('agents', '--json', '--nsaddr', server.local).out) == []
