"""Asynchronous request-reply: ask now, go on working, handle the answer when it comes.

Take it when answers need time. The one who asks is not blocked meanwhile: it can serve others and
have several questions open, at several agents, which work on them at the same time.
"""

import time

from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


def simulate(agent, steps):
    """Compute for a while, as a simulation does."""
    time.sleep(0.1 * steps)
    return f'{steps} steps done by {agent.name}'


def ask_everybody(agent):
    for steps, server in ((3, 'tortoise'), (1, 'hare')):
        agent.send(server, steps)
    agent.log_info(f'asked, answers so far: {len(agent.answers)}')


def on_answer(agent, answer):
    agent.log_info(answer)
    agent.answers.append(answer)


if __name__ == '__main__':
    ns = run_nameserver()
    client = run_agent('client', attributes={'answers': []})
    client.set_method(ask_everybody)

    for name in ('tortoise', 'hare'):
        server = run_agent(name)
        channel = server.bind('ASYNC_REP', alias='simulate', handler=simulate)
        client.connect(channel, alias=name, handler=on_answer)

    client.ask_everybody()
    print('the client is free:', client.ping())

    wait_agent_attr(client, 'answers', length=2)
    ns.shutdown()
