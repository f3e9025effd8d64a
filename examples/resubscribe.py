"""Re-subscribing: change what an agent listens to while everything runs.

`subscribe` adds topics to a connection that is already there and `unsubscribe` takes some away;
the publisher is not touched. A strategy can thus follow one share more without a restart.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def publish(agent):
    for symbol in ('AAPL', 'IBM', 'MSFT'):
        agent.send('prices', symbol, topic=symbol)


def remember(agent, symbol):
    agent.received.append(symbol)


if __name__ == '__main__':
    ns = run_nameserver()
    feed = run_agent('feed')
    strategy = run_agent('strategy', attributes={'received': []})

    address = feed.bind('PUB', alias='prices')
    strategy.connect(address, alias='prices', handler={'AAPL': remember})
    feed.each(0.1, publish)

    wait_agent_attr(strategy, 'received', length=3)
    print('at first:', sorted(set(strategy.get_attr('received'))))

    strategy.subscribe('prices', handler={'IBM': remember})
    wait_agent_attr(strategy, 'received', data='IBM')
    print('after subscribe:', sorted(set(strategy.get_attr('received'))))

    strategy.unsubscribe('prices', 'AAPL')
    strategy.set_attr(received=[])
    wait_agent_attr(strategy, 'received', length=3)
    print('after unsubscribe:', sorted(set(strategy.get_attr('received'))))

    ns.shutdown()
