"""What shutting down did: who ended by itself, who had to be killed."""

import time

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Deaf(Agent):
    """Hear no request to end."""

    busy = False

    def work(self):
        self.busy = True
        time.sleep(60)


class Worker(Agent):
    def on_init(self):
        self.bind('PULL', alias='work', handler='on_work')

    def on_work(self, work):
        """Do it."""


if __name__ == '__main__':
    ns = run_nameserver()
    worker = run_agent('worker', base=Worker)
    deaf = run_agent('deaf', base=Deaf)
    deaf.after(0, 'work')
    wait_agent_attr(deaf, 'busy', value=True)

    report = ns.shutdown(timeout=2, drain=0.5, report=True)
    print('ended by themselves:', report.clean)
    print('killed:', report.killed)
    print('dead before:', report.gone)
    print('in time:', report.seconds < 3)
