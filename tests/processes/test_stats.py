"""What agents in processes of their own tell of themselves, also when they are busy, stopped by the system or old."""

import os
import signal
import threading
import time

import pytest

from osbrain import Agent, NSProxy, run_agent
from osbrain.helper import wait_condition
from osbrain.metrics import Lookout

LONG = 30
# A second is promised; a machine with much else to do takes some to answer at all.
PROMPT = 5.0

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]


def endpoint(stats, alias):
    (found,) = [one for one in stats.endpoints if one.alias == alias]
    return found


@pytest.fixture
def stopped(nsproxy):
    """An agent among others that the system has stopped."""
    run_agent('a')
    agent = run_agent('b')
    run_agent('c')
    pid = nsproxy.status()['b'].pid
    os.kill(pid, signal.SIGSTOP)
    yield agent
    os.kill(pid, signal.SIGCONT)


def test_an_agent_tells_what_it_has_done(nsproxy):
    feed, strategy = run_agent('feed'), run_agent('strategy')
    strategy.connect(feed.bind('PUB', 'prices'), 'prices', handler=lambda agent, message: None)
    for price in range(10):
        feed.send('prices', price)
    assert wait_condition(lambda: endpoint(strategy.stats(), 'prices').received.messages == 10, timeout=LONG)
    everybody = nsproxy.stats(LONG)
    assert list(everybody) == ['feed', 'strategy']
    assert endpoint(everybody['feed'], 'prices').sent.messages == 10
    assert endpoint(everybody['feed'], 'prices').subscribers == 1
    assert set(endpoint(everybody['feed'], 'prices').addresses) == set(
        endpoint(everybody['strategy'], 'prices').addresses
    )
    assert everybody['feed'].pid == nsproxy.status()['feed'].pid
    assert 1 << 20 < everybody['feed'].memory < 1 << 30


def test_processor_time_is_that_of_the_agent_s_process(nsproxy):
    agent = run_agent('a')
    before = agent.stats()

    def work(agent):
        began = time.process_time()
        while time.process_time() - began < 0.2:
            pass

    agent.execute_as_method(work)
    after = agent.stats()
    assert after.cpu - before.cpu >= 0.2
    assert after.uptime - before.uptime == pytest.approx(after.monotonic - before.monotonic)


def test_a_busy_agent_tells_too(nsproxy):
    agent = run_agent('a')
    agent.after(0, lambda agent: threading.Event().wait(LONG))
    assert wait_condition(lambda: agent.unsafe.stats().lateness.count == 1, timeout=LONG)
    assert nsproxy.stats(timeout=LONG)['a'].running
    agent.kill()


def test_one_that_is_stopped_hides_nobody_and_costs_a_second(nsproxy, stopped):
    began = time.monotonic()
    found = nsproxy.stats()
    assert time.monotonic() - began < PROMPT
    assert found['b'] is None

    def others_run():
        seen = nsproxy.stats()
        return all(seen[name] is not None and seen[name].running for name in 'ac')

    # Somebody else may be late once where there is much else to do.
    assert wait_condition(others_run, timeout=LONG)


def test_it_is_seen_again_when_it_goes_on(nsproxy, stopped):
    with Lookout(nsproxy.addr(), patience=0.5) as lookout:
        assert lookout.look().agents['b'].trouble == 'it does not answer'
        os.kill(nsproxy.status()['b'].pid, signal.SIGCONT)
        assert wait_condition(lambda: lookout.look().agents['b'].stats is not None, timeout=LONG)


def test_tools_see_agents_whose_classes_have_methods_of_these_names(nsproxy):
    class Trader(Agent):
        def on_init(self):
            self.log_lines = []

        def stats(self):
            return {'trades': 3}

    assert run_agent('a', base=Trader).stats() == {'trades': 3}
    assert nsproxy.stats(LONG)['a'].running


def test_nobody_to_look_at_is_no_error(nsproxy):
    assert NSProxy(nsproxy.addr()).stats() == {}
