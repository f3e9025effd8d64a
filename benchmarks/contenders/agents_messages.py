"""Small messages between agents: PUSH-PULL, PUB-SUB, SYNC_PUB, and how long one takes."""

import time

from bursts import Bursts
from ends import Sink, Source
from system import name_server, wait_for
from workload import (
    FIRST_RAW,
    IN_FLIGHT,
    LAST_RAW,
    PUB_BURST,
    RAW,
    latencies,
    main,
    pace,
    price,
    raw_messages,
    warm_bursts,
)

from osbrain import Agent, run_agent

TOPIC = 'AAPL'
HELLO = 'hello'  # after the other in the order of bytes, in which ZeroMQ subscribes


# -- One after the other: PUSH-PULL ---------------------------------------------------------------------------------


class Feed(Source):
    def pour_raw(self, count):
        for message in raw_messages(count):
            self.send('out', message)

    def pour_at_pace(self, per_second, count):
        for number in pace(per_second, count):
            message = price(number)
            message['sent'] = time.monotonic_ns()
            self.send('out', message)


class Reader(Sink):
    def expect(self, count):
        super().expect(count)
        self.taken = []
        self.quantiles = None

    def on_raw(self, message):
        if message != RAW:
            if message == FIRST_RAW:
                self.begin()
            elif message == LAST_RAW:
                self.end()

    def on_timed(self, message):
        self.taken.append(time.monotonic_ns() - message['sent'])
        if message['n'] == self.last:
            self.quantiles = latencies(self.taken)


def pair(handler, count, **options):
    """Start a feed and a reader that is connected to it."""
    feed = run_agent('feed', base=Feed)
    reader = run_agent('reader', base=Reader)
    reader.expect(count)
    reader.connect(feed.bind('PUSH', alias='out', **options), handler=handler)
    return feed, reader


def push_pull(transport, count, raw=0):
    """Return the messages a second that arrive; timed where they do."""
    with name_server():
        if raw:
            feed, reader = pair('on_raw', count, transport=transport, serializer='raw')
            feed.pour_raw(count)
        else:
            feed, reader = pair('on_price', count, transport=transport)
            feed.pour(count)
        return {'value': (count - 1) / wait_for(reader, 'elapsed')}


def latency(per_second, count):
    """Return how long messages take that come at an even pace."""
    with name_server():
        feed, reader = pair('on_timed', count)
        feed.pour_at_pace(per_second, count)
        return wait_for(reader, 'quantiles')


# -- In bursts: PUB-SUB ---------------------------------------------------------------------------------------------


class Publisher(Agent):
    def prepare(self, kind, subscribers, count):
        warm = warm_bursts(PUB_BURST)
        self.bursts = Bursts(warm + -(-count // PUB_BURST), warm, subscribers, IN_FLIGHT)
        self.rate = None
        self.present = set()
        return (
            self.bind(kind, alias='prices', handler=lambda agent, request: None),
            self.bind('PULL', alias='acks', handler='on_ack'),
        )

    def greet(self):
        """Publish something that subscribers answer, and tell how many have done so up to now."""
        self.send('prices', 'hello', topic=HELLO)
        return len(self.present)

    def begin(self):
        for burst in self.bursts.first():
            self.publish(burst)

    def publish(self, burst):
        for number in range(burst * PUB_BURST, (burst + 1) * PUB_BURST):
            self.send('prices', price(number), topic=TOPIC)

    def on_ack(self, ack):
        if isinstance(ack, str):
            self.present.add(ack)
            return
        following = self.bursts.acknowledge(ack)
        if following is not None:
            self.publish(following)
        elif self.bursts.elapsed is not None:
            self.rate = self.bursts.rate(PUB_BURST)


class Subscriber(Agent):
    def join(self, prices, acks):
        self.seen = 0
        self.burst = 0
        self.connect(acks, alias='acks')
        self.connect(prices, alias='prices', handler={TOPIC: 'on_price', HELLO: 'on_hello'})

    def on_hello(self, _):
        self.send('acks', self.name)

    def on_price(self, _):
        self.seen += 1
        if self.seen == PUB_BURST:
            self.send('acks', self.burst)
            self.burst += 1
            self.seen = 0


def publish(kind, subscribers, count):
    """Return the deliveries a second, those to all subscribers taken together."""
    with name_server():
        publisher = run_agent('publisher', base=Publisher)
        prices, acks = publisher.prepare(kind, subscribers, count)
        everybody = [run_agent(f'subscriber-{number}', base=Subscriber) for number in range(subscribers)]
        for subscriber in everybody:
            subscriber.join(prices, acks)
        # What is published before a subscription is there, is lost.
        while publisher.greet() < subscribers:
            time.sleep(0.01)
        for subscriber in everybody:
            subscriber.unsubscribe('prices', HELLO)
        publisher.begin()
        return {'value': wait_for(publisher, 'rate')}


def pub_sub(subscribers, count):
    """Do it with PUB and SUB."""
    return publish('PUB', subscribers, count)


def sync_pub(subscribers, count):
    """Do it with the channel that also takes requests; none come."""
    return publish('SYNC_PUB', subscribers, count)


if __name__ == '__main__':
    main({work.__name__: work for work in (push_pull, latency, pub_sub, sync_pub)})
