"""Timers: again and again, once and later, stopped."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr, wait_condition


class Clock(Agent):
    def on_init(self):
        self.ticks = 0
        self.said = []
        self.each(0.01, 'tick', alias='ticking')

    def tick(self):
        self.ticks += 1
        if self.ticks == 5:
            self.stop_timer('ticking')

    def say(self, text, *, loudly=False):
        self.said.append(text.upper() if loudly else text)


if __name__ == '__main__':
    with run_nameserver():
        clock = run_agent('clock', base=Clock)
        wait_agent_attr(clock, 'ticks', value=5)

        clock.after(0, 'say', 'now')
        clock.after(0.05, 'say', 'soon', loudly=True)
        later = clock.after(3600, 'say', 'in an hour')
        clock.after(0.1, lambda agent: agent.said.append('a function'), alias='function')
        print('waiting:', later in clock.list_timers())

        wait_agent_attr(clock, 'said', length=3)
        print(clock.said)

        clock.stop_timer(later)
        wait_condition(lambda: not clock.list_timers())
        print('timers:', clock.list_timers())
        print('ticks: ', clock.ticks)
