"""Request-reply with a lambda: any function of two arguments can handle messages.

A handler takes the agent and the message. When it is one expression, write it where it is used;
it travels to the agent's process together with the values it refers to.
"""

from osbrain import run_agent, run_nameserver

if __name__ == '__main__':
    ns = run_nameserver()
    converter = run_agent('converter')
    client = run_agent('client')

    freezing = 32
    address = converter.bind('REP', handler=lambda agent, degrees: (degrees - freezing) / 1.8)
    client.connect(address, alias='converter')

    for fahrenheit in (32, 50, 212):
        celsius = client.send_recv('converter', fahrenheit)
        print(f'{fahrenheit} F = {celsius:.0f} C')

    ns.shutdown()
