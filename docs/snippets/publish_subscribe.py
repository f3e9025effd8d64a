"""Publish and subscribe: topics as prefixes, exact topics, and what a handler is told."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Listener(Agent):
    def on_init(self):
        self.heard = []

    def on_share(self, price):
        self.heard.append(price)

    def on_named(self, price, topic):
        self.heard.append((topic, price))


def publish_all(agent):
    agent.send('prices', 1, topic='share.A')
    agent.send('prices', 2, topic='share.AA')
    agent.send('prices', 3, topic='bond')
    agent.send('prices', 4)
    agent.send('prices', 'end', topic='end')


if __name__ == '__main__':
    with run_nameserver():
        exchange = run_agent('exchange')
        address = exchange.bind('PUB', alias='prices')

        everything = run_agent('everything', base=Listener)
        everything.connect(address, handler='on_share')

        shares = run_agent('shares', base=Listener)
        shares.connect(address, handler={'share.': 'on_named', 'end': 'on_share'})

        exact = run_agent('exact', base=Listener)
        exact.connect(address, alias='in', handler={'share.': 'on_share', 'end': 'on_share'})
        # Add first, then drop: so there is no gap.
        exact.subscribe('in', {'share.A': 'on_named'}, exact=True)
        exact.unsubscribe('in', 'share.')

        # connect() came back, so the subscriptions are live: nothing is lost.
        exchange.execute_as_method(publish_all)
        for listener in (everything, shares, exact):
            wait_agent_attr(listener, 'heard', data='end')
            print(f'{listener.name}:', listener.heard)
