"""Many messages at once: send_many at one end, lists at the other."""

from osbrain import Agent, batched, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Ledger(Agent):
    def on_init(self):
        self.amounts = []
        self.lists = 0

    @batched
    def on_amounts(self, amounts):
        self.lists += 1
        self.amounts += amounts


def answer(agent, request):
    return request * 2


def keep(agent, reply):
    agent.replies.append(reply)


if __name__ == '__main__':
    with run_nameserver():
        till = run_agent('till', attributes={'replies': []})
        ledger = run_agent('ledger', base=Ledger)
        till.connect(ledger.bind('PULL', handler='on_amounts'), alias='ledger')
        till.connect(ledger.bind('ASYNC_REP', handler=answer), alias='doubles', handler=keep)

        till.send_many('ledger', range(1000))
        wait_agent_attr(ledger, 'amounts', length=1000)
        print('in order:', ledger.amounts == list(range(1000)), 'in few lists:', ledger.lists < 10)

        till.send_many('doubles', [1, 2, 3])
        wait_agent_attr(till, 'replies', length=3)
        print('each its reply:', till.replies)
