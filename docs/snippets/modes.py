"""Safe, unsafe and one-way calls of an agent that is busy."""

import time

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Painter(Agent):
    def on_init(self):
        self.painting = False
        self.may_stop = False
        self.steps = []

    def paint(self):
        self.painting = True
        while not self.may_stop:
            time.sleep(0.01)
        self.steps.append('painted')
        self.painting = False

    def note(self, text):
        self.steps.append(text)
        return text


if __name__ == '__main__':
    with run_nameserver():
        painter = run_agent('painter', base=Painter)
        painter.after(0, 'paint')
        wait_agent_attr(painter, 'painting', value=True)

        # At once, beside whatever the agent is doing:
        print(painter.is_running(), painter.unsafe.note('unsafe'))
        # At once, and nobody waits for it:
        print(painter.oneway.note('one-way'))
        wait_agent_attr(painter, 'steps', length=2)
        painter.unsafe.set_attr(may_stop=True)
        # In its turn, after the painting:
        print(painter.note('safe'))
        print(painter.steps)
