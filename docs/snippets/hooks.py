"""When an agent's hooks are called."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.helper import wait_agent_attr


class Guard(Agent):
    def on_init(self):
        self.diary = [f'on_init, with {self.keys} keys']
        self._poll_timeout = 20  # milliseconds without any event until idle() is called
        self.each(0.01, 'round', alias='rounds')
        self.bind('PULL', alias='orders', handler='on_order')

    def before_loop(self):
        self.diary.append('before_loop')

    def round(self):
        if len(self.diary) == 2:
            self.diary.append('first round')
            self.stop_timer('rounds')

    def on_order(self, order):
        self.diary.append(f'order: {order}')

    def idle(self):
        if self.diary[-1] == 'order: rest':
            self.diary.append('idle')


if __name__ == '__main__':
    with run_nameserver():
        guard = run_agent('guard', base=Guard, attributes={'keys': 3})
        chief = run_agent('chief')
        chief.connect(guard.addr('orders'), alias='guard')
        wait_agent_attr(guard, 'diary', data='first round')
        chief.send('guard', 'rest')
        wait_agent_attr(guard, 'diary', data='idle')
        print(*guard.diary, sep='\n')
