"""Publish-subscribe: say it once, and everybody who listens hears it.

Take it for live data such as prices or positions. The publisher neither knows nor waits for its
subscribers: a slow one holds up nobody, and one that joins late has missed what came before.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def publish_tick(agent):
    agent.tick += 1
    agent.send('ticks', agent.tick)


def remember(agent, tick):
    agent.received.append(tick)


def run_listener(name, address):
    listener = run_agent(name, attributes={'received': []})
    listener.connect(address, handler=remember)
    return listener


if __name__ == '__main__':
    ns = run_nameserver()
    feed = run_agent('feed', attributes={'tick': 0})
    address = feed.bind('PUB', alias='ticks')
    feed.each(0.1, publish_tick)

    early = run_listener('early', address)
    wait_agent_attr(early, 'received', length=3)

    late = run_listener('late', address)
    wait_agent_attr(late, 'received', length=3)

    late_ticks = late.get_attr('received')
    wait_agent_attr(early, 'received', data=late_ticks[-1])
    print('early heard', early.get_attr('received'))
    print('late heard', late_ticks)

    ns.shutdown()
