"""What is told of an agent that is killed, and what its proxy says and does."""

import os
import queue
import signal

from osbrain import run_agent, run_nameserver
from osbrain.proxy import AgentGone


def shown(event):
    return event.kind, event.name, event.reason


if __name__ == '__main__':
    ns = run_nameserver()
    events = queue.Queue()
    with ns.watch(events.put):
        feed = run_agent('feed')
        for _ in range(2):
            print(shown(events.get(timeout=5)))
        os.kill(ns.status()['feed'].pid, signal.SIGKILL)
        print(shown(events.get(timeout=5)))
        print('names:', ns.agents())

        try:
            feed.ping()
        except AgentGone as error:
            print(str(error).partition(': it died')[0])

        run_agent('feed')
        print(feed.ping())
    ns.shutdown()
