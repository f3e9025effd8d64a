"""Supervised: agents are killed while you look, and come back.

The floor keeps the strategies: one that dies is started again, alone (`one_for_one`). The desk keeps the feed and the
floor, which are of no use without each other: when one dies, both are started again (`one_for_all`). Whoever is killed
is back, under its name, before you could have called it.
"""

import os
import signal

from osbrain import run_nameserver, run_supervisor
from osbrain.helper import wait_condition

STRATEGIES = ['momentum', 'reversion', 'carry']


def processes(ns):
    return {name: agent.pid for name, agent in ns.status().items() if agent.state == 'running'}


def kill(ns, victim, back):
    """Kill one agent, wait until those who are to be back are, and tell who has got a new process."""
    before = processes(ns)
    os.kill(before[victim], signal.SIGKILL)

    def are_back():
        now = processes(ns)
        return all(now.get(name, before[name]) != before[name] for name in back)

    wait_condition(are_back, timeout=10)
    now = processes(ns)
    print(f'killed {victim}; started again:', sorted(name for name in before if now.get(name) != before[name]))


if __name__ == '__main__':
    ns = run_nameserver()

    floor = {'name': 'floor', 'children': STRATEGIES}
    desk = run_supervisor('desk', ['feed', floor], strategy='one_for_all')
    wait_condition(lambda: len(processes(ns)) == 6, timeout=10)
    print('running:', sorted(ns.agents()))

    kill(ns, 'momentum', back=['momentum'])
    kill(ns, 'carry', back=['carry'])
    kill(ns, 'feed', back=['feed', 'floor', *STRATEGIES])
    print('answers:', ns.proxy('momentum').ping(), [child.restarts for child in desk.which_children()])

    ns.shutdown()
