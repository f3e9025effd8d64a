"""One order through feed, strategy, risk and broker is one trace, each agent in a process with a tracer of its own."""

import json
import subprocess
import sys
from itertools import pairwise

import pytest

from osbrain import Agent, run_agent
from osbrain.helper import wait_condition

pytest.importorskip('opentelemetry.sdk')

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]

LIMIT = 30


class Traced(Agent):
    """An agent whose program has set a tracer provider in its process."""

    def on_init(self):
        self.set_provider()
        self.done = []

    def set_provider(self):
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        trace.set_tracer_provider(provider)

    def spans(self):
        return [json.loads(span.to_json()) for span in self.exporter.get_finished_spans()]


class Feed(Traced):
    def tick(self, price):
        self.send('ticks', price, topic='ACME')


class Strategy(Traced):
    def on_tick(self, price):
        if price < 10:
            # Without waiting: the answer comes as a message of its own.
            self.send('risk', {'buy': 'ACME', 'price': price}, handler='on_verdict')

    def on_verdict(self, order):
        if order is not None:
            self.send('orders', order)


class Risk(Traced):
    def on_order(self, order):
        return order if self.send_recv('limits', order['price']) else None

    def on_limit(self, price):
        return price > 1


class Broker(Traced):
    def on_order(self, order):
        self.done.append(order)


def wire(serializer):
    """Start the four, wired by a publisher, an ASYNC_REP, a REP and an ACK_PUSH."""
    feed, strategy, risk, broker = (
        run_agent(base.__name__.lower(), base=base, serializer=serializer) for base in (Feed, Strategy, Risk, Broker)
    )
    strategy.connect(feed.bind('PUB', 'ticks'), 'ticks', handler={'ACME': 'on_tick'})
    strategy.connect(risk.bind('ASYNC_REP', 'orders', handler='on_order'), 'risk')
    limits = run_agent('limits', base=Risk, serializer=serializer)
    risk.connect(limits.bind('REP', 'limits', handler='on_limit'), 'limits')
    broker.connect(strategy.bind('ACK_PUSH', 'orders'), 'orders', handler='on_order')
    return feed, strategy, risk, limits, broker


def chain(agents):
    """Names of agent and span, from the first to the last; each span but the first is the child of one of them."""
    found = [(agent.get_attr('name'), span) for agent in agents for span in agent.spans()]
    assert len({span['context']['trace_id'] for _, span in found}) == 1, found
    by_id = {span['context']['span_id']: (name, span) for name, span in found}

    def path(name, span):
        above = by_id.get(span['parent_id'])
        assert above is not None or span['parent_id'] is None
        return [*(path(*above) if above else []), f'{name}: {span["name"]}']

    return max((path(*one) for one in found), key=len), {f'{name}: {span["name"]}' for name, span in found}


@pytest.mark.parametrize('serializer', ['pickle', 'msgpack'])
def test_one_order_through_feed_strategy_risk_and_broker_is_one_trace(nsproxy, serializer):
    agents = wire(serializer)
    feed, broker = agents[0], agents[-1]
    feed.tick(9.5)
    wait_condition(lambda: broker.get_attr('done') == [{'buy': 'ACME', 'price': 9.5}], timeout=LIMIT)
    wait_condition(broker.spans, timeout=LIMIT)
    longest, everything = chain(agents)
    assert longest == [
        'feed: send ticks',
        'strategy: process ticks',
        'strategy: send risk',
        'risk: process orders',
        'strategy: process risk',
        'strategy: send orders',
        'broker: process orders',
    ]
    assert everything - set(longest) == {'risk: send limits', 'limits: process limits'}


def test_orders_that_do_not_come_from_each_other_have_traces_of_their_own(nsproxy):
    agents = wire('pickle')
    feed, broker = agents[0], agents[-1]
    for price in (9.5, 9.25):
        feed.tick(price)
    wait_condition(lambda: len(broker.spans()) == 2, timeout=LIMIT)
    traces = [{span['context']['trace_id'] for span in agent.spans()} for agent in agents]
    assert all(one == other for one, other in pairwise(traces))
    assert len(traces[0]) == 2


def test_an_agent_without_a_tracer_is_fed_by_one_that_has_one(nsproxy):
    feed, plain = run_agent('feed', base=Feed), run_agent('plain')
    plain.set_attr(got=[])
    address = feed.bind('PUB', 'ticks')
    plain.connect(address, 'ticks', handler=lambda agent, price: agent.got.append(price))
    feed.tick(9.5)
    assert wait_condition(lambda: plain.get_attr('got') == [9.5], timeout=LIMIT)


def test_a_provider_that_is_set_while_the_agent_runs_is_found(nsproxy):
    class Later(Traced):
        def on_init(self):
            self.done = []

    agent, sink = run_agent('later', base=Later), run_agent('sink')
    agent.connect(sink.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    agent.send('out', 'too early')
    agent.set_provider()
    agent.send('out', 'in time')
    assert [span['name'] for span in agent.spans()] == ['send out']


def test_who_does_not_trace_has_not_imported_it():
    script = 'import sys, osbrain, osbrain.cli, osbrain.metrics; print([one for one in sys.modules if "telem" in one])'
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert done.stdout == '[]\n'
