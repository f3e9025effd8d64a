"""What an agent counts of itself while messages of every kind go through it."""

import threading

import pytest

from osbrain import Agent, batched
from osbrain._agent.core import core_of
from osbrain._agent.stats import stats_of
from osbrain._stats import SHORTEST
from osbrain.helper import wait_condition

LIMIT = 5


def endpoint(agent, alias):
    (found,) = [one for one in agent.stats().endpoints if one.alias == alias]
    return found


class Talker(Agent):
    """Talks to itself: what stays inside this process is seen by one agent only."""

    def on_init(self):
        self.got = []


@pytest.fixture
def pair(new_agent, running):
    """Both ends of whatever is tested."""
    agent = new_agent(Talker)
    with running(agent):
        yield agent


def settled(agent, alias, count):
    return wait_condition(lambda: endpoint(agent, alias).received.messages == count, timeout=LIMIT)


def test_each_message_is_counted_at_both_ends_with_its_bytes(pair):
    pair.connect(pair.bind('PULL', 'in', handler=lambda agent, message: agent.got.append(message)), 'out')
    for number in range(100):
        pair.send('out', number)
    assert settled(pair, 'in', 100)
    sent, received = endpoint(pair, 'out').sent, endpoint(pair, 'in').received
    assert sent == received and sent.messages == 100 and sent.bytes >= 400
    assert endpoint(pair, 'out').received.messages == endpoint(pair, 'in').sent.messages == 0


