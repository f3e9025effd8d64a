"""Many timers in one agent: how many of their starts happen, how late, and what they cost in threads."""

import time
from pathlib import Path

from system import name_server, wait_for
from workload import main, quantile

from osbrain import Agent, run_agent

PERIOD = 1.0
# A clock that is read twice may make a start look early by a little; it is not late by nearly a period then.
EARLY = 0.05


def threads():
    """Return how many threads this process has."""
    return len(list(Path('/proc/self/task').iterdir()))


class Clock(Agent):
    def begin(self, count, seconds):
        """Start *count* timers, spread over a period, and look at each of them for so many seconds."""
        self.seconds = seconds
        self.due = count * round(seconds / PERIOD)
        self.begun = {}
        self.late = []
        self.most_threads = 0
        self.result = None
        for number in range(count):
            self.after(PERIOD * number / count, 'begin_one', number)
        self.after(PERIOD + seconds / 2, 'look')
        self.after(PERIOD + seconds, 'conclude')

    def begin_one(self, number):
        self.begun[number] = time.monotonic()
        self.each(PERIOD, 'tick', number)

    def tick(self, number):
        since = time.monotonic() - self.begun[number]
        # The last start has happened if it is late by less than half a period.
        if since < self.seconds - PERIOD / 2:
            self.late.append((since + EARLY) % PERIOD - EARLY)

    def look(self):
        self.most_threads = threads()

    def conclude(self):
        ordered = sorted(self.late)
        self.result = {
            'fired': 100 * len(ordered) / self.due,
            'p50': quantile(ordered, 0.5) * 1000,
            'p99': quantile(ordered, 0.99) * 1000,
            'threads': self.most_threads,
        }


class Sleeper(Agent):
    def begin(self, count):
        for _ in range(count):
            self.each(PERIOD, 'tick')

    def tick(self):
        pass


def timers(count, seconds):
    """Return the share of starts that happened, in percent, and how late they were, in milliseconds."""
    with name_server():
        clock = run_agent('clock', base=Clock)
        clock.begin(count, seconds)
        return wait_for(clock, 'result')


def timer_threads(count):
    """Return how many threads an agent has with that many timers beyond those it has without."""
    with name_server():
        sleeper = run_agent('sleeper', base=Sleeper)
        before = sleeper.execute_as_function(threads)
        sleeper.begin(count)
        return {'value': sleeper.execute_as_function(threads) - before}


if __name__ == '__main__':
    main({'timers': timers, 'timer_threads': timer_threads})
