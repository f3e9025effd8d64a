"""Push-pull: hand messages over and do not wait for an answer.

Take it for a flow in one direction of which nothing may get lost, such as measurements on their
way to a file. A receiver that is busy or late finds them queued, in the order they were sent.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def record(agent, celsius):
    agent.log_info(f'received {celsius} degrees')
    agent.received.append(celsius)


if __name__ == '__main__':
    ns = run_nameserver()
    sensor = run_agent('sensor')
    recorder = run_agent('recorder', attributes={'received': []})

    # One side binds, which makes an address, and the other connects to it. Which is which is
    # your choice. An alias is the agent's own short name for its end of the line.
    address = recorder.bind('PULL', alias='measurements', handler=record)
    sensor.connect(address, alias='recorder')

    for celsius in (20.5, 20.7, 21.0):
        sensor.send('recorder', celsius)

    # Messages travel by themselves while the script goes on, so wait until they are there.
    wait_agent_attr(recorder, 'received', length=3)
    ns.shutdown()
