"""What to look at when agents are silent."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_condition


def fragile(agent, message):
    return message['price']


if __name__ == '__main__':
    with run_nameserver() as ns:
        feed = run_agent('feed')
        strategy = run_agent('strategy')
        feed.connect(strategy.bind('PULL', alias='prices', handler=fragile), alias='out')
        feed.send('out', {'cost': 3})
        expected = ['running', 'stopped']
        wait_condition(lambda: [status.state for status in ns.status().values()] == expected)

        for name, status in ns.status().items():
            print(f'{name:9} {status.state:8} {status.reason}')
        print('failures:', strategy.unsafe.counters())
        print('sockets:', strategy.unsafe.has_socket('prices'), feed.has_socket('prices'))
