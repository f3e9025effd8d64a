"""Publish-subscribe with filters: hear only the topics that you ask for.

The handler is a dict: topic -> what to do with its messages. A subscription matches every topic
that begins with it, so 'EUR' hears both EURUSD and EURJPY, and '' would hear everything.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

RATES = {'EURUSD': 1.08, 'EURJPY': 161.2, 'USDJPY': 149.3, 'GBPUSD': 1.26}


def publish_rates(agent):
    for pair, rate in RATES.items():
        agent.send('rates', f'{pair} {rate}', topic=pair)


def on_euro(agent, message):
    agent.heard_euro.append(message)


def on_pound(agent, message):
    agent.heard_pound.append(message)


if __name__ == '__main__':
    ns = run_nameserver()
    feed = run_agent('feed')
    trader = run_agent('trader', attributes={'heard_euro': [], 'heard_pound': []})

    address = feed.bind('PUB', alias='rates')
    trader.connect(address, handler={'EUR': on_euro, 'GBPUSD': on_pound})

    # Nobody hears what was said before they came: wait for one listener before the first word.
    feed.wait_for_subscribers('rates', 1)
    feed.execute_as_method(publish_rates)
    wait_agent_attr(trader, 'heard_euro', length=2)
    wait_agent_attr(trader, 'heard_pound', length=1)

    print('euro:', trader.get_attr('heard_euro'))
    print('pound:', trader.get_attr('heard_pound'))

    ns.shutdown()
