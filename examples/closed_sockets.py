"""Closed sockets: a stranger on this machine reaches what runs no code, and nothing else.

The door reads pickles, so that it opens to holders of the cluster's key only. The letter box reads JSON,
which any program may write.
"""

import zmq

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_condition


def note(agent, message):
    agent.log_info(f'got {message!r}')


if __name__ == '__main__':
    ns = run_nameserver()
    house = run_agent('house', transport='tcp')
    friend = run_agent('friend')
    door = house.bind('PULL', alias='door', handler=note)
    box = house.bind('PULL', alias='letter box', handler=note, serializer='json')
    print('door:', door.security, 'letter box:', box.security)

    friend.connect(door, alias='door', ready=5)
    friend.send('door', 'a visit')
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.connect(f'tcp://{box.address}')
        stranger.send_json('a letter')
        stranger.connect(f'tcp://{door.address}')
        wait_condition(lambda: house.counters()['refused'] > 0)
    ns.shutdown()
