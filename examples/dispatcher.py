"""Dispatcher: workers ask for the next task whenever they are free.

Dealt out in turn, tasks would pile up at a slow worker. Here the dispatcher hands one out on each
request, so everybody is busy until all is done and the fast do more than the slow.
"""

import time

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Dispatcher(Agent):
    def on_init(self):
        self.tasks = list(range(20))
        self.bind('REP', alias='tasks', handler='next_task')

    def next_task(self, worker):
        return self.tasks.pop(0) if self.tasks else None


class Worker(Agent):
    def on_init(self):
        self.done = []
        self.finished = False

    def work(self):
        task = self.send_recv('dispatcher', self.name)
        if task is None:
            self.stop_timer('work')
            self.finished = True
        else:
            time.sleep(self.seconds)
            self.done.append(task)


if __name__ == '__main__':
    ns = run_nameserver()
    dispatcher = run_agent('dispatcher', base=Dispatcher)
    fast = run_agent('fast', base=Worker, attributes={'seconds': 0.02})
    slow = run_agent('slow', base=Worker, attributes={'seconds': 0.2})
    for worker in (fast, slow):
        worker.connect(dispatcher.addr('tasks'), alias='dispatcher')
        worker.each(0, 'work', alias='work')  # Again as soon as it is done.
    for worker in (fast, slow):
        wait_agent_attr(worker, 'finished', value=True)
    print('tasks done:', sorted(fast.get_attr('done') + slow.get_attr('done')))
    print('the fast one did more:', len(fast.get_attr('done')) > len(slow.get_attr('done')))
    ns.shutdown()
