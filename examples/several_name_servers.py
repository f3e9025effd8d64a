"""Several name servers: systems of their own whose agents still talk to each other.

Each name server has its own agents, so the same name can be used in each, and each system is shut
down by itself. An address from one works in the other: messages go from agent to agent directly.
"""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def record(agent, message):
    agent.received.append(message)


if __name__ == '__main__':
    laboratory = run_nameserver()
    field = run_nameserver()

    # Without nsaddr an agent would join the name server that was started last.
    recorder = run_agent('recorder', nsaddr=laboratory.addr(), attributes={'received': []})
    address = recorder.bind('PULL', handler=record)

    for place, ns in (('laboratory', laboratory), ('field', field)):
        sensor = run_agent('sensor', nsaddr=ns.addr())
        sensor.connect(address, alias='recorder')
        sensor.send('recorder', f'from the {place}')

    wait_agent_attr(recorder, 'received', length=2)
    print('received:', sorted(recorder.get_attr('received')))
    print('laboratory:', sorted(laboratory.agents()))
    print('field:', sorted(field.agents()))

    field.shutdown()
    print('the laboratory goes on:', recorder.ping())
    laboratory.shutdown()
