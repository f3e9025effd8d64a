"""The Logger agent keeps what other agents log, by level and in order."""

import os

import pytest

from osbrain import Agent, AgentAddress, Logger, Proxy, run_agent, run_logger
from osbrain.helper import logger_received, sync_agent_logger, wait_condition
from osbrain.logging import pyro_log

LEVELS = ('info', 'warning', 'error', 'debug')
HISTORIES = ['log_history'] + ['log_history_%s' % level for level in LEVELS]


def test_pyro_log_sets_two_environment_variables(monkeypatch):
    for name in ('PYRO_LOGFILE', 'PYRO_LOGLEVEL'):
        monkeypatch.setenv(name, 'before')
        monkeypatch.delenv(name)
    pyro_log()
    assert (os.environ['PYRO_LOGFILE'], os.environ['PYRO_LOGLEVEL']) == (
        'pyro_osbrain.log',
        'DEBUG',
    )


def test_a_logger_starts_empty_and_bound(nsproxy):
    """It has a list for each level and one for all, and a socket that any publisher may use."""
    logger = run_logger('logger')
    assert isinstance(logger, Proxy) and logger.is_running()
    assert nsproxy.agents() == ['logger']
    for name in HISTORIES:
        assert logger.get_attr(name) == []
    address = logger.addr('sub')
    assert isinstance(address, AgentAddress)
    assert (address.kind, address.role) == ('SUB', 'server')


def test_records_are_kept_by_level_and_in_order_of_arrival(nsproxy):
    """Each is in the list of its level and in the common one, without the level in front."""
    logger = run_logger('logger')
    agent = run_agent('a0')
    agent.set_attr(_DEBUG=True)
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    order = ['error', 'info', 'debug', 'warning', 'info', 'debug', 'error']
    for number, level in enumerate(order):
        getattr(agent, 'log_%s' % level)('%s number %d' % (level, number))

    def texts(name):
        return [record.split('): ', 1)[1] for record in logger.get_attr(name) if ' number ' in record]

    expected = ['%s number %d' % (level, number) for number, level in enumerate(order)]
    assert wait_condition(lambda: texts('log_history') == expected)
    for level in LEVELS:
        assert texts('log_history_%s' % level) == [text for text in expected if text.startswith(level)]
    assert all(record.startswith('[') and '] (a0): ' in record for record in logger.get_attr('log_history'))


def test_one_logger_serves_many_agents(nsproxy):
    logger = run_logger('logger')
    agents = [run_agent('a%d' % number) for number in range(3)]
    for agent in agents:
        agent.set_logger(logger)
        sync_agent_logger(agent, logger)
    for agent in agents:
        agent.log_warning('hello')
    for number in range(3):
        assert logger_received(logger, r'\(a%d\): hello$' % number, log_name='log_history_warning') == 1


class Counting(Logger):
    """Overrides the handler, extends the start."""

    def on_init(self):
        super().on_init()
        self.topics = []

    def log_handler(self, message, topic):
        self.topics.append((topic, message.rsplit(' ')[-1]))
        super().log_handler(message, topic)


def test_a_logger_may_override_how_records_are_handled(nsproxy):
    """The handler gets the level as bytes; run_logger takes its base by position as well."""
    logger = run_logger('logger', nsproxy.addr(), None, Counting)
    agent = run_agent('a0')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    agent.log_info('one')
    agent.log_error('two')
    assert wait_condition(lambda: (b'ERROR', 'two') in logger.get_attr('topics'))
    assert logger.get_attr('topics')[-2:] == [(b'INFO', 'one'), (b'ERROR', 'two')]
    assert logger_received(logger, 'two', log_name='log_history_error') == 1


@pytest.mark.parametrize('pass_on', ['position', 'keyword'])
def test_run_logger_hands_its_arguments_on_to_run_agent(nsproxy, pass_on):
    """Whatever base is asked for is used, at the address that is asked for."""
    if pass_on == 'position':
        logger = run_logger('logger', str(nsproxy.addr()), '127.0.0.1', Agent)
    else:
        logger = run_logger(name='logger', nsaddr=str(nsproxy.addr()), addr='127.0.0.1', base=Agent)
    assert not logger.has_socket('sub')
    assert nsproxy.list()['logger'].rsplit('@')[1].startswith('127.0.0.1:')
