"""Newest only: a slow listener skips what is out of date.

A screen need not draw every price, but the last one has to be the right one. With `conflate=True` a subscriber
that comes back to its messages is given the newest of each topic, and the older ones are dropped. The publisher
has `hwm=0`, no limit for what waits to be sent: with one, it is the newest that finds no room.
"""

import time

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

PRICES = 1000


def publish(agent):
    for price in range(1, PRICES + 1):
        agent.send('prices', ('ACME', price), topic='ACME')
        agent.send('prices', ('EMCA', -price), topic='EMCA')


def draw(agent, message):
    time.sleep(0.05)  # Drawing takes its time.
    agent.pictures.append(message)


if __name__ == '__main__':
    ns = run_nameserver()
    feed = run_agent('feed')
    screen = run_agent('screen', attributes={'pictures': []})
    screen.connect(feed.bind('PUB', alias='prices', hwm=0), handler=draw, conflate=True)

    feed.wait_for_subscribers('prices')
    feed.execute_as_method(publish)
    for newest in (('ACME', PRICES), ('EMCA', -PRICES)):
        wait_agent_attr(screen, 'pictures', data=newest)

    pictures = screen.get_attr('pictures')
    print('published:', 2 * PRICES)
    print('few were drawn:', len(pictures) < 100)
    print('the last of each:', sorted(dict(pictures).items()))
    ns.shutdown()
