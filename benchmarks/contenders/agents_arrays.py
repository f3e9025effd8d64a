"""NumPy arrays from one agent to another, the same array again and again."""

from bursts import Bursts
from system import name_server, wait_for
from workload import GIBIBYTE, IN_FLIGHT, MEBIBYTE, array, array_bursts, main, warm_bursts

from osbrain import Agent, run_agent


class Camera(Agent):
    def prepare(self, mebibytes, count, frozen):
        self.picture = array(mebibytes, frozen)
        self.burst, number = array_bursts(mebibytes, count)
        self.bursts = Bursts(number, warm_bursts(self.burst), 1, IN_FLIGHT)
        self.rate = None
        return self.bind('PUSH', alias='pictures'), self.bind('PULL', alias='acks', handler='on_ack'), self.burst

    def begin(self):
        for _ in self.bursts.first():
            self.shoot()

    def shoot(self):
        for _ in range(self.burst):
            self.send('pictures', self.picture)

    def on_ack(self, number):
        if self.bursts.acknowledge(number) is not None:
            self.shoot()
        elif self.bursts.elapsed is not None:
            self.rate = self.bursts.rate(self.burst)


class Screen(Agent):
    def expect(self, burst):
        self.burst = burst
        self.seen = 0

    def on_picture(self, picture):
        float(picture[-1])
        self.seen += 1
        if not self.seen % self.burst:
            self.send('acks', self.seen // self.burst - 1)


def arrays(mebibytes, count, frozen=0):
    """Return the GiB a second that arrive."""
    with name_server():
        camera = run_agent('camera', base=Camera)
        screen = run_agent('screen', base=Screen)
        pictures, acks, burst = camera.prepare(mebibytes, count, bool(frozen))
        screen.expect(burst)
        screen.connect(acks, alias='acks')
        screen.connect(pictures, handler='on_picture')
        camera.begin()
        return {'value': wait_for(camera, 'rate') * mebibytes * MEBIBYTE / GIBIBYTE}


if __name__ == '__main__':
    main({'arrays': arrays})
