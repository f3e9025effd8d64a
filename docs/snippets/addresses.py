"""Where sockets are: ipc files, tcp ports and names inside one process."""

from osbrain import run_agent, run_nameserver


def hear(agent, message):
    """Take a message."""


if __name__ == '__main__':
    with run_nameserver():
        agent = run_agent('agent')

        ipc = agent.bind('PULL', alias='ipc', handler=hear, addr='orders')
        print(ipc.transport, ipc.address.name, 'exists:', ipc.address.exists())
        agent.close('ipc')
        print('after close:', ipc.address.exists())

        tcp = agent.bind('PULL', handler=hear, transport='tcp')
        print(tcp.transport, tcp.address.host, 'a free port:', tcp.address.port > 0)

        named = agent.bind('PULL', handler=hear, transport='tcp', addr='localhost')
        print(named.address.host)

        everywhere = agent.bind(
            'PULL', handler=hear, transport='tcp', addr='0.0.0.0', advertise='localhost'
        )
        print('others are told', everywhere.address.host)

        inside = agent.bind('PULL', handler=hear, transport='inproc', addr='inside')
        print(inside.transport, inside.address)
        print(inside.kind, inside.role, '- the other end:', inside.twin().kind, inside.twin().role)
