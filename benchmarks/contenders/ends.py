"""The two ends of a stream of messages: one agent pours them out, another notes when the first and the last came."""

import time

from workload import price

from osbrain import Agent


class Source(Agent):
    """Sends through its socket ``out``."""

    def pour(self, count):
        for number in range(count):
            self.send('out', price(number))


class Sink(Agent):
    """Takes the time from the first message to the last; each one between them costs it a comparison."""

    def expect(self, count):
        self.last = count - 1
        self.elapsed = None

    def on_price(self, message):
        number = message['n']
        if not number:
            self.begin()
        elif number == self.last:
            self.end()

    def begin(self):
        self.started = time.perf_counter()

    def end(self):
        self.elapsed = time.perf_counter() - self.started
