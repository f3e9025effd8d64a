"""Waiting for what agents do, each wait with a limit."""

from osbrain import run_agent, run_logger, run_nameserver
from osbrain.helper import (
    agent_dies,
    logger_received,
    wait_agent_attr,
    wait_agent_condition,
    wait_condition,
)


def keep(agent, message):
    agent.received.append(message)


if __name__ == '__main__':
    with run_nameserver() as ns:
        logger = run_logger('logger')
        reader = run_agent('reader', attributes={'received': []})
        writer = run_agent('writer')
        writer.set_logger(logger)
        writer.connect(reader.bind('PULL', handler=keep), alias='reader')

        for number in range(5):
            writer.send('reader', number)
        print(wait_agent_attr(reader, length=5))
        print(wait_agent_attr(reader, data=3), wait_agent_attr(reader, endswith=[3, 4]))
        print(wait_agent_attr(reader, 'name', value='somebody else', timeout=0))

        print(wait_agent_condition(reader, lambda agent: sum(agent.received) == 10))
        print(wait_condition(lambda: 'writer' in ns.agents()))

        writer.log_info('that was all')
        print(logger_received(logger, 'that was .*'))

        writer.shutdown()
        print(agent_dies('writer', ns))
