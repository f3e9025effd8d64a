"""A full queue: who pushes has to wait, and may say for how long."""

import time

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

PICTURE = bytes(1_000_000)


def develop(agent, picture):
    time.sleep(0.1)
    agent.pictures += 1


if __name__ == '__main__':
    with run_nameserver():
        camera = run_agent('camera')
        lab = run_agent('lab', attributes={'pictures': 0})
        lab.connect(camera.bind('PUSH', alias='lab', hwm=2), handler=develop, hwm=2)

        camera.send('lab', PICTURE)  # waits until the lab is there
        sent = 1
        try:
            while sent < 100:
                camera.send('lab', PICTURE, timeout=0)
                sent += 1
        except TimeoutError:
            print('The queue is full:', 2 <= sent < 20)

        camera.send('lab', PICTURE)  # waits until there is room
        wait_agent_attr(lab, 'pictures', value=sent + 1, timeout=10)
        print('What was sent has arrived:', lab.pictures == sent + 1)
