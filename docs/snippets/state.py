"""State that outlives the program: a counter that goes on where it was."""

import tempfile
from pathlib import Path

from osbrain import Agent, run_agent, run_nameserver


class Counter(Agent):
    def on_init(self):
        self.count = 0

    def add(self):
        self.count += 1
        return self.count

    def save_state(self):
        return self.count

    def load_state(self, state):
        self.count = state


def program(file):
    with run_nameserver():
        counter = run_agent('counter', base=Counter, state=file, checkpoint=5)
        print('it has', counter.count)
        counter.add()
        counter.add()


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as folder:
        program(Path(folder) / 'counter.state')
        program(Path(folder) / 'counter.state')
