"""A slow screen that is shown the newest of each topic."""

import time

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def publish(agent):
    for number in range(1, 501):
        agent.send('prices', ('ACME', number), topic='ACME')
        agent.send('prices', ('EMCA', -number), topic='EMCA')


def draw(agent, price):
    time.sleep(0.05)
    agent.drawn.append(price)


if __name__ == '__main__':
    with run_nameserver():
        exchange = run_agent('exchange')
        screen = run_agent('screen', attributes={'drawn': []})
        screen.connect(exchange.bind('PUB', alias='prices', hwm=0), handler=draw, conflate=True)

        exchange.execute_as_method(publish)
        for newest in (('ACME', 500), ('EMCA', -500)):
            wait_agent_attr(screen, 'drawn', data=newest)
        print('few of 1000:', len(screen.drawn) < 50, 'the last:', sorted(screen.drawn[-2:]))
