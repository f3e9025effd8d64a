"""Past the ceiling of one message at a time: many sent with one call, many handled with one.

Releases before 0.7 have no word for it, so only this library does these works.
"""

import inspect

from ends import Sink, Source
from system import name_server, wait_for
from workload import Unavailable, main, price

from osbrain import Agent, run_agent

CALL = 1000  # messages in a call of send_many


class ManySource(Source):
    def pour_many(self, count):
        for first in range(0, count, CALL):
            self.send_many('out', [price(number) for number in range(first, min(first + CALL, count))])


class BatchSink(Sink):
    def on_prices(self, messages):
        if not messages[0]['n']:
            self.begin()
        if messages[-1]['n'] == self.last:
            self.end()


def batches(transport, count, many=0, batch=0):
    """Return the messages a second that arrive: sent with send_many if *many*, handled in batches if *batch*."""
    if many and not hasattr(Agent, 'send_many'):
        raise Unavailable('agents have no send_many')
    if batch and 'batch' not in inspect.signature(Agent.connect).parameters:
        raise Unavailable('handlers take no batches')
    with name_server():
        source = run_agent('source', base=ManySource)
        sink = run_agent('sink', base=BatchSink)
        sink.expect(count)
        address = source.bind('PUSH', alias='out', transport=transport)
        if batch:
            sink.connect(address, handler='on_prices', batch=True)
        else:
            sink.connect(address, handler='on_price')
        (source.pour_many if many else source.pour)(count)
        return {'value': (count - 1) / wait_for(sink, 'elapsed')}


if __name__ == '__main__':
    main({'batches': batches})
