"""What arrives, by serializer; what a serializer cannot carry is an error of the sender."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

MESSAGES = [('a', 1), b'bytes', lambda x: x + 1]


def keep(agent, message):
    agent.received.append(message(1) if callable(message) else message)


def send_all(agent, alias):
    refused = []
    for message in MESSAGES:
        try:
            agent.send(alias, message)
        except TypeError:
            refused.append(type(message).__name__)
    agent.send(alias, b'end' if alias == 'raw' else 'end')
    return refused


if __name__ == '__main__':
    with run_nameserver():
        sender = run_agent('sender')
        for serializer in ('pickle', 'cloudpickle', 'dill', 'json', 'raw'):
            receiver = run_agent(serializer, attributes={'received': []})
            address = receiver.bind('PULL', handler=keep, serializer=serializer)
            sender.connect(address, alias=serializer)
            refused = sender.execute_as_method(send_all, serializer)
            end = b'end' if serializer == 'raw' else 'end'
            wait_agent_attr(receiver, 'received', data=end)
            print(f'{serializer:12} {receiver.received[:-1]} refused: {refused}')
