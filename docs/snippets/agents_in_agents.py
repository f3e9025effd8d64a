"""An agent that runs agents: a clerk for each customer, from inside a handler."""

from osbrain import Agent, run_agent, run_nameserver


class Office(Agent):
    def on_init(self):
        self.bind('REP', alias='reception', handler='on_customer')

    def on_customer(self, customer):
        clerk = run_agent(f'clerk-for-{customer}')
        return clerk.bind('REP', handler=lambda agent, wish: f'{agent.name}: {wish}? With pleasure')


if __name__ == '__main__':
    with run_nameserver() as ns:
        office = run_agent('office', base=Office)
        customer = run_agent('customer')
        customer.connect(office.addr('reception'), alias='reception')

        desk = customer.send_recv('reception', 'Ada')
        customer.connect(desk, alias='clerk')
        print(customer.send_recv('clerk', 'A passport'))
        print(sorted(ns.agents()))
