"""The graph as a tree, for Graphviz, for Mermaid and for programs."""

import json

from osbrain.cli.drawings import dot, facts, mermaid, tree
from osbrain.metrics.graph import graph
from osbrain.metrics.rates import rates
from tests.metrics.sights import endpoint, look, stats

HERE = 'tcp://127.0.0.1:5000'
THERE = 'tcp://127.0.0.1:6000'


def drawn(before=None, **without):
    feed = stats('feed', endpoint('prices', 'PUB', 'server', HERE), at=101.0)
    bob = stats(
        'bob "x"\n<b>',
        endpoint('in', 'SUB', 'client', HERE, received=20),
        endpoint('ask', 'REQ', 'client', THERE),
        at=101.0,
    )
    old = [
        stats('feed', endpoint('prices', 'PUB', 'server', HERE)),
        stats('bob "x"\n<b>', endpoint('in', 'SUB', 'client', HERE), endpoint('ask', 'REQ', 'client', THERE)),
    ]
    now = look(feed, bob, **without)
    return graph(now, rates(look(*old), now))


def test_the_tree_shows_each_end_with_who_is_at_the_other():
    bob, feed = tree(drawn())
    assert feed == ('feed', [('prices PUB', ['→ bob "x"\n<b>:in SUB  20/s'])])
    assert bob[1] == [
        ('ask REQ', [f'(connected to {THERE}, where no agent answers)']),
        ('in SUB', ['← feed:prices PUB  20/s']),
    ]


def test_the_tree_says_why_an_agent_has_no_branches():
    assert tree(drawn(zoe='it does not answer'))[-1] == ('zoe: it does not answer', [])


def test_what_comes_back_is_told_with_what_goes_forth():
    ask = [stats('a', endpoint('ask', 'REQ', 'client', HERE, sent=n, received=n), at=100.0 + n) for n in (0, 2)]
    rep = stats('b', endpoint('rep', 'REP', 'server', HERE))
    now = look(ask[1], rep)
    found = tree(graph(now, rates(look(ask[0], rep), now)))
    assert found[0][1] == [('ask REQ', ['→ b:rep REP  1/s, back 1/s'])]


def test_who_is_bound_and_alone_is_said_to_be_so():
    now = look(stats('a', endpoint('in', 'PULL', 'server', HERE)))
    assert tree(graph(now)) == [('a', [('in PULL', ['(nobody is connected)'])])]


def test_graphviz_reads_what_is_drawn():
    lines = list(dot(drawn(zoe='it does not answer')))
    assert lines[0] == 'digraph osbrain {'
    assert lines[-1] == '}'
    assert r'  "feed" -> "bob \"x\" <b>" [label="prices PUB to in SUB: 20/s"];' in lines
    assert '  "zoe" [label="zoe: it does not answer", style="rounded,dashed"];' in lines


def test_a_backslash_in_a_name_is_one_for_graphviz():
    assert r'  "a\\nb" [label="a\\nb"];' in list(dot(graph(look(stats(r'a\nb')))))


def test_mermaid_reads_what_is_drawn():
    assert list(mermaid(drawn(zoe='it does not answer'))) == [
        'flowchart LR',
        '  a0["bob #34;x#34; #60;b#62;"]',
        '  a1["feed"]',
        '  a2["zoe: it does not answer"]',
        '  a1 -->|"prices PUB to in SUB: 20/s"| a0',
        '  classDef trouble stroke-dasharray: 5 5',
        '  class a2 trouble',
    ]


def test_programs_get_everything():
    found = json.loads(json.dumps(facts(drawn(zoe='it does not answer'))))
    assert [one['name'] for one in found['agents']] == ['bob "x"\n<b>', 'feed', 'zoe']
    assert found['agents'][2]['trouble'] == 'it does not answer'
    (connection,) = found['connections']
    assert connection['from'] == {'agent': 'feed', 'alias': 'prices', 'kind': 'PUB'}
    assert connection['to']['alias'] == 'in'
    assert (connection['address'], connection['forth']['messages_per_s']) == (HERE, 20.0)
    assert found['unconnected'] == [
        {'agent': 'bob "x"\n<b>', 'alias': 'ask', 'kind': 'REQ', 'role': 'client', 'addresses': [THERE]}
    ]
