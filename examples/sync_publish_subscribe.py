"""Synchronised publish-subscribe: ask the publisher, and get the answer within its stream.

Who joins a stream of changes needs the state that they change. The reply comes exactly between two
publications, so a snapshot fits the updates before and after it: nothing missing, nothing twice.
"""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Book(Agent):
    def on_init(self):
        self.version = 0
        self.bind('SYNC_PUB', alias='updates', handler=lambda agent, request: agent.version)

    def change(self):
        self.version += 1
        self.send('updates', self.version)


class Trader(Agent):
    def on_init(self):
        self.updates = []
        self.since_snapshot = []
        self.snapshot = None

    def on_update(self, version):
        self.updates.append(version)
        if self.snapshot is not None:
            self.since_snapshot.append(version - self.snapshot)

    def on_snapshot(self, version):
        self.snapshot = version


if __name__ == '__main__':
    ns = run_nameserver()
    book = run_agent('book', base=Book)
    trader = run_agent('trader', base=Trader)
    trader.connect(book.addr('updates'), alias='book', handler='on_update')
    book.each(0.05, 'change')

    wait_agent_attr(trader, 'updates', length=3)
    trader.send('book', 'where are we?', handler='on_snapshot')
    wait_agent_attr(trader, 'since_snapshot', length=3)
    print('updates, counted from the snapshot:', trader.get_attr('since_snapshot')[:3])

    ns.shutdown()
