"""Raw NumPy frames: send the bytes of an array as they are.

With the 'raw' serializer a message is nothing but your bytes. Both sides know the shape and the
type of a frame beforehand, so nothing has to be packed, and a program in C can read it too.
"""

import numpy as np

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

SHAPE = (480, 640)
DTYPE = np.uint16


class Camera(Agent):
    def on_init(self):
        self.bind('PUSH', alias='frames', serializer='raw')

    def take_picture(self, brightness):
        frame = np.full(SHAPE, brightness, dtype=DTYPE)
        frame[100, 200] = 4095  # A star.
        self.send('frames', frame.tobytes())


class Telescope(Agent):
    def on_init(self):
        self.stars = []

    def on_frame(self, message):
        frame = np.frombuffer(message, dtype=DTYPE).reshape(SHAPE)
        row, column = np.unravel_index(frame.argmax(), SHAPE)
        self.log_info(f'{len(message)} bytes, median {np.median(frame):.0f}')
        self.stars.append((int(row), int(column)))


if __name__ == '__main__':
    ns = run_nameserver()
    camera = run_agent('camera', base=Camera)
    telescope = run_agent('telescope', base=Telescope)
    telescope.connect(camera.addr('frames'), handler='on_frame')

    camera.take_picture(10)
    camera.take_picture(20)

    wait_agent_attr(telescope, 'stars', length=2)
    print('stars at', telescope.get_attr('stars'))
    ns.shutdown()
