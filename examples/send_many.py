"""Many messages at once: send a whole list, and handle a whole list.

Each message costs some microseconds, whatever is in it. `send_many` writes many of them in one go, and
they are single messages again at the other end: the order book counts them one by one. A handler that is
marked with `@batched` gets a list of all that is there, so the recorder adds up a thousand prices in one call.
"""

from osbrain import Agent, batched, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

TICKS = [{'symbol': 'ACME', 'price': 100 + number % 7} for number in range(10_000)]


class Book(Agent):
    def on_init(self):
        self.ticks = 0

    def on_tick(self, tick):
        self.ticks += 1


class Recorder(Agent):
    def on_init(self):
        self.calls = self.ticks = self.total = 0

    @batched
    def on_ticks(self, ticks):
        self.calls += 1
        self.total += sum(tick['price'] for tick in ticks)
        self.ticks += len(ticks)


if __name__ == '__main__':
    ns = run_nameserver()
    feed = run_agent('feed')
    book, recorder = run_agent('book', base=Book), run_agent('recorder', base=Recorder)
    feed.connect(book.bind('PULL', handler='on_tick'), alias='book')
    feed.connect(recorder.bind('PULL', handler='on_ticks'), alias='recorder')

    feed.send_many('book', TICKS)
    feed.send_many('recorder', TICKS)
    wait_agent_attr(book, 'ticks', value=len(TICKS))
    wait_agent_attr(recorder, 'ticks', value=len(TICKS))
    print('handled one by one:', book.ticks)
    print('handled in lists:', recorder.ticks, 'at an average of', round(recorder.total / recorder.ticks, 2))
    print('calls are few:', recorder.calls < 1000)
    ns.shutdown()
