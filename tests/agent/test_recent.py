"""What an agent said lately is kept, numbered, within bounds, and told to whoever waits for it."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain import Agent
from osbrain._agent import recent
from osbrain._agent.core import core_of
from osbrain._agent.recent import LogNews, RecentLines
from osbrain._remote.packing import outcome, pack
from osbrain._remote.servant import AgentServant

LIMIT = 5


@pytest.fixture
def lines():
    return RecentLines()


def texts(news):
    return [line.text for line in news.lines]


def test_lines_come_in_order_with_their_numbers_and_levels(lines):
    assert lines.after(0) == LogNews(0)
    lines.add('INFO', 'one')
    lines.add('ERROR', 'two')
    news = lines.after(0)
    assert [(line.number, line.level, line.text) for line in news.lines] == [(1, 'INFO', 'one'), (2, 'ERROR', 'two')]
    assert news.lines[0].when <= news.lines[1].when
    assert (news.newest, news.missed, news.ending) == (2, 0, False)
    assert texts(lines.after(1)) == ['two']
    assert lines.after(2) == LogNews(2)


@pytest.mark.parametrize(
    'level, expected',
    [(None, 'DIWE'), ('DEBUG', 'DIWE'), ('INFO', 'IWE'), ('WARNING', 'WE'), ('ERROR', 'E')],
)
def test_a_level_means_itself_and_whatever_is_graver(lines, level, expected):
    for word in ('DEBUG', 'INFO', 'WARNING', 'ERROR'):
        lines.add(word, word[0])
    assert ''.join(texts(lines.after(0, level))) == expected
    assert lines.after(0, level).newest == 4


def test_a_level_that_does_not_exist_is_an_error(lines):
    with pytest.raises(ValueError, match='LOUD'):
        lines.after(0, 'LOUD')


def test_the_oldest_go_when_there_are_too_many(lines, monkeypatch):
    monkeypatch.setattr(recent, '_MOST_LINES', 3)
    for number in range(1, 6):
        lines.add('INFO', str(number))
    assert texts(lines.after(0)) == ['3', '4', '5']
    assert lines.after(0).missed == 2
    assert lines.after(1).missed == 1
    assert lines.after(2).missed == lines.after(4).missed == 0


def test_the_oldest_go_when_they_are_too_long_together(lines, monkeypatch):
    monkeypatch.setattr(recent, '_MOST_CHARACTERS', 10)
    for text in ('aaaa', 'bbbb', 'cccc'):
        lines.add('INFO', text)
    assert texts(lines.after(0)) == ['bbbb', 'cccc']
    lines.add('INFO', 'd' * 8)
    assert texts(lines.after(0)) == ['d' * 8]
    assert lines.after(0).missed == 3


def test_a_line_that_is_very_long_is_cut_and_says_so(lines):
    lines.add('INFO', 'x' * 12_000)
    (text,) = texts(lines.after(0))
    assert text == 'x' * 10_000 + '… (2,000 characters more)'


def test_a_number_that_another_agent_gave_means_everything(lines):
    lines.add('INFO', 'one')
    assert texts(lines.after(57)) == ['one']
    assert lines.after(57).missed == 0


def waiting(lines, *args):
    """Ask in a thread, which waits; what is returned waits for its answer."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(lines.after(*args)))
    thread.start()

    def answer():
        thread.join(LIMIT)
        assert not thread.is_alive()
        return answers[0]

    return answer


def test_who_waits_gets_the_line_when_it_comes(lines):
    answer = waiting(lines, 0, 'WARNING', LIMIT * 4)
    lines.add('INFO', 'not of interest')
    lines.add('WARNING', 'this one')
    assert texts(answer()) == ['this one']


def test_who_waits_for_nothing_is_let_go_in_time(lines):
    lines.add('INFO', 'not of interest')
    assert lines.after(0, 'ERROR', 0.01) == LogNews(1)


def test_who_waits_is_let_go_when_the_agent_ends(lines):
    answer = waiting(lines, 0, None, LIMIT * 4)
    lines.end()
    assert answer() == LogNews(0, ending=True)


class Unspeakable:
    def __format__(self, spec):
        return 'spoken'


def test_an_agent_keeps_what_it_logs_whatever_has_become_of_its_logger(new_agent, capsys):
    class Talking(Agent):
        def on_init(self):
            self.log_info('hello')
            self.log_debug('dropped')
            self.log_error(Unspeakable())

    agent = new_agent(Talking)
    assert [(one.level, one.text) for one in core_of(agent).recent.after(0).lines] == [
        ('INFO', 'hello'),
        ('ERROR', 'spoken'),
    ]


def test_an_error_whose_logger_is_none_is_kept_once(new_agent, capsys):
    agent = new_agent()
    agent.bind('PULL', alias='work', handler=print)
    agent.log_error('it hurts', logger='work')
    assert texts(core_of(agent).recent.after(0)) == ['it hurts']


def test_a_servant_tells_them_also_while_the_agent_does_not_run(new_agent, capsys):
    agent = new_agent()
    agent.logs = 'a user may call anything so'
    agent.log_warning('careful')
    news = outcome(AgentServant(agent, lambda: None).answer(pack(('logs', (0, 'WARNING', 0.0)))))
    assert texts(news) == ['careful']


STEPS = st.lists(st.one_of(st.integers(0, 12), st.just('ask')), max_size=40)


@given(STEPS)
def test_who_asks_on_gets_each_line_once_or_is_told_how_many_are_lost(steps):
    """Whatever is logged between two questions, in texts of whatever length."""
    lines = RecentLines()
    told, lost, after, said = [], 0, 0, 0
    for step in [*steps, 'ask']:
        if step == 'ask':
            news = lines.after(after)
            told += [line.number for line in news.lines]
            lost += news.missed
            after = news.newest
        else:
            for _ in range(step * 20):
                said += 1
                lines.add('INFO', 'x' * (step * 100))
    assert told == sorted(set(told))
    assert len(told) + lost == said == after
