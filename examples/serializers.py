"""Explicit serializers: choose how messages are turned into bytes, socket by socket.

'pickle' is the default and carries nearly any Python object. 'json' is understood by programs in
other languages. 'raw' sends your bytes as they are. Who connects follows the one who binds.
"""

from datetime import date

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

TRADE = {'symbol': 'ACME', 'bid_ask': (99.5, 99.75)}


def show(agent, message):
    agent.log_info(f'{message!r}')
    agent.received.append(message)


if __name__ == '__main__':
    ns = run_nameserver()
    sender = run_agent('sender')
    receiver = run_agent('receiver', attributes={'received': []})

    for serializer in ('pickle', 'json', 'raw'):
        address = receiver.bind('PULL', alias=serializer, handler=show, serializer=serializer)
        sender.connect(address, alias=serializer)

    sender.send('pickle', dict(TRADE, day=date(2024, 5, 1)))
    wait_agent_attr(receiver, 'received', length=1)

    sender.send('json', TRADE)  # JSON knows no tuples: it arrives as a list.
    wait_agent_attr(receiver, 'received', length=2)

    sender.send('raw', b'\x00\x01 any bytes')
    wait_agent_attr(receiver, 'received', length=3)

    # A whole agent can have another default.
    logbook = run_agent('logbook', serializer='json')
    print('logbook binds with', logbook.bind('PUB').serializer)

    ns.shutdown()
