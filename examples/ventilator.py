"""Ventilator, workers and sink: deal tasks out, work in parallel, collect the results.

The ventilator deals tasks to the workers in turn, as one deals cards, and they push what they
find to the sink. More workers keep more processor cores busy; nothing else has to change.
"""

from collections import Counter
from random import Random

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

TASKS, POINTS = 30, 1000


class Worker(Agent):
    def on_init(self):
        self.ready = False

    def work(self, seed):
        """Throw points into a square and count those that fall into the circle in it."""
        self.ready = True
        if seed is not None:
            dice = Random(seed)
            hits = sum(dice.random() ** 2 + dice.random() ** 2 < 1 for _ in range(POINTS))
            self.send('results', (self.name, hits))


if __name__ == '__main__':
    ns = run_nameserver()
    sink = run_agent('sink', attributes={'results': []})
    results = sink.bind('PULL', handler=lambda agent, result: agent.results.append(result))
    ventilator = run_agent('ventilator')
    tasks = ventilator.bind('PUSH', alias='tasks')
    for name in ('Ann', 'Bob', 'Cid'):
        worker = run_agent(name, base=Worker)
        worker.connect(results, alias='results')
        worker.connect(tasks, handler='work')
        # Who is not at the table yet gets no cards: deal blanks until this worker has one.
        while not wait_agent_attr(worker, 'ready', value=True, timeout=0.1):
            ventilator.send('tasks', None)
    for seed in range(TASKS):
        ventilator.send('tasks', seed)

    wait_agent_attr(sink, 'results', length=TASKS, timeout=10)
    found = sink.get_attr('results')
    print('tasks done:', dict(sorted(Counter(name for name, hits in found).items())))
    print('pi is about', 4 * sum(hits for name, hits in found) / (TASKS * POINTS))
    ns.shutdown()
