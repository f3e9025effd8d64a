"""An agent that wants to know when another one dies, and when it is back."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Strategy(Agent):
    def on_init(self):
        self.told = []
        self.monitor('feed', 'on_feed')

    def on_feed(self, event):
        self.told.append((event.kind, event.reason))


if __name__ == '__main__':
    ns = run_nameserver()
    strategy = run_agent('strategy', base=Strategy)
    wait_agent_attr(strategy, 'told', length=1)

    feed = run_agent('feed')
    feed.shutdown()
    wait_agent_attr(strategy, 'told', length=3)
    for event in strategy.told:
        print(event)
    ns.shutdown()
