"""An agent with many sockets, of which one is busy."""

from ends import Sink, Source
from system import name_server, wait_for
from workload import main

from osbrain import run_agent


class Listener(Sink):
    def open(self, sockets):
        """Bind so many sockets; return the address of the one that will be busy, in the middle of them."""
        addresses = [self.bind('PULL', handler='on_price') for _ in range(sockets)]
        return addresses[sockets // 2]


def one_busy(sockets, count):
    """Return the messages a second that arrive at the busy one."""
    with name_server():
        listener = run_agent('listener', base=Listener)
        speaker = run_agent('speaker', base=Source)
        listener.expect(count)
        speaker.connect(listener.open(sockets), alias='out')
        speaker.pour(count)
        return {'value': (count - 1) / wait_for(listener, 'elapsed')}


if __name__ == '__main__':
    main({'one_busy': one_busy})
