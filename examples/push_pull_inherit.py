"""Push-pull by inheritance: write each kind of agent as a class.

When agents grow, give each kind a class of its own: `on_init` prepares its state and its sockets
in the new process, and its methods are what handlers, timers and proxies call by name.
"""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Sensor(Agent):
    def on_init(self):
        self.offset = 0.5
        self.bind('PUSH', alias='measurements')

    def measure(self, reading):
        self.send('measurements', reading + self.offset)


class Recorder(Agent):
    def on_init(self):
        self.received = []

    def record(self, celsius):
        self.log_info(f'received {celsius} degrees')
        self.received.append(celsius)


if __name__ == '__main__':
    ns = run_nameserver()
    sensor = run_agent('sensor', base=Sensor)
    recorder = run_agent('recorder', base=Recorder)
    recorder.connect(sensor.addr('measurements'), handler='record')

    for reading in (20.0, 20.5, 21.0):
        sensor.measure(reading)

    wait_agent_attr(recorder, 'received', length=3)
    ns.shutdown()
