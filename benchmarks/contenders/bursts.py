"""A sender that never outruns its receivers: they acknowledge each burst, and two bursts are in flight.

Publishers drop what is above their high-water mark, and arrays would fill the memory; so the messages come in
bursts, and the next one is sent when all have acknowledged the last but one. A receiver acknowledges when it has
counted as many messages as a burst has: one that is lost leaves the work without an end and so without a result.
The clock starts when the bursts that warm up have been acknowledged. The same for all contenders, with sockets or
agents around it.
"""

import time


class Bursts:
    """Knows which burst is next and what time it took; sends nothing itself."""

    def __init__(self, count, warm, receivers, in_flight):
        self.count = count
        self.warm = warm
        self.receivers = receivers
        self.in_flight = in_flight
        self.acknowledged = [0] * count
        self.started = None
        self.elapsed = None

    def first(self):
        """Return the bursts to begin with."""
        return range(min(self.in_flight, self.count))

    def acknowledge(self, number):
        """Take one receiver's word that burst *number* is there; return the burst to send now, or None."""
        self.acknowledged[number] += 1
        if self.acknowledged[number] < self.receivers:
            return None
        if number == self.warm - 1:
            self.started = time.perf_counter()
        elif number == self.count - 1:
            self.elapsed = time.perf_counter() - self.started
        following = number + self.in_flight
        return following if following < self.count else None

    def rate(self, burst):
        """Return messages a second that arrived, those of all receivers taken together."""
        return (self.count - self.warm) * burst * self.receivers / self.elapsed
