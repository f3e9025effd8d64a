"""Request and reply: the answer, code after the answer, the error, and an answer that does not come."""

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def root(agent, number):
    if number < 0:
        raise ValueError(f'{number} has no real root')
    return number**0.5


def receipt(agent, order):
    yield f'order {order} received'
    # From here on the requester does not wait any more.
    agent.orders.append(order)


def ask(agent, number):
    try:
        return agent.send_recv('roots', number, timeout=0.5)
    except (ValueError, TimeoutError) as error:
        return f'{type(error).__name__}: {error}'


if __name__ == '__main__':
    with run_nameserver():
        server = run_agent('server', attributes={'orders': []}, on_error='continue')
        client = run_agent('client')
        client.connect(server.bind('REP', alias='roots', handler=root), alias='roots')
        client.connect(server.bind('REP', alias='orders', handler=receipt), alias='orders')
        client.set_method(ask)

        print(client.ask(16))
        print(client.ask(-16))
        print(client.send_recv('orders', 'tea'))
        wait_agent_attr(server, 'orders', data='tea')

        server.stop()
        print(client.ask(25))
        server.run()
        server.wait_for_running()
        print(client.ask(36))
