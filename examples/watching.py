"""Watching: be told at once when agents are born and when they die, and why.

`ns.watch` tells a script of all agents. `monitor` tells an agent of one other, in its own loop. Here
a guard starts the feed again whenever it dies; whoever has a proxy of the feed just goes on.
"""

import os
import queue

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_condition


class Guard(Agent):
    def on_init(self):
        # Nobody has this name yet, which is told as a death too.
        self.monitor('feed', 'on_change')

    def on_change(self, event):
        if event.kind == 'death':
            self.log_info(f'no feed: {event.reason}')
            run_agent('feed')


if __name__ == '__main__':
    ns = run_nameserver()
    events = queue.Queue()
    watch = ns.watch(events.put)

    guard = run_agent('guard', base=Guard)
    wait_condition(lambda: 'feed' in ns.agents())
    feed = ns.proxy('feed')

    # The worst that can happen to a process is to end in the middle of things.
    feed.oneway.execute_as_function(os._exit, 3)
    death = next(event for event in iter(events.get, None) if event.kind == 'death')
    wait_condition(lambda: 'feed' in ns.agents())
    feed.wait_for_running()
    print('died:', death.name, '-', death.reason)
    print('the same proxy:', feed.ping())

    watch.stop()
    # Who starts others again ends first, or would start them while the others end.
    guard.shutdown()
    ns.shutdown()
