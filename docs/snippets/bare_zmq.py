"""A program without osbrain asks an agent, over tcp, with serializer raw."""

import zmq

from osbrain import run_agent, run_nameserver

if __name__ == '__main__':
    with run_nameserver():
        agent = run_agent('agent', transport='tcp', serializer='raw')
        address = agent.bind('REP', handler=lambda agent, message: message.upper()).address

        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.connect(f'tcp://{address.host}:{address.port}')
            socket.send(b'is anybody there?')
            print(socket.recv())
