"""What Prometheus is told: read back by its own parser, and compared with what was seen."""

import math
import threading

import pytest

from osbrain._remote.status import AgentStatus
from osbrain._stats import AgentStats, EndpointStats, Histogram, Stopwatch, Traffic
from osbrain.errors import WaitTimeout
from osbrain.metrics import AgentSight, Sight

pytest.importorskip('prometheus_client')

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_of
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from osbrain.metrics.exposition import Exposition, families

LIMIT = 5


def timed(*seconds):
    watch = Stopwatch()
    for one in seconds:
        watch.add(one)
    return watch.read()


def endpoint(alias='in', kind='PULL', **counted):
    return EndpointStats(alias, kind, 'server', 'tcp', 'pickle', ('tcp://127.0.0.1:1',), **counted)


def agent(name='feed', *endpoints, **counted):
    plain = {
        'when': 100.0,
        'monotonic': 50.0,
        'uptime': 10.0,
        'running': True,
        'pid': 42,
        'cpu': 1.5,
        'memory': 2**20,
        'threads': 3,
        'errors': 0,
        'undecodable': 0,
        'overflows': 0,
        'refused': 0,
        'timers': 0,
        'lateness': Histogram(),
        'calls_waiting': 0,
        'requests_pending': 0,
    }
    return AgentStats(name=name, endpoints=endpoints, **{**plain, **counted})


def sight(*seen):
    """A look at agents: their stats, or the names of those that did not answer."""
    agents = {}
    for one in seen:
        name = one if isinstance(one, str) else one.name
        status = AgentStatus(name, 'PYRO:x@127.0.0.1:1', 'running', pid=42, host='lab', kind='Feed', since=90.0)
        agents[name] = AgentSight(status, None, 'it does not answer') if one is name else AgentSight(status, one)
    return Sight(50.0, agents)


class Seeing:
    """Stands for a Lookout."""

    def __init__(self, *sights):
        self.sights = list(sights)

    def look(self):
        seen = self.sights.pop(0)
        if isinstance(seen, Exception):
            raise seen
        return seen


def exposed(*sights):
    registry = CollectorRegistry()
    registry.register(Exposition(Seeing(*sights)))
    return registry


def samples(seen):
    """(name, labels) -> value, as Prometheus' parser reads it."""
    found = {}
    for family in read_text(generate_latest(exposed(seen)).decode()):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in found, 'the same sample twice'
            found[key] = sample.value
    return found


def of_agent(seen, name, agent='feed'):
    return samples(seen)[(f'osbrain_{name}', ('agent', agent))]


def of_endpoint(seen, name, alias='in', kind='PULL', **more):
    labels = {'agent': 'feed', 'alias': alias, 'kind': kind, **more}
    return samples(seen)[(f'osbrain_{name}', *sorted(labels.items()))]


@pytest.mark.parametrize(
    'field, name, value',
    [
        ('running', 'agent_running', True),
        ('cpu', 'agent_cpu_seconds_total', 2.5),
        ('memory', 'agent_resident_memory_bytes', 2**30),
        ('threads', 'agent_threads', 7),
        ('errors', 'agent_errors_total', 7),
        ('refused', 'agent_refused_connections_total', 7),
        ('timers', 'agent_timers', 7),
        ('calls_waiting', 'agent_calls_waiting', 7),
        ('requests_pending', 'agent_requests_pending', 7),
    ],
)
def test_what_an_agent_has_counted_is_told(field, name, value):
    assert of_agent(sight(agent(**{field: value})), name) == value


@pytest.mark.parametrize(
    'field, name, value, told',
    [
        ('sent', 'sent_messages_total', Traffic(3, 100), 3),
        ('sent', 'sent_bytes_total', Traffic(3, 100), 100),
        ('received', 'received_messages_total', Traffic(3, 100), 3),
        ('received', 'received_bytes_total', Traffic(3, 100), 100),
        ('errors', 'handler_errors_total', 7, 7),
        ('undecodable', 'undecodable_messages_total', 7, 7),
        ('overflows', 'overflows_total', 7, 7),
        ('waits', 'send_waits_total', 7, 7),
        ('most_at_once', 'messages_at_once_max', 7, 7),
        ('pending', 'pending_messages', 7, 7),
        ('subscribers', 'subscribers', 7, 7),
    ],
)
def test_what_an_endpoint_has_counted_is_told(field, name, value, told):
    assert of_endpoint(sight(agent('feed', endpoint(**{field: value}))), name) == told


