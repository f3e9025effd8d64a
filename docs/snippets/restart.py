"""One agent that is started again, without a supervisor."""

import os
import signal

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_condition


class Counter(Agent):
    def on_init(self):
        self.count = 0

    def add(self):
        self.count += 1
        return self.count


def process(ns):
    """Return the agent's process if it runs."""
    agent = ns.status().get('counter')
    return agent.pid if agent is not None and agent.state == 'running' else None


if __name__ == '__main__':
    with run_nameserver() as ns:
        counter = run_agent('counter', base=Counter, restart='transient')
        print(counter.add(), counter.add())

        first = process(ns)
        os.kill(first, signal.SIGKILL)
        wait_condition(lambda: process(ns) not in (None, first))
        print(ns.proxy('counter').add())
