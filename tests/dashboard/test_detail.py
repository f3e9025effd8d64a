"""The detail of an agent is what it says of itself, with its counters; either may be missing."""

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
from osbrain.dashboard.detail import detail
from osbrain.errors import WaitTimeout
from osbrain.metrics.rates import between
from tests.metrics.sights import endpoint, histogram, stats

DESCRIPTION = AgentDescription(
    name='feed',
    kind='lab.Feed',
    doc='Replays prices.',
    running=True,
    on_error='stop',
    endpoints=(
        EndpointDescription(
            'in', ('in',), 'PULL', 'server', 'ipc', 'pickle', ('x',), 'none', (HandlerDescription(('on_bar',)),)
        ),
    ),
    timers=(TimerDescription('beat', 'tick', 1.0, 0.5),),
    methods=(MethodDescription('price', '(symbol)', 'Say a price.', False),),
    attributes=(AttributeDescription('count', 'int', '3'),),
)


@pytest.fixture
def counted():
    handling = histogram(1, 3, total=0.004, longest=0.001)
    return stats('feed', endpoint('in', 'PULL', 'server', 'x', received=4, handling=handling), at=10.0, threads=3)


def test_description_counters_and_rates_of_an_endpoint_come_together(counted):
    shown = detail('feed', DESCRIPTION, counted, between(None, counted))
    (one,) = shown['endpoints']
    assert one['handlers'] == [{'names': ('on_bar',), 'topic': None, 'exact': False}]
    assert one['received'] == {'messages': 4, 'bytes': 40}
    assert one['received_per_s'] == pytest.approx(0.4)
    assert sum(one['handling']['counts']) == 4
    assert one['handling']['longest'] == 0.001
    assert (shown['doc'], shown['uptime'], shown['threads']) == ('Replays prices.', 10.0, 3)
    assert shown['timers'][0]['method'] == 'tick'
    assert shown['methods'][0]['signature'] == '(symbol)'


def test_who_does_not_answer_is_shown_with_what_was_counted_before(counted):
    shown = detail('feed', WaitTimeout('it does not answer', 1.0), counted, None)
    assert 'it does not answer' in shown['trouble']
    assert [one['alias'] for one in shown['endpoints']] == ['in']
    assert 'methods' not in shown


def test_who_says_what_it_is_is_shown_without_counters():
    shown = detail('feed', DESCRIPTION, None, None)
    assert 'received' not in shown['endpoints'][0]
    assert shown['attributes'] == [{'name': 'count', 'type': 'int', 'value': '3'}]


def test_it_is_json(counted):
    json.dumps(detail('feed', DESCRIPTION, counted, None), allow_nan=False)
