"""Tracing: follow one price through four agents, as one trace of OpenTelemetry.

Each agent sets a tracer provider in its process, as programs that use OpenTelemetry do. From then on its
messages say where they come from. Here the spans stay in memory, to be printed (needs opentelemetry-sdk).
"""

import json

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_condition


class Traced(Agent):
    def on_init(self):
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        trace.set_tracer_provider(provider)

    def pass_on(self, message):
        self.send('out', message)

    def spans(self):
        return [{'agent': self.name, **json.loads(one.to_json())} for one in self.exporter.get_finished_spans()]


if __name__ == '__main__':
    with run_nameserver():
        agents = [run_agent(name, base=Traced) for name in ('feed', 'strategy', 'risk', 'broker')]
        feed, strategy, risk, broker = agents
        strategy.connect(feed.bind('PUB', alias='out'), alias='ticks', handler='pass_on')
        risk.connect(strategy.bind('PUSH', alias='out'), alias='orders', handler='pass_on')
        broker.connect(risk.bind('ACK_PUSH', alias='out'), alias='tasks', handler=lambda agent, order: None)

        feed.send('out', 9.75)
        wait_condition(lambda: sum(len(agent.spans()) for agent in agents) == 6)
        spans = sorted((one for agent in agents for one in agent.spans()), key=lambda one: one['start_time'])
        print('traces:', len({one['context']['trace_id'] for one in spans}))
        for span in spans:
            print(span['agent'], span['name'])
