"""A system of many agents: all of it, or nothing."""

from osbrain import Agent, run_agents, run_nameserver
from osbrain.errors import StartFailed


class Worker(Agent):
    def on_init(self):
        if self.size > 3:
            raise ValueError(f'{self.size} is too large')


def progress(done, total):
    if done in (0, total):
        print(f'{done} of {total} run')


def workers(*sizes):
    return [{'name': f'worker-{size}', 'base': Worker, 'attributes': {'size': size}} for size in sizes]


if __name__ == '__main__':
    with run_nameserver() as ns:
        master, *others = run_agents(['master', *workers(1, 2, 3)], progress=progress)
        print(master.get_attr('name'), [worker.size for worker in others])

        try:
            run_agents(workers(0, 4))
        except StartFailed as error:
            print(error.report.splitlines()[0])
        print(sorted(ns.agents()))
