"""A supervisor: what dies comes back, and what has done its work does not."""

import os
import signal

from osbrain import Agent, run_nameserver, run_supervisor
from osbrain.helper import wait_condition


class Report(Agent):
    def write(self):
        self.shutdown()


def restarts(team):
    return [child.restarts for child in team.which_children() if child.state == 'running']


def show(team):
    for child in team.which_children():
        print(child.name, 'is', child.state, '- started again:', child.restarts)


if __name__ == '__main__':
    with run_nameserver() as ns:
        children = ['feed', 'strategy', {'name': 'report', 'base': Report, 'restart': 'transient'}]
        team = run_supervisor('team', children, strategy='rest_for_one')
        show(team)

        feed, strategy, report = team.which_children()
        os.kill(strategy.pid, signal.SIGKILL)
        wait_condition(lambda: restarts(team) == [0, 1, 1])
        print('strategy has died')
        show(team)

        ns.proxy('report').write()
        wait_condition(lambda: team.which_children()[-1].state == 'ended')
        print('report is written')
        show(team)
