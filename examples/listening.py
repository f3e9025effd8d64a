"""Listening: look into a system that runs, without having prepared anything.

Neither the warehouse nor the shop knows that somebody looks. From a shell, the same is
`osbrain echo shop:orders` and `osbrain echo warehouse:answers`.
"""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.recording import Listener


class Warehouse(Agent):
    def on_init(self):
        self.stock = {'tea': 2, 'jam': 0}
        self.bind('REP', alias='answers', handler='on_order')

    def on_order(self, item):
        self.stock[item] -= 1
        if self.stock[item] < 0:
            return f'{item} is sold out'
        return f'{item} is on its way'


class Shop(Agent):
    def order(self, *items):
        return [self.send_recv('orders', item) for item in items]


if __name__ == '__main__':
    ns = run_nameserver()
    warehouse = run_agent('warehouse', base=Warehouse)
    shop = run_agent('shop', base=Shop)
    shop.connect(warehouse.addr('answers'), alias='orders')

    with Listener() as listener:
        listener.add('shop', 'orders')
        shop.order('tea', 'jam')
        for _ in range(4):
            seen = listener.next(10)
            print(seen.source.agent, seen.direction, seen.what, seen.message())

    ns.shutdown()
