"""Who is connected to whom, found out from outside."""

from osbrain import run_agent, run_nameserver
from osbrain.metrics import Lookout
from osbrain.metrics.graph import graph


def answer(agent, question):
    return 42


if __name__ == '__main__':
    ns = run_nameserver()
    deep_thought, arthur = run_agent('deep thought'), run_agent('arthur')
    arthur.connect(deep_thought.bind('REP', alias='answers', handler=answer), alias='oracle')
    arthur.bind('PUSH', alias='towels')

    with Lookout(ns.addr()) as lookout:
        found = graph(lookout.look())
    for edge in found.edges:
        print(' '.join(edge.source), '->', ' '.join(edge.target))
    for one in found.loose:
        print('nobody is connected to', ' '.join(one.end))
    ns.shutdown()
