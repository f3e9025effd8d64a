"""Log lines of all agents in one order, each once."""

from osbrain._agent.recent import LogNews, RecentLines
from osbrain.dashboard.tail import Tail
from osbrain.errors import WaitTimeout


class Agents:
    """What some agents have logged, asked as a Lookout asks them."""

    def __init__(self, *names):
        self.logs = {name: RecentLines() for name in names}
        self.asked = []

    def ask(self, questions):
        self.asked.append(questions)
        return {name: self.logs[name].after(*args) for name, (_, *args) in questions.items()}

    def uris(self):
        return {name: f'uri of {name} {id(log)}' for name, log in self.logs.items()}


def texts(lines):
    return [line['text'] for _, line in sorted(lines.items(), key=lambda item: int(item[0]))]


def test_lines_come_in_the_order_in_which_they_were_written():
    agents = Agents('a', 'b')
    for number, name in enumerate('abab'):
        agents.logs[name].add('INFO', f'{name}{number}')
    assert texts(Tail(agents.ask).gather(agents.uris())) == ['a0', 'b1', 'a2', 'b3']


def test_a_line_is_asked_for_once_and_keeps_its_number():
    agents = Agents('a')
    tail = Tail(agents.ask)
    agents.logs['a'].add('INFO', 'one')
    first = tail.gather(agents.uris())
    agents.logs['a'].add('ERROR', 'two')
    second = tail.gather(agents.uris())
    assert first.items() <= second.items()
    assert texts(second) == ['one', 'two']
    assert agents.asked[-1]['a'] == ('logs', 1, None, 0.0)


def test_another_agent_of_the_name_is_asked_from_the_beginning():
    agents = Agents('a')
    tail = Tail(agents.ask)
    agents.logs['a'].add('INFO', 'old')
    tail.gather(agents.uris())
    agents.logs['a'] = RecentLines()
    agents.logs['a'].add('INFO', 'new')
    assert texts(tail.gather(agents.uris())) == ['old', 'new']


def test_only_the_latest_lines_are_kept():
    agents = Agents('a')
    for number in range(10):
        agents.logs['a'].add('INFO', str(number))
    tail = Tail(agents.ask, kept=3)
    assert texts(tail.gather(agents.uris())) == ['7', '8', '9']
    agents.logs['a'].add('INFO', '10')
    assert texts(tail.gather(agents.uris())) == ['8', '9', '10']


def test_who_does_not_answer_costs_nobody_a_line():
    def ask(questions):
        return {'a': WaitTimeout('it does not answer', 1.0), 'b': LogNews(0)}

    assert Tail(ask).gather({'a': 'u', 'b': 'v'}) == {}


def test_very_long_lines_are_cut():
    agents = Agents('a')
    agents.logs['a'].add('INFO', 'x' * 5000)
    assert len(texts(Tail(agents.ask).gather(agents.uris()))[0]) == 2000
