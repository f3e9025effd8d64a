"""Many agents: start a whole team at once, and watch it arrive.

`run_agents` starts agents in parallel and returns their proxies, in order, when all of them run. If
one cannot be started, none is left. A function of yours is told how many run, which is all that a
progress bar needs (this one is drawn by the package rich, and only where somebody sees it).
"""

import sys

from rich.progress import Progress

from osbrain import Agent, run_agents, run_nameserver
from osbrain.helper import wait_agent_attr


class Ant(Agent):
    def on_init(self):
        self.leaves = 0
        self.bind('PULL', alias='trail', handler='carry')

    def carry(self, leaves):
        self.leaves += leaves


if __name__ == '__main__':
    ns = run_nameserver()

    team = ['queen', *({'name': f'ant-{number}', 'base': Ant} for number in range(1, 31))]
    with Progress(disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task('starting', total=len(team))
        queen, *ants = run_agents(team, progress=lambda done, total: bar.update(task, completed=done))
    print('running:', len(ns.agents()))

    for number, ant in enumerate(ants, start=1):
        queen.connect(ant.addr('trail'), alias='trail')
        queen.send('trail', number)
        queen.close('trail')
    for number, ant in enumerate(ants, start=1):
        wait_agent_attr(ant, 'leaves', value=number)
    print('leaves carried:', sum(ant.leaves for ant in ants))

    ns.shutdown()
