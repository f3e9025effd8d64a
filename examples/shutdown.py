"""Shutdown: three ways to end an agent in good order.

A script can end an agent, an agent can end itself, and the name server can end all that is left.
Each time the work at hand is finished, and what must be done before the end goes into `shutdown`.
"""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import agent_dies


class Strategy(Agent):
    def shutdown(self):
        self.log_info('closing my positions')
        super().shutdown()

    def stop_loss(self):
        self.log_info('lost too much')
        self.shutdown()


if __name__ == '__main__':
    ns = run_nameserver()
    for name in ('cautious', 'patient', 'steady'):
        run_agent(name, base=Strategy)
    print('at first:', sorted(ns.agents()))

    ns.proxy('patient').shutdown()
    agent_dies('patient', ns, timeout=3)
    print('after its shutdown:', sorted(ns.agents()))

    ns.proxy('cautious').after(0.1, 'stop_loss')
    agent_dies('cautious', ns, timeout=3)
    print('after a stop loss:', sorted(ns.agents()))

    # Each program ends like this, or its agents would live on and the program with them.
    ns.shutdown()
