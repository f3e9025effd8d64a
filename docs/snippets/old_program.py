"""A program as it was written for osBrain 0.6.5; it runs unchanged."""

import Pyro4

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Bank(Agent):
    def on_init(self):
        self.bind('REP', alias='till', handler='on_request')
        self.balance = 100

    def on_request(self, amount):
        self.balance += amount
        yield self.balance


if __name__ == '__main__':
    ns = run_nameserver()
    bank = run_agent('Bank', base=Bank)
    client = run_agent('Client')
    client.set_attr(paid=[])
    client.set_method(pay=lambda agent, x: agent.paid.append(agent.send_recv('bank', x)))

    client.connect(ns.addr('Bank', 'till'), alias='bank')
    client.pay(-30)
    client.each(0.1, 'pay', -1, alias='rent')
    wait_agent_attr(client, 'paid', length=3)
    client.stop_timer('rent')
    print(client.get_attr('paid')[:3])

    try:
        ns.proxy('Nobody', timeout=0.1)
    except Pyro4.errors.NamingError as error:
        print(error)

    ns.shutdown()
