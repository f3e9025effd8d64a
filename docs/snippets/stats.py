"""What agents have counted, and how fast they were in between."""

import threading

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_condition
from osbrain.metrics import Lookout, rates


def on_price(agent, message):
    agent.last = message


def received():
    (endpoint,) = strategy.stats().endpoints
    return endpoint.received.messages


if __name__ == '__main__':
    ns = run_nameserver()
    feed, strategy = run_agent('feed'), run_agent('strategy')
    strategy.connect(feed.bind('PUB', alias='prices'), alias='prices', handler=on_price)

    feed.send_many('prices', range(1000))
    wait_condition(lambda: received() == 1000, timeout=10)
    (prices,) = strategy.stats().endpoints
    print(prices.alias, prices.kind, prices.received.messages, prices.handling.count)
    print('less than a second for all of them:', prices.handling.total < 1)

    for name, stats in ns.stats().items():
        print(name, stats.sent.messages, stats.received.messages, stats.errors)

    with Lookout(ns.addr()) as lookout:
        before = lookout.look()
        feed.each(0.01, 'send', 'prices', 1)
        threading.Event().wait(1)
        found = rates.rates(before, lookout.look())
        print('messages came in:', found['strategy'].received.messages_per_s > 10)
    ns.shutdown()
