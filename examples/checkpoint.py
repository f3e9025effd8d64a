"""Checkpoints: an agent that is killed goes on from what it saved last.

`save_state` says what is worth keeping and `load_state` takes it back. It is saved every `checkpoint=` seconds between
two messages, and whenever the agent ends by itself; `state=` is the file. The process is killed here as a computer
would be that loses its power: without a chance to save anything more.
"""

import os
import signal
import tempfile
from pathlib import Path

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr, wait_condition


class Account(Agent):
    def on_init(self):
        self.position = self.saved = 0

    def trade(self, quantity):
        self.position += quantity

    def save_state(self):
        self.saved = self.position
        return self.position

    def load_state(self, state):
        self.position = state


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as folder, run_nameserver() as ns:
        kept = {'base': Account, 'checkpoint': 0.05, 'state': Path(folder) / 'account'}
        account = run_agent('account', **kept)
        account.trade(100)
        account.trade(-30)
        wait_agent_attr(account, 'saved', value=70)
        account.ping()  # answered when the agent is done with saving

        os.kill(ns.status()['account'].pid, signal.SIGKILL)
        wait_condition(ns.reap)  # its name is free again
        account = run_agent('account', **kept)
        print('position after the crash:', account.position)
        account.trade(5)
        print('and on it goes:', account.position)
