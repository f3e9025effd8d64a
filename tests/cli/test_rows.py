"""One agent a row: texts, facts, order, and what keys choose of them."""

import json

import pytest

from osbrain.cli.ranking import HEADERS, Ranking, fitting
from osbrain.cli.rows import COLUMNS, NO_ANSWER, ordered, rows_of, table
from osbrain.cli.view import Look
from osbrain.metrics.rates import rates
from tests.metrics.sights import endpoint, look, stats


def looked(*after, **without):
    """Rows of agents that had done nothing a second before."""
    before = look(*(stats(one.name, *[endpoint(each.alias) for each in one.endpoints], at=99.0) for one in after))
    now = look(*after, **without)
    return rows_of(Look(now, rates(before, now)))


def names(rows):
    return [row.name for row in rows]


def test_a_row_shows_what_is_known_of_an_agent():
    (row,) = looked(stats('feed', endpoint(sent=50), cpu=0.25, errors=3, memory=3 << 20))
    headers = ('name', 'class', 'host', 'pid', 'state', 'uptime', 'cpu', 'memory', 'messages/s', 'errors')
    assert table([row], headers) == (
        headers,
        [('feed', '', 'h1', '7', 'running', '1 m 40 s', '25.0 %', '3 MiB', '50', '3')],
    )


def test_an_agent_that_does_not_answer_is_marked_and_says_why():
    rows = looked(stats('a'), hangs='it does not answer')
    assert [row.state for row in rows] == ['running', NO_ANSWER]
    headers, cells = table(rows, ('name', 'memory', 'out/s'))
    assert headers == ('name', 'memory', 'out/s', 'remark')
    assert cells[1] == ('hangs', '', '', 'it does not answer')


def test_facts_are_json_and_none_where_nothing_is_known():
    answering, silent = looked(stats('a', endpoint(sent=50)), b='it does not answer')
    found = json.loads(json.dumps(answering.facts()))
    assert (found['name'], found['answers'], found['sent_per_s'], found['received_per_s']) == ('a', True, 50.0, 0.0)
    assert found['memory_bytes'] == 1 << 20
    assert silent.facts()['answers'] is False
    assert silent.facts()['trouble'] == 'it does not answer'
    assert silent.facts()['memory_bytes'] is None
    assert silent.facts().keys() == found.keys()


@pytest.mark.parametrize('header', COLUMNS)
def test_rows_can_be_sorted_by_each_column_also_where_somebody_does_not_answer(header):
    rows = looked(stats('a'), stats('b', endpoint(sent=1)), c='it does not answer')
    assert sorted(names(ordered(rows, header))) == ['a', 'b', 'c']
    assert sorted(names(ordered(rows, header, reverse=True))) == ['a', 'b', 'c']


def test_numbers_are_sorted_from_the_greatest_down_and_texts_from_a():
    rows = looked(stats('b', memory=2), stats('c', memory=1), stats('a', memory=2), d='it does not answer')
    assert names(ordered(rows, 'memory')) == ['a', 'b', 'c', 'd']
    assert names(ordered(rows, 'memory', reverse=True)) == ['c', 'a', 'b', 'd']
    assert names(ordered(rows, 'name')) == ['a', 'b', 'c', 'd']
    assert names(ordered(rows, 'name', reverse=True)) == ['d', 'c', 'b', 'a']


# -- Keys -------------------------------------------------------------------------------------------------------------


def test_keys_choose_the_column():
    ranking = Ranking()
    for key, column in [('m', 'memory'), ('e', 'errors'), ('n', 'name'), ('right', 'pid'), ('<', 'name')]:
        assert ranking.press(key, 10, 5)
        assert ranking.by == column


def test_columns_go_round():
    ranking = Ranking(HEADERS[0])
    ranking.press('left', 10, 5)
    assert ranking.by == HEADERS[-1]
    ranking.press('right', 10, 5)
    assert ranking.by == HEADERS[0]


def test_r_turns_the_order_round_and_q_ends():
    ranking = Ranking()
    assert ranking.press('r', 10, 5)
    assert ranking.reverse
    assert not ranking.press('q', 10, 5)


def test_unknown_keys_do_nothing():
    ranking = Ranking()
    assert ranking.press('?', 10, 5)
    assert ranking == Ranking()


@pytest.mark.parametrize(
    'keys, first',
    [
        (['down'], 1),
        (['down', 'down', 'up'], 1),
        (['up'], 0),
        (['page down'], 5),
        (['page down'] * 9, 7),
        (['page down', 'page up'], 0),
        (['page down', 'home'], 0),
    ],
)
def test_keys_choose_the_rows_as_far_as_there_are_any(keys, first):
    ranking = Ranking('name')
    for key in keys:
        ranking.press(key, 12, 5)
    assert ranking.first == first


def test_as_many_rows_are_shown_as_there_is_room_for():
    rows = looked(*(stats(f'a{number}') for number in range(9)))
    ranking = Ranking('name', first=7)
    assert names(ranking.shown(rows, 4)) == ['a5', 'a6', 'a7', 'a8']
    assert names(ranking.shown(rows, 20)) == [f'a{number}' for number in range(9)]
    assert ranking.shown([], 4) == []


# -- Narrow terminals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('width', [200, 120, 80, 60])
def test_a_terminal_shows_the_columns_for_which_it_has_room(width):
    headers, cells = fitting(looked(stats('a' * 50, endpoint(sent=10**6))), width, 'cpu')
    assert headers == tuple(header for header in HEADERS if header in headers)
    assert {'name', 'state', 'cpu', 'in/s', 'out/s'} <= set(headers)
    assert sum(len(cell) for cell in cells[0][1:]) < width
    assert (headers == HEADERS) == (width >= 120)


def test_the_column_by_which_rows_are_sorted_is_always_shown():
    assert 'uptime' in fitting(looked(stats('a')), 40, 'uptime')[0]


def test_why_somebody_does_not_answer_has_room_too():
    assert fitting(looked(stats('a'), b='it does not answer'), 80, 'cpu')[0][-1] == 'remark'
