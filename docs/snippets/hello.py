"""One agent asks another."""

from osbrain import run_agent, run_nameserver


def greet(agent, name):
    return f'Hello, {name}! I am {agent.name}.'


if __name__ == '__main__':
    with run_nameserver():
        alice = run_agent('Alice')
        bob = run_agent('Bob')

        address = alice.bind('REP', alias='door', handler=greet)
        bob.connect(address, alias='alice')

        print(bob.send_recv('alice', 'world'))
