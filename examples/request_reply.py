"""Request-reply: ask another agent and wait for its answer.

It is a function call between processes. Take it when you cannot go on without the answer, as
when an order needs an approval first; what the handler returns is the reply.
"""

from osbrain import run_agent, run_nameserver


def approve(agent, order):
    agent.log_info(f'asked about {order}')
    return 'approved' if order['quantity'] <= agent.limit else 'refused'


if __name__ == '__main__':
    ns = run_nameserver()
    risk = run_agent('risk', attributes={'limit': 100})
    trader = run_agent('trader')

    address = risk.bind('REP', alias='orders', handler=approve)
    trader.connect(address, alias='risk')

    # Each request is followed by its reply before the next request may go out ...
    trader.send('risk', {'symbol': 'ACME', 'quantity': 80})
    print('80 shares:', trader.recv('risk'))

    # ... which can be written in one call.
    print('120 shares:', trader.send_recv('risk', {'symbol': 'ACME', 'quantity': 120}))

    ns.shutdown()
