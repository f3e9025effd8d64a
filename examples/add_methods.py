"""Adding methods: teach an agent something new while it runs.

`set_method` sends functions to the agent, which become its methods: the first parameter is the
agent itself. A method can be replaced in the same way, without stopping anything.
"""

from osbrain import run_agent, run_nameserver


def spread(agent, bid, ask):
    return ask - bid


def describe(agent, bid, ask):
    return f'{agent.name} sees a spread of {agent.spread(bid, ask)}'


if __name__ == '__main__':
    ns = run_nameserver()
    trader = run_agent('trader')

    trader.set_method(spread, describe)
    print(trader.spread(99.5, 99.75))
    print(trader.describe(99.5, 99.75))

    # A keyword gives the function its name, here that of the method which it replaces.
    trader.set_method(spread=lambda agent, bid, ask: f'{100 * (ask - bid) / bid:.2f} %')
    print(trader.describe(99.5, 99.75))

    ns.shutdown()
