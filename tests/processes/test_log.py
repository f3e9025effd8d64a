"""What the log methods of running agents print and publish, and that nothing else is logged."""

import re
from datetime import datetime, timedelta, timezone

import pytest

import osbrain
from osbrain import Agent, run_agent, run_logger
from osbrain.helper import (
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)

LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR']
HISTORIES = ['log_history'] + ['log_history_' + level.lower() for level in LEVELS]


class Output:
    """All that agents have printed so far."""

    def __init__(self, capfd):
        self.capfd = capfd
        self.out = self.err = ''

    def read(self):
        out, err = self.capfd.readouterr()
        self.out += out
        self.err += err
        return self

    def shows(self, pattern, stream='out', timeout=3):
        return wait_condition(
            lambda: bool(re.search(pattern, getattr(self.read(), stream), re.MULTILINE)),
            timeout=timeout,
        )

    def records(self, agent):
        """The lines that an agent logged, as texts that begin with the level."""
        self.read()
        pattern = r'^(?:DEBUG|INFO|WARNING|ERROR) \[.*\] \(%s\): .*$' % re.escape(agent)
        return re.findall(pattern, self.out + self.err, re.MULTILINE)


@pytest.fixture
def output(capfd):
    """For agents that the test starts: those of fixtures print to what was captured before."""
    return Output(capfd)


@pytest.fixture
def logger(nsproxy):
    return run_logger('logger')


def logged(logger):
    return {name: logger.get_attr(name) for name in HISTORIES}


@pytest.fixture
def agent(nsproxy):
    return run_agent('a0')


def run_logging_agent(logger):
    """An agent with a logger that has received no more than what brought the two together."""
    agent = run_agent('a0')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    return agent


@pytest.fixture
def logging_agent(logger):
    return run_logging_agent(logger)


# ---- without a logger ----------------------------------------------------------------------


@pytest.mark.parametrize('level, stream', [('DEBUG', 'out'), ('INFO', 'out'), ('WARNING', 'out'), ('ERROR', 'err')])
def test_without_a_logger_records_go_to_the_streams_of_the_agents_process_at_once(output, nsproxy, level, stream):
    agent = run_agent('a0')
    agent.set_attr(_DEBUG=True)
    assert getattr(agent, 'log_' + level.lower())('hello') is None
    assert output.shows(r'^%s \[(.*)\] \(a0\): hello$' % level, stream), 'not flushed'
    date = re.search(r'^%s \[(.*)\] \(a0\): hello$' % level, getattr(output, stream), re.MULTILINE)[1]
    age = datetime.now(timezone.utc).replace(tzinfo=None) - datetime.fromisoformat(date)
    assert timedelta(0) <= age < timedelta(seconds=10)
    assert sum(line.endswith(': hello') for line in output.records('a0')) == 1


def test_handlers_and_timers_log_what_they_like(output, nsproxy):
    class Talker(Agent):
        def on_init(self):
            self.log_info('from on_init')
            self.bind('PULL', alias='in', handler='on_message')

        def before_loop(self):
            self.log_warning('from before_loop')

        def on_message(self, message):
            self.log_error(message)

    talker, sender = run_agent('talker', base=Talker), run_agent('sender')
    sender.connect(talker.addr('in'), alias='out')
    sender.send('out', ('a', 'tuple'))
    talker.after(0, 'log_info', {'a': 'dict'})
    assert output.shows(r"\(talker\): \('a', 'tuple'\)$", 'err')
    assert output.shows(r"\(talker\): {'a': 'dict'}$")
    first, second = [line.split('(talker): ')[1] for line in output.records('talker')[:2]]
    assert (first, second) == ('from on_init', 'from before_loop')


# ---- with a logger -------------------------------------------------------------------------


def test_a_logger_gets_every_level_and_warnings_and_errors_are_printed_as_well(output, logger):
    agent = run_logging_agent(logger)
    agent.set_attr(_DEBUG=True)
    for name in ('log_history_debug', 'log_history'):
        assert logger_received(logger, 'SET self._DEBUG', log_name=name) == 1
    before = logged(logger)
    output.read()
    for level in LEVELS:
        getattr(agent, 'log_' + level.lower())('a record of level ' + level)
    assert logger_received(logger, 'level ERROR', log_name='log_history_error') == 1
    after = logged(logger)

    def added(name):
        return [record.split('] ')[1] for record in after[name][len(before[name]) :]]

    for level in LEVELS:
        assert added('log_history_' + level.lower()) == ['(a0): a record of level ' + level]
    assert added('log_history') == ['(a0): a record of level ' + level for level in LEVELS]
    assert re.fullmatch(r'\[\d{4}-\d\d-\d\d [\d:.]+\] \(a0\): .*', after['log_history'][-1])

    assert output.shows('level ERROR$', 'err')
    assert output.shows('level WARNING$', 'out')
    printed = [line for line in output.records('a0') if 'a record of level' in line]
    assert [line.split()[0] for line in printed] == ['WARNING', 'ERROR']


