"""Work that must not be lost: what a clerk fails at is tried again, and given back at last."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr, wait_condition


class Clerk(Agent):
    def on_init(self):
        self.booked = []

    def book(self, order, delivery):
        if order == 3:
            raise ValueError('no such article')
        self.booked.append((order, delivery.attempt))


class Office(Agent):
    def on_init(self):
        self.returned = []

    def take_back(self, order, failure):
        self.returned.append(f'order {order}, after {failure.attempts} attempts: {failure.error}')


if __name__ == '__main__':
    with run_nameserver():
        office = run_agent('office', base=Office)
        orders = office.bind('ACK_PUSH', alias='orders', max_attempts=2, on_failed='take_back')
        office.send_many('orders', range(6))  # they wait for whoever comes

        ann = run_agent('Ann', base=Clerk, on_error='continue')
        ann.connect(orders, handler='book')
        wait_agent_attr(office, 'returned', length=1)
        wait_condition(lambda: office.pending('orders').done == 5)
        print(ann.booked)
        print(office.returned)
