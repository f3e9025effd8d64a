"""Top: one table, or table after table in a pipe; its screen is in tests/processes/test_seeing.py."""

import json

from osbrain.cli.exits import Exit
from osbrain.cli.view import View
from tests.cli.lookouts import MadeUp
from tests.metrics.sights import endpoint, look, stats


def system(at, *names, busy='a', **without):
    """A look at agents one of which has sent 10 messages for each second of its life."""
    sent = {busy: int(10 * at)}
    agents = (stats(name, endpoint(sent=sent.get(name, 0)), at=at, memory=len(name)) for name in names)
    return look(*agents, **without)


def interrupted(monkeypatch, *looks):
    """After all *looks*, somebody presses Ctrl-C."""
    MadeUp(monkeypatch, *looks)
    left, look = list(looks), View.look

    def look_or_end(self):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return look(self)

    monkeypatch.setattr(View, 'look', look_or_end)


def test_once_is_one_table_sorted_as_asked_for(osbrain, server, monkeypatch):
    MadeUp(monkeypatch, system(1.0, 'a', 'bb', 'ccc'), system(2.0, 'a', 'bb', 'ccc', zoe='it does not answer'))
    result = osbrain('top', '--once', '--interval', '0.01', '--sort', 'memory', '--nsaddr', server.local)
    assert (result.code, result.err) == (Exit.OK, '')
    header, _, *rows = [line.split() for line in result.out.splitlines()]
    assert header[:5] == ['name', 'pid', 'state', 'cpu', 'busy']
    assert [row[0] for row in rows] == ['ccc', 'bb', 'a', 'zoe']
    assert rows[-1][2:4] == ['no', 'answer']


def test_once_as_json_is_a_list_in_the_same_order(osbrain, server, monkeypatch):
    MadeUp(monkeypatch, system(1.0, 'a', 'b'), system(2.0, 'a', 'b', busy='b'))
    arguments = ('top', '--once', '--interval', '0.01', '--sort', 'out/s', '--json', '--nsaddr', server.local)
    assert [one['name'] for one in json.loads(osbrain(*arguments).out)] == ['b', 'a']
    MadeUp(monkeypatch, system(1.0, 'a', 'b'), system(2.0, 'a', 'b', busy='b'))
    assert [one['name'] for one in json.loads(osbrain(*arguments, '--reverse').out)] == ['a', 'b']


def test_in_a_pipe_one_look_follows_the_other_until_ctrl_c(osbrain, server, monkeypatch):
    interrupted(monkeypatch, *(system(at, 'a') for at in (1.0, 2.0, 3.0)))
    result = osbrain('top', '--interval', '0.01', '--nsaddr', server.local)
    assert result.code == Exit.INTERRUPTED
    summaries = [line for line in result.out.splitlines() if 'agents' in line]
    assert len(summaries) == 2
    assert all('1 agents: 1 running' in line and 'out 10/s' in line for line in summaries)


def test_json_in_a_pipe_is_a_list_a_line(osbrain, server, monkeypatch):
    interrupted(monkeypatch, *(system(at, 'a') for at in (1.0, 2.0, 3.0)))
    result = osbrain('top', '--interval', '0.01', '--json', '--nsaddr', server.local)
    assert [json.loads(line)[0]['sent_per_s'] for line in result.out.splitlines()] == [10.0, 10.0]


def test_no_agents_are_a_sentence(osbrain, server):
    assert osbrain('top', '--once', '--interval', '0.01', '--nsaddr', server.local).out == 'No agents.\n'


def test_a_column_that_there_is_not_is_told_with_those_that_there_are(osbrain, server):
    result = osbrain('top', '--sort', 'beauty', '--nsaddr', server.local)
    assert result.code == Exit.USAGE
    assert "'memory'" in result.err
