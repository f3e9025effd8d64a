"""Two agents whose calls would wait for each other get an error that names them."""

from osbrain import Agent, run_agent, run_nameserver
from osbrain.errors import CallCycle


class Polite(Agent):
    def after_you(self, times):
        if times == 0:
            return f'{self.name} goes first'
        try:
            return self.friend.after_you(times - 1)
        except CallCycle as error:
            return 'refused: a circle of ' + ' and '.join(sorted(set(error.path)))


if __name__ == '__main__':
    with run_nameserver():
        ann = run_agent('Ann', base=Polite)
        ben = run_agent('Ben', base=Polite, attributes={'friend': ann})
        ann.friend = ben

        print(ann.after_you(1))
        print(ann.after_you(2))
