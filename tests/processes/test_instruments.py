"""Instruments in agents of their own processes: added and removed through proxies, there again after a restart."""

import os

import pytest

from osbrain import Agent, Instrument, run_agent
from osbrain.errors import OptionInvalid
from osbrain.helper import wait_condition

pytestmark = pytest.mark.new

LIMIT = 30


class Counting(Instrument):
    """Counts what is handled, where its agent can be asked for it."""

    def added(self, agent):
        self.agent = agent
        agent.handled = getattr(agent, 'handled', 0)

    def after_handling(self, socket, count, seconds, error):
        self.agent.handled += count


class Broken(Instrument):
    def after_handling(self, socket, count, seconds, error):
        raise RuntimeError('a broken instrument')


class Own(Agent):
    """Adds an instrument by itself, and has an attribute of a name that the library might have."""

    hooks = 'mine'

    def on_init(self):
        self.add_instrument(Counting())


def wire(agent):
    """Have a feed push to *agent*."""
    feed = run_agent(f'feed of {agent.get_attr("name")}')
    feed.connect(agent.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    return feed


def handled(agent, count):
    return wait_condition(lambda: agent.get_attr('handled') == count, timeout=LIMIT)


def other_process(nsproxy, pid):
    status = nsproxy.status().get('a0')
    return status is not None and status.pid not in (0, pid)


def test_an_instrument_is_added_and_removed_through_a_proxy(nsproxy):
    agent = run_agent('a0')
    number = agent.add_instrument(Counting())
    feed = wire(agent)
    feed.send_many('out', [1, 2, 3])
    assert handled(agent, 3)
    agent.remove_instrument(number)
    feed.send('out', 4)
    wait_condition(lambda: agent.stats().received.messages == 4, timeout=LIMIT)
    assert agent.get_attr('handled') == 3


def test_an_agent_may_add_its_own(nsproxy):
    agent = run_agent('a0', base=Own)
    wire(agent).send('out', 1)
    assert handled(agent, 1)
    assert agent.get_attr('hooks') == 'mine'


def test_one_that_fails_is_logged_once_and_the_agent_goes_on(nsproxy, so_far):
    agent = run_agent('a0')
    agent.add_instrument(Broken())
    agent.add_instrument(Counting())
    wire(agent).send_many('out', [1, 2, 3])
    assert handled(agent, 3)
    assert so_far('err').count('a broken instrument') == 1
    assert agent.is_running()


@pytest.mark.parametrize('what', [None, 'Counting', Counting], ids=str)
def test_what_is_no_instrument_is_the_callers_mistake(nsproxy, what):
    agent = run_agent('a0')
    with pytest.raises(OptionInvalid, match=r'osbrain\.Instrument'):
        agent.add_instrument(what)
    assert agent.ping() == 'pong'


def test_an_instrument_is_there_again_after_a_restart(nsproxy):
    agent = run_agent('a0', restart='permanent')
    agent.add_instrument(Counting())
    gone = agent.add_instrument(Counting())
    agent.remove_instrument(gone)
    feed = wire(agent)
    pid = agent.execute_as_function(os.getpid)
    agent.oneway.execute_as_function(os._exit, 3)
    wait_condition(lambda: other_process(nsproxy, pid), timeout=LIMIT)
    feed.send('out', 1)
    assert handled(agent, 1)
