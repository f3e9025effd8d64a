"""Thermometers push their readings to the house, which publishes the average to a display."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Thermometer(Agent):
    def measure(self):
        self.send('house', (self.name, self.degrees))


class House(Agent):
    def on_init(self):
        self.latest = {}
        self.bind('PULL', alias='readings', handler='on_reading')
        self.bind('PUB', alias='average')

    def on_reading(self, reading):
        room, degrees = reading
        self.latest[room] = degrees
        self.send('average', sum(self.latest.values()) / len(self.latest))


class Display(Agent):
    def on_init(self):
        self.shows = None

    def on_average(self, degrees):
        self.shows = f'{degrees:.1f} degrees'


if __name__ == '__main__':
    with run_nameserver() as ns:
        house = run_agent('house', base=House)
        display = run_agent('display', base=Display)
        display.connect(house.addr('average'), alias='house', handler='on_average')

        for room, degrees in [('kitchen', 21.0), ('cellar', 15.0)]:
            thermometer = run_agent(room, base=Thermometer, attributes={'degrees': degrees})
            thermometer.connect(house.addr('readings'), alias='house')
            thermometer.each(0.05, 'measure')

        wait_agent_attr(display, 'shows', value='18.0 degrees')
        print('The display shows', display.shows)

        # Everything can be looked at and changed while it runs.
        ns.proxy('cellar').degrees = 17.0
        wait_agent_attr(display, 'shows', value='19.0 degrees')
        print('The display shows', display.shows)