def test_messages_of_a_batch_are_counted_one_by_one(pair):
    pair.connect(pair.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    pair.send_many('out', list(range(1000)))
    assert settled(pair, 'in', 1000)
    assert endpoint(pair, 'out').sent.messages == 1000
    assert endpoint(pair, 'in').most_at_once == 1000


def test_large_buffers_count_with_all_their_frames(pair):
    pair.connect(pair.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    pair.send('out', bytes(1 << 20))
    assert settled(pair, 'in', 1)
    assert endpoint(pair, 'out').sent == endpoint(pair, 'in').received
    assert endpoint(pair, 'in').received.bytes > 1 << 20


def test_publications_are_counted_and_proofs_of_a_live_subscription_are_not(pair):
    pair.connect(pair.bind('PUB', 'pub'), 'sub', handler=lambda agent, message: None)
    assert endpoint(pair, 'pub').sent.messages == endpoint(pair, 'sub').received.messages == 0
    pair.send('pub', 1, topic='a')
    pair.send('pub', 2)
    assert settled(pair, 'sub', 2)
    assert endpoint(pair, 'pub').sent.messages == 2
    assert endpoint(pair, 'pub').subscribers == 1
    assert endpoint(pair, 'pub').received.messages == endpoint(pair, 'pub').handling.count == 0


def test_requests_and_replies_are_counted_both_ways(pair):
    """The replier is a thread's; the requester this one's."""
    pair.connect(pair.bind('REP', 'rep', handler=lambda agent, message: message), 'req')
    for _ in range(3):
        pair.send_recv('req', 'x')
    # A reply is there before the one who has sent it counts it.
    assert wait_condition(lambda: endpoint(pair, 'rep').sent.messages == 3, timeout=LIMIT)
    assert endpoint(pair, 'rep').received.messages == 3
    assert endpoint(pair, 'req').sent.messages == endpoint(pair, 'req').received.messages == 3
    pair.send('req', 'y')
    assert endpoint(pair, 'req').pending == 1
    pair.recv('req')
    assert endpoint(pair, 'req').pending == 0


def test_open_requests_of_a_channel_are_pending(pair):
    gate = threading.Event()
    pair.connect(pair.bind('ASYNC_REP', 'rep', handler=lambda agent, message: gate.wait(LIMIT)), 'req')
    pair.send('req', 1, handler=lambda agent, reply: agent.got.append(reply))
    pair.send('req', 2, handler=lambda agent, reply: agent.got.append(reply))
    assert endpoint(pair, 'req').pending == pair.stats().requests_pending == 2
    gate.set()
    assert wait_condition(lambda: len(pair.got) == 2, timeout=LIMIT)
    found = endpoint(pair, 'req')
    assert (found.pending, found.sent.messages, found.received.messages) == (0, 2, 2)


def test_tasks_are_counted_and_the_words_about_them_are_not(pair):
    pair.connect(pair.bind('ACK_PUSH', 'todo'), 'work', handler=lambda agent, message: agent.got.append(message))
    for number in range(5):
        pair.send('todo', number)
    assert wait_condition(lambda: len(pair.got) == 5 and not endpoint(pair, 'todo').pending, timeout=LIMIT)
    assert endpoint(pair, 'todo').sent.messages == endpoint(pair, 'work').received.messages == 5
    assert endpoint(pair, 'todo').received.messages == endpoint(pair, 'work').sent.messages == 0


def test_slow_handlers_are_told_from_quick_ones(pair):
    def handle(agent, message):
        if message == 'slow':
            threading.Event().wait(0.02)

    pair.connect(pair.bind('PULL', 'in', handler=handle), 'out')
    for message in ('quick', 'slow', 'quick'):
        pair.send('out', message)
    assert settled(pair, 'in', 3)
    assert wait_condition(lambda: endpoint(pair, 'in').handling.count == 3, timeout=LIMIT)
    found = endpoint(pair, 'in').handling
    assert found.longest >= 0.02
    assert found.total >= found.longest
    assert sum(count for bound, count in zip(found.bounds, found.counts, strict=False) if bound >= 0.02) == 1


def test_a_list_of_messages_takes_its_time_once(pair):
    @batched
    def handle(agent, messages):
        threading.Event().wait(0.02)
        agent.got += messages

    pair.connect(pair.bind('PULL', 'in', handler=handle), 'out')
    pair.send_many('out', [1, 2, 3])
    assert wait_condition(lambda: endpoint(pair, 'in').handling.count == 1, timeout=LIMIT)
    assert endpoint(pair, 'in').handling.longest >= 0.02
    assert endpoint(pair, 'in').received.messages == 3


def test_failures_are_counted_where_they_happen(new_agent, running):
    agent = new_agent()
    core_of(agent).on_error = 'continue'

    def fail(agent, message):
        raise ValueError(message)

    with running(agent):
        agent.connect(agent.bind('PULL', 'in', handler=fail), 'out')
        agent.connect(agent.bind('PULL', 'text', handler=print, serializer='json'), 'plain')
        agent.send('out', 1)
        agent.send('out', 2)
        assert wait_condition(lambda: endpoint(agent, 'in').errors == 2, timeout=LIMIT)
        core_of(agent).endpoints['plain'].wire.send(b'no JSON')
        assert wait_condition(lambda: endpoint(agent, 'text').undecodable == 1, timeout=LIMIT)
        found = agent.stats()
        assert (found.errors, found.undecodable, endpoint(agent, 'in').handling.count) == (2, 1, 2)


def test_timers_tell_how_late_they_were(pair):
    pair.each(0.005, lambda agent: agent.got.append(1))
    assert wait_condition(lambda: pair.stats().lateness.count >= 3, timeout=LIMIT)
    found = pair.stats()
    assert found.timers == 1
    assert 0 <= found.lateness.mean <= found.lateness.longest


def test_waits_of_the_agent_s_own_are_no_timers(pair):
    fired = threading.Event()
    core_of(pair).start_wait(0, fired.set)
    assert fired.wait(LIMIT)
    assert pair.stats().lateness.count == 0


def test_a_full_queue_is_counted_when_somebody_has_to_wait_for_room(pair):
    gate = threading.Event()
    pair.connect(pair.bind('PULL', 'in', handler=lambda agent, message: gate.wait(LIMIT), hwm=1), 'out', hwm=1)
    sender = threading.Thread(target=lambda: [pair.send('out', number) for number in range(200)])
    sender.start()
    assert wait_condition(lambda: endpoint(pair, 'out').waits, timeout=LIMIT)
    gate.set()
    sender.join(LIMIT)
    assert settled(pair, 'in', 200)
    assert endpoint(pair, 'out').sent.messages == 200


def test_an_agent_that_does_not_run_tells_what_it_has_done(new_agent):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    found = stats_of(core_of(agent))
    assert (found.name, found.running, [one.alias for one in found.endpoints]) == ('a0', False, ['pub'])
    assert found.memory > 1 << 20
    assert found.cpu > 0
    assert found.uptime >= 0


def test_an_endpoint_without_an_alias_goes_by_its_address(new_agent):
    agent = new_agent()
    address = agent.bind('PUB')
    (found,) = agent.stats().endpoints
    assert found.alias == found.addresses[0]
    assert found.addresses == (f'inproc://{address.address}',)


def test_new_names_are_free_for_attributes_of_old_programs(new_agent):
    agent = new_agent(attributes={'stats': {'trades': 0}, 'pending': []})
    assert (agent.stats, agent.pending) == ({'trades': 0}, [])
    assert stats_of(core_of(agent)).name == 'a0'


def test_old_names_are_not(new_agent):
    with pytest.raises(KeyError, match='send'):
        new_agent(attributes={'send': 1})


def test_a_class_that_has_such_a_method_itself_keeps_it(new_agent):
    class Own(Agent):
        def stats(self):
            return 'mine'

    assert new_agent(Own).stats() == 'mine'
    with pytest.raises(KeyError, match='stats'):
        new_agent(Own, attributes={'stats': 1})


def test_what_is_shorter_than_the_shortest_is_counted_all_the_same(pair):
    pair.connect(pair.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    for number in range(500):
        pair.send('out', number)
    assert settled(pair, 'in', 500)
    assert wait_condition(lambda: endpoint(pair, 'in').handling.count == 500, timeout=LIMIT)
    assert endpoint(pair, 'in').handling.longest >= SHORTEST