@pytest.mark.parametrize('message', [(1, 2), '100 %s', {'x': 1}, None, 'two\nlines'], ids=repr)
def test_any_object_is_logged(logging_agent, logger, message):
    count = len(logger.get_attr('log_history'))
    logging_agent.log_info(message)
    assert wait_agent_attr(logger, 'log_history', length=count + 1)
    assert logger.get_attr('log_history')[-1].endswith('] (a0): %s' % (message,))


def test_debug_records_are_switched_at_run_time(logging_agent, logger):
    logging_agent.log_debug('dropped')
    logging_agent.set_attr(_DEBUG=True)
    logging_agent.log_debug('kept')
    logging_agent.set_attr(_DEBUG=False)
    logging_agent.log_debug('dropped')
    sync_agent_logger(logging_agent, logger)
    history = ''.join(logger.get_attr('log_history_debug'))
    assert ': kept' in history
    assert 'dropped' not in history


def test_debugging_shows_changes_and_the_end_and_nothing_else(output, nsproxy):
    agent = run_agent('a0')
    agent.set_attr(_DEBUG=True)
    agent.set_attr(x=1, y='text')
    agent.set_method(double=lambda agent: 2)
    address = agent.bind('PULL', alias='in', handler=lambda agent, message: message)
    agent.connect(agent.bind('PUSH', alias='out'), handler=lambda agent, message: None)
    agent.connect(address, alias='me')
    agent.send('me', 'message')
    agent.each(0.02, 'ping')
    agent.after(0, 'double')
    agent.double()
    agent.execute_as_function(len, '')
    agent.stop_all_timers()
    agent.close_all()
    agent.stop()
    assert output.shows('Stopping')
    texts = [line.split('(a0): ')[1] for line in output.records('a0')]
    assert texts[:3] == ['SET self._DEBUG = True', 'SET self.x = 1', 'SET self.y = text']
    assert texts[3].startswith('SET self.double() = ')
    assert texts[4:] == ['Stopping...']

    other = run_agent('a1')
    other.set_attr(_DEBUG=True)
    other.shutdown()
    assert output.shows('Shutting down')
    texts = [line.split('(a1): ')[1] for line in output.records('a1')]
    assert texts == ['SET self._DEBUG = True', 'Shutting down...']


def test_only_log_calls_add_records(logging_agent, logger):
    agent, peer = logging_agent, run_agent('peer')
    before = logged(logger)
    agent.set_attr(x=1, done=[])
    agent.set_method(double=lambda agent: 2)
    agent.double()
    for name in ('x', '_DEBUG'):
        agent.get_attr(name)
    with pytest.raises(AttributeError):
        agent.get_attr('missing')
    peer.connect(agent.bind('PULL', alias='in', handler=lambda agent, message: None), alias='out')
    for _ in range(10):
        peer.send('out', 'message')
    agent.each(0.01, 'ping')
    agent.after(0, 'set_attr', done=[1])
    assert wait_agent_attr(agent, 'done', length=1)
    agent.stop_all_timers()
    agent.set_logger(logger, alias='another')
    agent.close('in')
    agent.log_info('one record')
    assert logger_received(logger, 'one record') == 1
    after = logged(logger)
    assert {name: len(after[name]) - len(before[name]) for name in HISTORIES} == {
        'log_history': 1,
        'log_history_info': 1,
        'log_history_debug': 0,
        'log_history_warning': 0,
        'log_history_error': 0,
    }


# ---- which logger --------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['proxy', 'address', 'address from the name server'])
def test_a_logger_is_given_as_proxy_or_address(nsproxy, logger, how):
    agent = run_agent('a0')
    if how == 'proxy':
        agent.set_logger(logger)
    elif how == 'address':
        agent.set_logger(logger.addr('sub'))
    else:
        agent.set_logger(nsproxy.addr('logger', 'sub'))
    sync_agent_logger(agent, logger)
    agent.log_info('hello')
    assert logger_received(logger, r'\(a0\): hello') == 1


@pytest.mark.new
@pytest.mark.usefixtures('patient_connects')
def test_the_first_record_after_set_logger_is_not_lost(nsproxy):
    for number in range(5):
        logger, agent = run_logger('logger%d' % number), run_agent('agent%d' % number)
        agent.set_logger(logger)
        agent.log_info('the first line')
        assert logger_received(logger, 'the first line', timeout=2) == 1