def test_histograms_are_cumulative_and_in_seconds():
    seen = sight(agent('feed', endpoint(handling=timed(0.00001, 0.00002, 0.5, 100.0))))
    buckets = {
        dict(labels)['le']: value
        for (name, *labels), value in samples(seen).items()
        if name == 'osbrain_handling_seconds_bucket'
    }
    bounds = sorted(buckets, key=float)
    assert [float(bound) for bound in bounds] == [*Histogram().bounds, math.inf]
    counts = [buckets[bound] for bound in bounds]
    assert counts == sorted(counts)
    assert (buckets['1.6e-05'], buckets['3.2e-05'], buckets['+Inf']) == (1, 2, 4)
    assert of_endpoint(seen, 'handling_seconds_count') == 4
    assert of_endpoint(seen, 'handling_seconds_sum') == pytest.approx(100.50003)


def test_the_lateness_of_timers_is_a_histogram_of_the_agent():
    seen = sight(agent(lateness=timed(0.1, 0.2)))
    assert of_agent(seen, 'agent_timer_lateness_seconds_count') == 2
    assert of_agent(seen, 'agent_timer_lateness_seconds_sum') == pytest.approx(0.3)


def test_who_answers_is_up_and_who_does_not_is_down_and_has_no_numbers():
    seen = sight(agent('feed'), 'hung')
    assert of_agent(seen, 'up') == 1
    assert of_agent(seen, 'up', 'hung') == 0
    told = {name for name, *labels in samples(seen) if ('agent', 'hung') in labels}
    assert told == {'osbrain_up', 'osbrain_agent_info', 'osbrain_agent_start_time_seconds'}


def test_it_is_told_what_agents_are_and_since_when():
    seen = sight(agent('feed'))
    assert ('osbrain_agent_info', ('agent', 'feed'), ('class', 'Feed'), ('host', 'lab'), ('pid', '42')) in samples(seen)
    assert of_agent(seen, 'agent_start_time_seconds') == 90.0


def test_sockets_that_had_the_same_alias_one_after_the_other_count_together():
    first = endpoint(received=Traffic(3, 10), most_at_once=5, handling=timed(0.1))
    second = endpoint(received=Traffic(4, 20), most_at_once=2, handling=timed(0.1, 0.1))
    seen = sight(agent('feed', first, second))
    assert of_endpoint(seen, 'received_messages_total') == 7
    assert of_endpoint(seen, 'messages_at_once_max') == 5
    assert of_endpoint(seen, 'handling_seconds_count') == 3


@pytest.mark.parametrize('name', ['a "quoted" one', 'back\\slash', 'two\nlines', 'Ähre', ''], ids=repr)
def test_any_name_can_be_told(name):
    assert of_agent(sight(agent(name)), 'agent_threads', name) == 3


def test_a_system_without_agents_is_told():
    assert samples(sight()) == {('osbrain_nameserver_up',): 1.0}


@pytest.mark.parametrize('error', [WaitTimeout('no answer', 1.0), ConnectionRefusedError()], ids=repr)
def test_a_name_server_that_does_not_answer_is_down_and_may_come_back(error):
    registry = exposed(error, sight(agent()))
    assert b'osbrain_nameserver_up 0.0' in generate_latest(registry)
    assert b'osbrain_nameserver_up 1.0' in generate_latest(registry)


def test_openmetrics_can_be_read_too():
    seen = sight(agent('feed', endpoint(handling=timed(0.1))))
    text = openmetrics_of(exposed(seen)).decode()
    assert {family.name for family in read_openmetrics(text)} >= {'osbrain_up', 'osbrain_sent_bytes'}


def test_names_follow_the_rules():
    for family in families(sight(agent('feed', endpoint()))):
        assert family.name.startswith('osbrain_')
        assert family.documentation.endswith('.')
        assert not family.name.endswith(('_total', '_ms', '_count', '_sum', '_bucket'))
        for sample in family.samples:
            assert sample.name.endswith('_total') is (family.type == 'counter')


def test_one_look_is_taken_at_a_time():
    both, inside, most = threading.Barrier(2, timeout=LIMIT), [], []

    class Slow:
        def look(self):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.05)
            inside.pop()
            return sight()

    exposition = Exposition(Slow())

    def ask():
        both.wait()
        exposition.collect()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert most == [1, 1]
