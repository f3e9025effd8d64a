"""Calls through proxies, from a script to an agent."""

import time

from system import name_server
from workload import main

from osbrain import Agent, Proxy, run_agent


class Counter(Agent):
    def successor(self, number):
        return number + 1


def proxy_calls(safe, count):
    """Return the calls a second; safe ones run between the agent's messages, unsafe ones beside them."""
    with name_server():
        run_agent('counter', base=Counter)
        counter = Proxy('counter', safe=bool(safe))
        counter.successor(0)
        start = time.perf_counter()
        for number in range(count):
            counter.successor(number)
        return {'value': count / (time.perf_counter() - start)}


if __name__ == '__main__':
    main({'proxy_calls': proxy_calls})
