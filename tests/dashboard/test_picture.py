"""What the page shows is what was seen, and of those that have ended what was seen last."""

import pytest

from osbrain._remote.status import AgentStatus
from osbrain.dashboard.departed import Departure, Losses
from osbrain.dashboard.picture import edges, ended_row, lost_edges, rows
from osbrain.metrics import AgentSight, Sight
from osbrain.metrics.graph import graph
from osbrain.metrics.rates import rates
from tests.metrics.sights import endpoint, look, stats


def shown(status, stats=None, trouble=None, losses=None):
    sight = Sight(100.0, {status.name: AgentSight(status, stats, trouble)})
    return rows(sight, {}, losses or {})[status.name]


def status(state='running', **fields):
    return AgentStatus('a', 'PYRO:a@127.0.0.1:1', state, **fields)


def test_who_runs_is_shown_with_rates_and_counters():
    before = look(stats('a', endpoint(sent=10), at=10.0, cpu=1.0))
    after = look(stats('a', endpoint(sent=30), at=12.0, cpu=1.5, memory=5000, errors=2))
    row = rows(after, rates(before, after), {})['a']
    assert (row['state'], row['host'], row['pid']) == ('running', 'h1', 7)
    assert (row['sent'], row['sent_bytes'], row['received']) == (10, 100, 0)
    assert (row['cpu'], row['memory'], row['errors']) == (0.25, 5000, 2)


def test_what_is_not_known_is_left_out_as_a_patch_could_not_say_it():
    assert shown(status('starting')) == {'state': 'starting'}


def test_who_does_not_answer_is_silent_whatever_the_name_server_knows():
    row = shown(status(), trouble='it does not answer')
    assert row == {'state': 'silent', 'reason': 'it does not answer'}


@pytest.mark.parametrize('state', ['stopped', 'gone'])
def test_who_has_stopped_is_shown_so_with_the_reason(state):
    row = shown(status(state, reason='ValueError: no price'), trouble='it does not answer')
    assert (row['state'], row['reason']) == (state, 'ValueError: no price')


def test_who_came_back_is_shown_with_how_often_its_like_have_died():
    losses = {'a': Losses(2, Departure('a', 'u', 'exit code 1', 5.0))}
    row = shown(status(), stats('a'), losses=losses)
    assert (row['deaths'], row['last_death']) == (2, 'exit code 1')


def test_the_dead_keep_what_they_were_but_not_how_fast():
    before = {'state': 'running', 'kind': 'lab.Feed', 'pid': 7, 'sent': 30, 'memory': 1000, 'errors': 2}
    row = ended_row(Departure('a', 'u', 'killed by SIGKILL', 5.0), before)
    kept = {'kind': 'lab.Feed', 'pid': 7, 'errors': 2}
    assert row == {**kept, 'state': 'dead', 'reason': 'killed by SIGKILL', 'ended': 5.0}


def test_who_was_to_end_is_not_dead():
    assert ended_row(Departure('a', 'u', 'it was shut down', 5.0), {})['state'] == 'ended'


def pair(**fields):
    return look(
        stats('feed', endpoint('out', 'PUSH', 'server', 'ipc://x')),
        stats('sink', endpoint('in', 'PULL', 'client', 'ipc://x'), **fields),
    )


def test_connections_are_shown_by_alias_and_kind():
    (edge,) = edges(graph(pair())).values()
    assert (edge['source'], edge['source_alias'], edge['source_kind']) == ('feed', 'out', 'PUSH')
    assert (edge['target'], edge['target_alias'], edge['target_kind']) == ('sink', 'in', 'PULL')


def test_a_connection_is_called_the_same_at_each_look():
    assert edges(graph(pair())).keys() == edges(graph(pair(memory=5))).keys()


def test_the_connections_of_the_dead_stay_as_lost():
    before = edges(graph(pair()))
    (lost,) = lost_edges(before, {}, {'feed': {'state': 'running'}, 'sink': {'state': 'dead'}}).values()
    assert (lost['lost'], lost['sent']) == (True, 0)


def test_a_connection_that_was_closed_is_gone():
    before = edges(graph(pair()))
    assert lost_edges(before, {}, {'feed': {'state': 'running'}, 'sink': {'state': 'running'}}) == {}
    assert lost_edges(before, {}, {'feed': {'state': 'running'}}) == {}


def test_a_connection_that_is_there_again_is_not_lost():
    before = edges(graph(pair()))
    assert lost_edges(before, before, {'feed': {'state': 'running'}, 'sink': {'state': 'dead'}}) == {}
