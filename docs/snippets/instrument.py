"""An instrument that keeps an eye on whoever fails, and is removed in the end."""

from osbrain import Instrument, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Failures(Instrument):
    def added(self, agent):
        agent.failures = []
        self.agent = agent

    def after_handling(self, socket, count, seconds, error):
        if error is not None:
            self.agent.failures.append(f'{socket.kind} {socket.alias}: {type(error).__name__}')


def divide(agent, number):
    return 1 / number


if __name__ == '__main__':
    with run_nameserver():
        feed, worker = run_agent('feed'), run_agent('worker', on_error='continue')
        number = worker.add_instrument(Failures())
        feed.connect(worker.bind('PULL', alias='numbers', handler=divide), alias='out')
        feed.send_many('out', [1, 0, 2])
        wait_agent_attr(worker, 'failures', length=1)
        print(worker.get_attr('failures'))
        worker.remove_instrument(number)
