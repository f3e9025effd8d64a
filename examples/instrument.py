"""Instruments: be told what an agent does, without a line in its class.

The strategy knows nothing of it. The instrument is added while the agent runs, counts what its sockets
handle and how often they fail, and says so when it is removed.
"""

from collections import Counter

from osbrain import Agent, Instrument, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Strategy(Agent):
    def on_init(self):
        self.seen = []
        self.bind('PULL', alias='prices', handler='on_price')
        self.bind('PULL', alias='news', handler='on_news')

    def on_price(self, price):
        self.seen.append(price)

    def on_news(self, text):
        self.seen.append(text)


class Report(Instrument):
    def added(self, agent):
        self.agent = agent
        self.handled = Counter()

    def after_handling(self, socket, count, seconds, error):
        self.handled[socket.alias if error is None else f'{socket.alias}, failed'] += count

    def removed(self):
        self.agent.log_info(f'handled: {dict(self.handled)}')


if __name__ == '__main__':
    with run_nameserver():
        feed, strategy = run_agent('feed'), run_agent('strategy', base=Strategy)
        feed.connect(strategy.addr('prices'), alias='prices')
        feed.connect(strategy.addr('news'), alias='news')

        report = strategy.add_instrument(Report())
        feed.send_many('prices', [10.0, 10.5, 9.75])
        wait_agent_attr(strategy, 'seen', length=3)
        feed.send('news', 'ACME splits its shares')
        wait_agent_attr(strategy, 'seen', length=4)
        strategy.remove_instrument(report)