@pytest.mark.parametrize('serializer', ['pickle', 'json'])
def test_any_subscriber_may_serve_as_logger(nsproxy, serializer):
    """The level is the topic, the record the message, so topics choose levels."""
    chosen, agent = run_agent('chosen', serializer=serializer), run_agent('a0')
    chosen.set_attr(received=[])
    handlers = {
        'INFO': lambda agent, message, topic: agent.received.append((topic, message)),
        'ERROR': lambda agent, message: agent.received.append((None, message)),
    }
    agent.set_logger(chosen.bind('SUB', alias='records', handler=handlers))
    count = iter(range(1000))

    def connected():
        agent.log_info('attempt %d' % next(count))
        return wait_agent_attr(chosen, length=1, timeout=0.1)

    assert wait_condition(connected)
    agent.log_warning('no topic for this')
    agent.log_error('mistake')
    assert wait_condition(lambda: chosen.get_attr('received')[-1][0] is None)
    received = chosen.get_attr('received')
    assert received[0][0] == b'INFO'
    assert re.fullmatch(r'\[[-\d:. ]+\] \(a0\): attempt \d+', received[0][1])
    assert received[-1][1].endswith('(a0): mistake')
    assert not any('no topic' in message for _, message in received)


def test_records_go_to_the_logger_that_the_call_names(output, nsproxy, logger):
    second, agent = run_logger('second'), run_agent('a0')
    agent.set_logger(logger)
    agent.set_logger(second, alias='extra')
    sync_agent_logger(agent, logger)

    def connected():
        agent.log_info('attempt', logger='extra')
        return logger_received(second, 'attempt', timeout=0.1)

    assert wait_condition(connected)
    agent.log_info('for the first')
    agent.log_info('for the second', logger='extra')
    agent.log_warning('for nobody', logger='unknown')
    agent.log_info('for nobody either', logger='unknown')
    assert logger_received(logger, 'for the first') == 1
    assert logger_received(second, 'for the second') == 1
    assert output.shows(r'^INFO .*: for nobody either$')
    assert not logger_received(logger, 'second|nobody', 'log_history', timeout=0.2)
    assert not logger_received(second, 'the first|nobody', 'log_history', timeout=0.2)
    assert sum('for nobody' in line for line in output.records('a0')) == 2


def test_set_logger_again(nsproxy, logger):
    """The same logger again or under another alias works; another one takes the alias over."""
    second, agent = run_logger('second'), run_agent('a0')
    for _ in range(2):
        agent.set_logger(logger)
    agent.set_logger(logger, alias='also')
    sync_agent_logger(agent, logger)
    agent.log_info('once')
    assert logger_received(logger, ': once') == 1

    agent.set_logger(second)
    sync_agent_logger(agent, second)
    agent.log_info('taken over')
    assert logger_received(second, 'taken over') == 1
    assert not logger_received(logger, 'taken over', timeout=0.2)


def test_several_agents_share_a_logger(nsproxy, logger):
    agents = [run_agent('agent%d' % number) for number in range(3)]
    for agent in agents:
        agent.set_logger(logger)
        sync_agent_logger(agent, logger)
    for agent in agents:
        agent.log_info('I am here')
    assert wait_condition(lambda: logger_received(logger, 'I am here') == 3)
    assert logger_received(logger, r'\(agent[012]\): I am here') == 3


@pytest.mark.parametrize('config, own', [('pickle', 'raw'), ('json', None), ('dill', 'json')])
def test_default_serializers_do_not_matter(nsproxy, monkeypatch, config, own):
    monkeypatch.setitem(osbrain.config, 'SERIALIZER', config)
    logger, agent = run_logger('logger'), run_agent('a0', serializer=own)
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    agent.log_info('hello')
    assert logger_received(logger, r'\(a0\): hello') == 1


@pytest.mark.parametrize(
    'mistake, error, text',
    [
        (
            lambda agent: agent.log_info('x', logger='push'),
            AssertionError,
            'Logger must use publisher-subscriber pattern!',
        ),
        (
            lambda agent: agent.set_logger(5),
            ValueError,
            'An AgentAddress must be provided for logging!',
        ),
    ],
    ids=['no publisher', 'no address'],
)
@pytest.mark.parametrize('mode', ['unsafe', pytest.param('safe', marks=pytest.mark.new)])
def test_what_cannot_log_is_an_error_and_harmless(agent, mode, mistake, error, text):
    agent.bind('PUSH', alias='push')
    with pytest.raises(error, match=text):
        mistake(getattr(agent, mode))
    assert agent.ping() == 'pong'
