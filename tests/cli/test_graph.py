"""The verb that draws who is connected to whom; what is drawn is in test_drawings.py."""

import json

import pytest

from osbrain.cli.exits import Exit
from tests.cli.lookouts import MadeUp
from tests.metrics.sights import endpoint, look, stats

HERE = 'tcp://127.0.0.1:5000'


@pytest.fixture
def system(monkeypatch):
    def at(second):
        feed = stats('feed', endpoint('prices', 'PUB', 'server', HERE), at=second)
        bob = stats('bob', endpoint('in', 'SUB', 'client', HERE, received=int(second)), at=second)
        return look(feed, bob)

    return MadeUp(monkeypatch, at(1.0), at(11.0))


def test_the_tree_has_agents_endpoints_and_peers(osbrain, server, system):
    result = osbrain('graph', '--interval', '0.01', '--nsaddr', server.local)
    assert (result.code, result.err) == (Exit.OK, '')
    assert result.out.splitlines() == [
        'bob',
        '└── in SUB',
        '    └── ← feed:prices PUB 1/s',
        'feed',
        '└── prices PUB',
        '    └── → bob:in SUB 1/s',
    ]


def test_graphviz_and_mermaid_are_asked_for_by_name(osbrain, server, system):
    assert osbrain('graph', '--dot', '--interval', '0', '--nsaddr', server.local).out.startswith('digraph osbrain {\n')
    assert osbrain('graph', '--mermaid', '--interval', '0', '--nsaddr', server.local).out.startswith('flowchart LR\n')


def test_json_has_agents_and_connections(osbrain, server, system):
    found = json.loads(osbrain('graph', '--json', '--interval', '0.01', '--nsaddr', server.local).out)
    assert [one['name'] for one in found['agents']] == ['bob', 'feed']
    assert [one['forth']['messages_per_s'] for one in found['connections']] == [1.0]


@pytest.mark.parametrize('form', ['--dot', '--mermaid'])
def test_two_forms_at_once_are_refused(osbrain, server, form):
    result = osbrain('graph', form, '--json', '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert f'{form} and --json' in result.err


def test_no_agents_are_a_sentence_or_an_empty_graph(osbrain, server):
    assert osbrain('graph', '--interval', '0', '--nsaddr', server.local).out == f'No agents at {server.local}.\n'
    found = json.loads(osbrain('graph', '--json', '--interval', '0', '--nsaddr', server.local).out)
    assert found == {'agents': [], 'connections': [], 'unconnected': []}
