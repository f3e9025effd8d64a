"""A name server with a method of its own, and what every name server tells about its agents."""

from osbrain import NameServer, run_agent, run_nameserver
from osbrain.helper import wait_condition


class CountingServer(NameServer):
    def families(self):
        """How many agents there are by the first word of their names."""
        first = [name.partition('-')[0] for name in self.agents()]
        return {word: first.count(word) for word in sorted(set(first))}


if __name__ == '__main__':
    with run_nameserver(base=CountingServer) as ns:
        for name in ('feed-1', 'feed-2', 'broker-1'):
            run_agent(name)
        print(ns.ping(), ns.agents(), ns.count())
        print(ns.families())

        broker = ns.proxy('broker-1')
        address = broker.bind('REP', alias='orders', handler=lambda agent, order: 'done')
        print(ns.addr('broker-1', 'orders') == address)

        wait_condition(lambda: ns.status()['broker-1'].state == 'running')
        status = ns.status()['broker-1']
        print(status.name, status.state, status.reason, status.kind)
