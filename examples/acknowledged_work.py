"""Acknowledged work: workers are killed while they work, and nothing is lost.

The office keeps each order until the handler of some clerk has returned. When a clerk's process is
killed, what it had goes to the others at once. An order may be delivered twice, never not at all.
"""

import os
import signal
import time

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_condition


class Clerk(Agent):
    def on_init(self):
        self.seen = set()

    def book(self, order, delivery):
        self.seen.add(delivery.id)  # the same in every delivery: a receiver can tell a repeat
        time.sleep(0.001)

    def process(self):
        return os.getpid()


def hire(name, orders):
    """Start a clerk; return the number of its process."""
    clerk = run_agent(name, base=Clerk)
    clerk.connect(orders, handler='book')
    return clerk.process()


if __name__ == '__main__':
    ns = run_nameserver()
    office = run_agent('office')
    orders = office.bind('ACK_PUSH', alias='orders')
    clerks = [hire('Ann', orders), hire('Bob', orders)]
    for name in ('Cid', 'Dan', 'Eve'):
        wait_condition(lambda: len(office.pending('orders').workers) == 2)
        office.send_many('orders', range(500))
        os.kill(clerks.pop(0), signal.SIGKILL)
        clerks.append(hire(name, orders))

    wait_condition(lambda: office.pending('orders').done == 1_500, timeout=30)
    pending = office.pending('orders')
    print('orders done:', pending.done, 'waiting:', pending.waiting, 'given up:', pending.failed)
    ns.shutdown()
