"""A class for an agent, and what a script can do with it while it runs."""

from osbrain import Agent, run_agent, run_nameserver


class Counter(Agent):
    step = 1

    def on_init(self):
        self.total = 0

    def count(self, times=1):
        self.total += times * self.step
        return self.total


def forget(agent):
    agent.total = 0


if __name__ == '__main__':
    with run_nameserver():
        plain = run_agent('plain', base=Counter)
        dozens = run_agent('dozens', base=Counter, attributes={'size': 12})

        print(plain.count(), plain.count(times=3))

        # Attributes: read, set one, set several.
        print(plain.total, dozens.get_attr('size'))
        plain.step = 100
        dozens.set_attr(step=12, total=1)
        print(plain.count(), dozens.count())

        # Methods: add functions to a running agent, under their own name or another.
        plain.set_method(forget, double=lambda agent: agent.count() * 2)
        print(plain.double())
        plain.forget()
        print(plain.total)

        # Run a function there, once, without leaving it there.
        print(dozens.execute_as_method(lambda agent, text: text + agent.name, 'I am '))
        print(dozens.execute_as_function(max, 3, 7))
