"""See what agents count of themselves: messages, time in handlers, errors; and how fast they are.

Nothing has to be prepared for it: every agent counts. `osbrain ls`, `osbrain top` and `osbrain graph` show the
same in a shell while this runs.
"""

import threading

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_condition
from osbrain.metrics import Lookout
from osbrain.metrics.rates import rates


def weigh(agent, apple):
    agent.weighed += 1


def received():
    return scales.stats().received.messages


if __name__ == '__main__':
    ns = run_nameserver()
    picker, scales = run_agent('picker'), run_agent('scales', attributes={'weighed': 0})
    picker.connect(scales.bind('PULL', alias='tray', handler=weigh), alias='hand')

    picker.send_many('hand', ['an apple'] * 1000)
    wait_condition(lambda: received() == 1000, timeout=10)

    # Of one agent: what went through each of its sockets, and how long handling took.
    (tray,) = scales.stats().endpoints
    print(tray.alias, tray.kind, 'received:', tray.received.messages, 'errors:', tray.errors)
    print('99 of 100 were weighed within a second:', tray.handling.quantile(0.99) < 1)

    # Of all agents. One that does not answer would be there with None.
    print({name: stats.sent.messages for name, stats in ns.stats().items()})

    # Counters only grow: two looks tell how fast.
    picker.each(0.01, 'send', 'hand', 'an apple')
    with Lookout(ns.addr()) as lookout:
        before = lookout.look()
        threading.Event().wait(0.5)
        found = rates(before, lookout.look())
    print('the picker picks:', found['picker'].sent.messages_per_s > 0)

    ns.shutdown()
