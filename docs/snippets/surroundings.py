"""What an agent inherits: the environment, the configuration, the folder, and globals by value."""

import os

import osbrain
from osbrain import Agent, run_agent, run_nameserver

PRICES = {'tea': 2}


class Shop(Agent):
    def look(self):
        return os.environ['SHOP_MODE'], osbrain.config['SERIALIZER'], PRICES


if __name__ == '__main__':
    os.environ['SHOP_MODE'] = 'early'
    with run_nameserver():
        first = run_agent('first', base=Shop)

        os.environ['SHOP_MODE'] = 'late'
        osbrain.config['SERIALIZER'] = 'json'
        PRICES['coffee'] = 3
        second = run_agent('second', base=Shop)

        print('first: ', first.look())
        print('second:', second.look())
