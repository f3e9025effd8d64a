"""Log lines of many agents in a shell: in the order of time, those of one level, as they come."""

import json
import re
import threading
import time

import pytest

from osbrain._agent.core import core_of
from osbrain._tail import Remark, Tail
from osbrain.cli.exits import Exit

LIMIT = 30


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Nothing is printed by the agents, which are in this process."""
    monkeypatch.setattr('osbrain._agent.log.log', lambda *_: None)


@pytest.fixture
def on(osbrain, server):
    return lambda *argv: osbrain('logs', *argv, '--nsaddr', server.local)


@pytest.fixture
def both(here):
    """Two agents that have said something, one after the other."""
    feed, broker = here.run(name='feed'), here.run(name='broker')
    for agent, level, text in (
        (feed, 'info', 'hello'),
        (broker, 'warning', 'careful'),
        (feed, 'error', 'it hurts\n  here\x1b[2J'),
        (broker, 'info', 'bye'),
    ):
        getattr(agent, f'log_{level}')(text)
    return feed, broker


def test_lines_of_all_agents_come_in_the_order_of_time(both, on):
    result = on()
    assert (result.code, result.err) == (Exit.OK, '')
    moment = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} '
    lines = [re.sub(f'^{moment}', '', line) for line in result.out.splitlines()]
    assert lines == [
        'INFO    feed: hello',
        'WARNING broker: careful',
        'ERROR   feed: it hurts',
        '      here\\x1b[2J',
        'INFO    broker: bye',
    ]


@pytest.mark.parametrize(
    'argv, texts',
    [
        (['--level', 'warning'], ['careful', 'it hurts\n  here\x1b[2J']),
        (['feed'], ['hello', 'it hurts\n  here\x1b[2J']),
        (['-n', '1'], ['bye']),
        (['-n', '0'], []),
        (['broker', '--level', 'ERROR'], []),
    ],
)
def test_json_is_an_object_on_each_line(both, on, argv, texts):
    result = on('--json', *argv)
    assert result.code == Exit.OK
    objects = [json.loads(line) for line in result.out.splitlines()]
    assert [one['text'] for one in objects] == texts
    assert all({*one} == {'agent', 'number', 'when', 'level', 'text'} for one in objects)


def test_who_does_not_answer_is_told_and_the_others_are_shown(both, on, server, silent):
    server._server.register('mute', f'PYRO:a@{silent}')
    began = time.monotonic()
    result = on()
    assert time.monotonic() - began < LIMIT
    assert (result.code, len(result.out.splitlines())) == (Exit.NOT_ANSWERING, 5)
    assert result.err.startswith('osbrain logs: mute does not tell what it has logged:')


def test_an_unknown_name_or_level_is_one_line(both, on):
    result = on('fede')
    assert (result.code, result.out) == (Exit.UNKNOWN_AGENT, '')
    assert 'no agent is called fede (did you mean feed?)' in result.err
    assert on('--level', 'loud').code == Exit.USAGE


def take(tail, count):
    deadline = time.monotonic() + LIMIT
    found = []
    while len(found) < count:
        assert time.monotonic() < deadline
        found += [one for one in [tail.next(0.1)] if one is not None]
    return found


class TestTail:
    def test_lines_come_as_they_are_logged_also_of_agents_that_come_later(self, here):
        feed = here.run(name='feed')
        feed.log_info('before')
        with Tail(here.server.local) as tail:
            assert [(said.agent, said.line.text) for said in take(tail, 1)] == [('feed', 'before')]
            broker = here.run(name='broker')
            broker.log_info('new')
            feed.log_info('more')
            assert {(said.agent, said.line.text) for said in take(tail, 2)} == {('broker', 'new'), ('feed', 'more')}
            assert tail.next(0) is None

    def test_names_and_levels_and_what_was_read_before_are_left_out(self, here):
        feed, broker = here.run(name='feed'), here.run(name='broker')
        feed.log_info('before')
        uri = here.server._server.status()['feed'].uri
        with Tail(here.server.local, ['feed'], 'WARNING', {uri: 1}) as tail:
            broker.log_error('other')
            feed.log_info('harmless')
            feed.log_warning('careful')
            assert [said.line.text for said in take(tail, 1)] == ['careful']

    def test_an_end_is_told_with_its_reason_and_a_successor_is_followed(self, here):
        here.run(name='feed')
        with Tail(here.server.local) as tail:
            record = here.server._server.status()['feed']
            here.server._server.remove_at('feed', record.uri, 'it was killed')
            assert take(tail, 1) == [Remark('feed', 'has ended: it was killed')]
            here.run(name='feed').log_info('back')
            assert [said.line.text for said in take(tail, 1)] == ['back']

    def test_lines_that_came_too_fast_are_counted(self, here, monkeypatch):
        monkeypatch.setattr('osbrain._agent.recent._MOST_LINES', 3)
        feed = here.run(name='feed')
        feed.log_info('first')
        with Tail(here.server.local) as tail:
            take(tail, 1)
            with core_of(feed).recent._news:  # so that nobody reads meanwhile
                for number in range(10):
                    feed.log_info(str(number))
            news = take(tail, 4)
        assert news[0] == Remark('feed', '7 lines came too fast and were lost')
        assert [said.line.text for said in news[1:]] == ['7', '8', '9']

    def test_its_threads_end_with_it(self, here, monkeypatch):
        monkeypatch.setattr('osbrain._tail._POLL', 0.1)
        here.run(name='feed')
        with Tail(here.server.local) as tail:
            assert tail.next(0) is None
        deadline = time.monotonic() + LIMIT
        while any(thread.name == 'osbrain-tail' for thread in threading.enumerate()):
            assert time.monotonic() < deadline
