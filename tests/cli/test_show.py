"""The verb that shows one agent; a real one is in tests/processes/test_seeing.py."""

import json

import pytest

from osbrain._descriptions import (
    AgentDescription,
    AttributeDescription,
    EndpointDescription,
    HandlerDescription,
    MethodDescription,
    TimerDescription,
)
from osbrain.cli.exits import Exit
from osbrain.errors import WaitTimeout
from tests.cli.lookouts import MadeUp
from tests.metrics.sights import endpoint, histogram, look, stats

HERE = 'tcp://127.0.0.1:5000'
FEED = AgentDescription(
    name='feed',
    kind='market.Feed',
    doc='Publishes prices.',
    running=True,
    on_error='stop',
    endpoints=(
        EndpointDescription('in', ('in',), 'SUB', 'client', 'tcp', 'pickle', (HERE,), 'curve',
                            (HandlerDescription(('on_price',), 'EUR', True),)),
        EndpointDescription('new', (), 'PUSH', 'server', 'tcp', 'json', ('tcp://127.0.0.1:6',), 'none'),
    ),
    timers=(TimerDescription('tick', 'on_tick', 0.5, 0.25), TimerDescription('once', 'stop', None, -0.5)),
    methods=(
        MethodDescription('buy', '(symbol, lots=1)', 'Buy some.', False),
        MethodDescription('send', '(address, message)', 'Send it.', True),
    ),
    attributes=(AttributeDescription('cash', 'float', '1.5'), AttributeDescription('evil', 'str', '\x1b[2J')),
)  # fmt: skip
STATS = stats('feed', endpoint('in', 'SUB', 'client', HERE, received=3, errors=1, handling=histogram(3, total=3e-6)))


@pytest.fixture
def feed(server, monkeypatch):
    server._server.register('feed', 'PYRO:a@127.0.0.1:1')
    return MadeUp(monkeypatch, look(), describe=FEED, stats=STATS)


def test_all_of_an_agent_is_shown_in_sections(osbrain, server, feed):
    result = osbrain('show', 'feed', '--nsaddr', server.local)
    assert (result.code, result.err) == (Exit.OK, '')
    lines = result.out.splitlines()
    assert lines[0].startswith('feed (market.Feed): ')
    assert lines[1] == 'Publishes prices.'
    titles = ['Endpoints', 'Traffic', 'Handlers', 'Timers', 'Methods', 'Attributes']
    assert [line for line in lines if line in titles] == titles
    words = [line.split() for line in lines]
    assert ['in', 'SUB', 'client', 'pickle', 'curve', HERE] in words
    assert ['PUSH', 'server', 'json', 'none', 'tcp://127.0.0.1:6'] in words
    assert ['in', '3', '0', '30', 'B', '0', 'B', '1', '1', 'us', '0', 's', '0', 's'] in words
    assert ['in', "'EUR'", 'exactly', 'on_price'] in words
    assert ['tick', 'on_tick', '500', 'ms', '250', 'ms'] in words
    assert ['once', 'stop', 'once', 'late', 'by', '500', 'ms'] in words
    assert ['buy(symbol,', 'lots=1)', 'Buy', 'some.'] in words
    assert ['cash', 'float', '1.5'] in words
    assert '\x1b' not in result.out


def test_methods_that_every_agent_has_are_shown_when_asked_for(osbrain, server, feed):
    assert 'send(' not in osbrain('show', 'feed', '--nsaddr', server.local).out
    assert 'send(' in osbrain('show', 'feed', '--all', '--nsaddr', server.local).out


def test_json_has_all_that_is_known(osbrain, server, feed):
    found = json.loads(osbrain('show', 'feed', '--json', '--nsaddr', server.local).out)
    assert (found['name'], found['class'], found['doc']) == ('feed', 'market.Feed', 'Publishes prices.')
    first, second = found['endpoints']
    assert first['handlers'] == [{'names': ['on_price'], 'topic': 'EUR', 'exact': True}]
    assert first['stats']['received'] == {'messages': 3, 'bytes': 30}
    assert first['stats']['handling']['count'] == 3
    assert second['stats'] is None
    assert [one['name'] for one in found['methods']] == ['buy', 'send']
    assert found['timers'][0] == {'alias': 'tick', 'method': 'on_tick', 'period': 0.5, 'due_in': 0.25}
    assert found['attributes'][0] == {'name': 'cash', 'type': 'float', 'value': '1.5'}


def test_an_unknown_name_is_told_with_the_one_that_was_meant(osbrain, server, feed):
    result = osbrain('show', 'fed', '--nsaddr', server.local)
    assert result.code == Exit.UNKNOWN_AGENT
    assert result.err == 'osbrain show: no agent is called fed (did you mean feed?)\n'


@pytest.mark.parametrize(
    'trouble, why',
    [(WaitTimeout('it does not answer'), 'not within 1 s'), (ConnectionError('refused\nit'), 'refused it')],
)
def test_an_agent_that_does_not_answer_is_a_line(osbrain, server, monkeypatch, trouble, why):
    server._server.register('feed', 'PYRO:a@127.0.0.1:1')
    MadeUp(monkeypatch, look(), describe=trouble, stats=STATS)
    result = osbrain('show', 'feed', '--nsaddr', server.local)
    assert result.code == Exit.NOT_ANSWERING
    assert result.err == f'osbrain show: feed does not answer: {why}\n'


def test_a_name_is_needed(osbrain, server):
    assert osbrain('show', '--nsaddr', server.local).code == Exit.USAGE
    assert osbrain('show', '', '--nsaddr', server.local).code == Exit.USAGE
