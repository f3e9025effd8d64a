"""Asynchronous requests: several open at once, one that takes too long, one that fails."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def estimate(agent, task):
    if task == 'trip to Mars':
        raise ValueError('no ladder is that long')
    return f'{task}: {len(task)} days'


class Customer(Agent):
    def on_init(self):
        self.letters = []

    def on_answer(self, answer):
        self.letters.append(answer)

    def on_urgent(self, answer):
        self.letters.append(f'URGENT {answer}')

    def on_no_answer(self, error):
        self.letters.append(f'{type(error).__name__}: {error}')


if __name__ == '__main__':
    with run_nameserver():
        builder = run_agent('builder', on_error='continue')
        customer = run_agent('customer', base=Customer)
        channel = builder.bind('ASYNC_REP', alias='estimates', handler=estimate)
        customer.connect(channel, alias='builder', handler='on_answer')

        customer.send('builder', 'roof')
        customer.send('builder', 'door', handler='on_urgent')
        customer.send('builder', 'trip to Mars', on_error='on_no_answer')
        wait_agent_attr(customer, 'letters', length=3)

        builder.stop()
        customer.send('builder', 'wall', wait=0.1, on_error='on_no_answer')
        wait_agent_attr(customer, 'letters', length=4)
        print(*customer.letters, sep='\n')
