"""Record and replay: have a morning at the exchange again, for somebody who was not there.

What is sent again comes from an agent of the same name, through the same socket, as the same bytes in the same rhythm.
From a shell: `osbrain record -o morning.mcap exchange:prices`, `osbrain replay morning.mcap --speed 10`.
"""

import tempfile
from pathlib import Path

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr
from osbrain.recording import Recording, record, replay


class Exchange(Agent):
    def on_init(self):
        self.bind('PUB', alias='prices')

    def morning(self):
        for n, price in enumerate([19.5, 19.75, 20.25]):
            self.after(0.5 * n, 'send', 'prices', price, topic='TEA')


class Trader(Agent):
    def on_init(self):
        self.prices = []
        self.connect(self.exchange, handler=lambda agent, price: agent.prices.append(price), ready=10)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as folder, run_nameserver() as ns:
        path = Path(folder) / 'morning.mcap'
        exchange = run_agent('exchange', base=Exchange)
        early = run_agent('early', base=Trader, attributes={'exchange': exchange.addr('prices')})
        with record(path, 'exchange:prices'):
            exchange.morning()
            wait_agent_attr(early, 'prices', length=3, timeout=10)
        for message in Recording(path):
            print(message.agent, message.alias, message.topic.decode(), message.value)

        exchange.shutdown()
        agent_dies('exchange', ns, timeout=10)
        with replay(path, speed=10) as again:
            late = run_agent('late', base=Trader, attributes={'exchange': ns.addr('exchange', 'prices')})
            print('sent again:', again.play().messages)
            wait_agent_attr(late, 'prices', length=3, timeout=10)
        print('both know the same:', late.prices == early.prices)
