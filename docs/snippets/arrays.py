"""NumPy arrays: large ones travel beside the pickle; who may change them, and when."""

import numpy as np

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Camera(Agent):
    def shoot(self):
        picture = np.zeros((480, 640))
        self.send('pictures', picture)
        # A picture that can be changed was copied when it was sent: this is not seen.
        picture[:] = 255

    def shoot_once(self):
        picture = np.ones((480, 640))
        # Nobody changes this one any more, so ZeroMQ takes it as it is.
        picture.flags.writeable = False
        self.send('pictures', picture)


class Screen(Agent):
    def on_init(self):
        self.facts = []

    def on_picture(self, picture):
        self.facts.append((picture.shape, float(picture.mean()), picture.flags.writeable))


if __name__ == '__main__':
    with run_nameserver():
        camera = run_agent('camera', base=Camera)
        screen = run_agent('screen', base=Screen)
        screen.connect(camera.bind('PUB', alias='pictures'), handler='on_picture')
        camera.shoot()
        camera.shoot_once()
        wait_agent_attr(screen, 'facts', length=2)
        print(*screen.facts, sep='\n')
