"""Push and pull: work dealt out in turn, results collected."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Worker(Agent):
    def on_task(self, number):
        self.send('results', (self.name, number * number))


class Collector(Agent):
    def on_init(self):
        self.squares = []
        self.workers = set()
        # A list of handlers: each is called with every message, in this order.
        self.bind('PULL', alias='results', handler=['keep', 'note_worker'])

    def keep(self, result):
        self.squares.append(result[1])

    def note_worker(self, result):
        self.workers.add(result[0])


if __name__ == '__main__':
    with run_nameserver():
        dealer = run_agent('dealer')
        tasks = dealer.bind('PUSH', alias='tasks')
        collector = run_agent('collector', base=Collector)

        for name in ('ant', 'bee', 'cow'):
            worker = run_agent(name, base=Worker)
            worker.connect(collector.addr('results'), alias='results')
            worker.connect(tasks, handler='on_task')

        for number in range(60):
            dealer.send('tasks', number)

        wait_agent_attr(collector, 'squares', length=60)
        print('squares:', len(collector.squares), 'sum:', sum(collector.squares))
        print('all from our workers:', collector.workers <= {'ant', 'bee', 'cow'})
