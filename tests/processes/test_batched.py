"""Handlers that want lists: they get all messages that are there, once, in order."""

import contextlib
import itertools
import threading
from pathlib import Path

import psutil
import pytest

from osbrain import Agent, batched, run_agent, run_logger
from osbrain.helper import logger_received, wait_agent_attr, wait_condition

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]


@batched
def receive_lists(agent, messages):
    agent.lists.append(messages)


@batched
def receive_topic_lists(agent, messages, topic):
    agent.lists.append((topic, messages))


def plain_lists(agent, messages):
    """Is not marked."""
    agent.lists.append(messages)


def receive(agent, message):
    agent.received.append(message)


class Keeper(Agent):
    """Keep lists and single messages, with methods too; a closed gate holds the agent up."""

    def on_init(self):
        self.lists = []
        self.received = []
        self.gate = None

    @batched
    def take(self, messages):
        self.lists.append(messages)

    @batched
    def take_topic(self, messages, topic):
        self.lists.append((topic, messages))

    def bind_method(self, kind, alias):
        return self.bind(kind, alias=alias, handler=self.take)

    def hold(self):
        """Handle nothing until the gate is opened, by an unsafe call."""
        self.gate = threading.Event()
        self.gate.wait(30)

    def open_gate(self):
        self.gate.set()
        self.gate = None


@contextlib.contextmanager
def held(keeper):
    """While the block runs, the agent handles nothing, so that its messages heap up."""
    keeper.after(0, 'hold')
    assert wait_condition(lambda: keeper.unsafe.execute_as_method(lambda agent: agent.gate is not None))
    yield
    keeper.unsafe.open_gate()


def run_keeper(name='keeper', **kwargs):
    return run_agent(name, base=Keeper, **kwargs)


def pushing(handler=receive_lists, **kwargs):
    """A pusher with the alias `out` and a keeper that has bound the other end."""
    pusher, keeper = run_agent('pusher'), run_keeper()
    pusher.connect(keeper.bind('PULL', alias='in', handler=handler, **kwargs), alias='out')
    return pusher, keeper


def flattened(lists):
    return list(itertools.chain.from_iterable(lists))


def kept(keeper, count, timeout=10):
    """The lists, as soon as there are *count* messages in them."""
    found = wait_condition(lambda: len(flattened(keeper.get_attr('lists'))) >= count, timeout=timeout)
    assert found, keeper.get_attr('lists')
    return keeper.get_attr('lists')


# --- Ways to ask for lists --------------------------------------------------------------------------

WAYS = {
    'a function': lambda keeper: keeper.bind('PULL', handler=receive_lists),
    'a name': lambda keeper: keeper.bind('PULL', handler='take'),
    'a bound method': lambda keeper: keeper.bind_method('PULL', 'in'),
    'batch=True': lambda keeper: keeper.bind('PULL', handler=plain_lists, batch=True),
    'both': lambda keeper: keeper.bind('PULL', handler=receive_lists, batch=True),
    'a lambda': lambda keeper: keeper.bind('PULL', handler=batched(lambda agent, some: agent.lists.append(some))),
}


@pytest.mark.parametrize('way', WAYS)
def test_a_handler_gets_lists_of_what_is_there(nsproxy, way):
    pusher, keeper = run_agent('pusher'), run_keeper()
    pusher.connect(WAYS[way](keeper), alias='out')
    with held(keeper):
        for number in range(500):
            pusher.send('out', number)
    lists = kept(keeper, 500)
    assert flattened(lists) == list(range(500))
    assert all(type(one) is list and one for one in lists)
    assert len(lists) < 50


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('handler, batch', [(receive_lists, False), (plain_lists, True), ('take', False)])
def test_the_end_that_connects_may_ask_for_lists_too(nsproxy, handler, batch, transport):
    pusher, keeper = run_agent('pusher'), run_keeper()
    keeper.connect(pusher.bind('PUSH', alias='out', transport=transport), handler=handler, batch=batch)
    for number in range(500):
        pusher.send('out', number)
    assert flattened(kept(keeper, 500)) == list(range(500))


def test_a_single_message_comes_at_once_in_a_list_of_one(nsproxy):
    pusher, keeper = pushing()
    pusher.send('out', 'alone')
    assert kept(keeper, 1) == [['alone']]
    pusher.send('out', 'again')
    assert kept(keeper, 2) == [['alone'], ['again']]


def test_each_list_belongs_to_the_handler(nsproxy):
    """It may keep it, or empty it."""

    @batched
    def emptying(agent, messages):
        agent.lists.append(messages[:])
        messages.clear()

    pusher, keeper = pushing(emptying)
    for number in range(300):
        pusher.send('out', number)
    assert flattened(kept(keeper, 300)) == list(range(300))


def test_a_stream_that_does_not_end_is_handed_over_in_parts(nsproxy):
    """No list is longer than a turn: other sockets, calls and timers get theirs."""
    pusher, keeper = pushing()
    with held(keeper):
        for _ in range(6):
            pusher.send_many('out', list(range(100)))
        for number in range(1500):
            pusher.send('out', number)
    assert wait_condition(lambda: len(flattened(keeper.get_attr('lists'))) == 2100)
    assert flattened(keeper.lists) == [*list(range(100)) * 6, *range(1500)]


def test_what_was_sent_with_send_many_is_one_list(nsproxy):
    pusher, keeper = pushing()
    pusher.send_many('out', list(range(1000)))
    assert kept(keeper, 1000) == [list(range(1000))]


def test_of_several_handlers_each_gets_what_it_wants(nsproxy):
    pusher, keeper = pushing([receive_lists, receive])
    with held(keeper):
        for number in range(100):
            pusher.send('out', number)
    assert wait_agent_attr(keeper, length=100)
    assert flattened(kept(keeper, 100)) == list(range(100)) == keeper.received


# --- Topics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['marked', 'batch=True', 'method', 'bound'])
def test_a_topic_may_have_a_handler_that_gets_lists(nsproxy, how):
    publisher, keeper = run_agent('publisher'), run_keeper()
    handler = {'marked': receive_lists, 'batch=True': plain_lists, 'method': 'take', 'bound': receive_lists}[how]
    if how == 'bound':
        publisher.connect(keeper.bind('SUB', handler={'a': handler}), alias='pub')
    else:
        keeper.connect(publisher.bind('PUB', alias='pub'), handler={'a': handler}, batch=how == 'batch=True')
    with held(keeper):
        for number in range(300):
            publisher.send('pub', number, topic='a')
            publisher.send('pub', number, topic='b')
    lists = kept(keeper, 300)
    assert flattened(lists) == list(range(300))
    assert len(lists) < 50


@pytest.mark.parametrize('handler', [receive_topic_lists, 'take_topic'])
def test_a_handler_with_one_more_parameter_gets_the_topic_too(nsproxy, handler):
    publisher, keeper = run_agent('publisher'), run_keeper()
    keeper.connect(publisher.bind('PUB', alias='pub'), handler={'a': handler, 'ab': handler})
    publisher.send_many('pub', [1, 2], topic='ab')
    assert wait_agent_attr(keeper, 'lists', length=2)
    assert keeper.lists == [(b'a', [1, 2]), (b'ab', [1, 2])]


def test_only_the_marked_handler_of_a_dictionary_gets_lists(nsproxy):
    publisher, keeper = run_agent('publisher'), run_keeper()
    keeper.connect(publisher.bind('PUB', alias='pub'), alias='in', handler={'a': receive_lists, 'b': receive})
    keeper.subscribe('in', {'c': 'take'})
    publisher.wait_for_subscribers('pub', 1)

    def heard(topic):
        publisher.send('pub', topic, topic=topic)
        return topic in flattened(keeper.get_attr('lists'))

    assert wait_condition(heard, 'c')
    keeper.set_attr(lists=[])
    for number in range(50):
        for topic in 'abc':
            publisher.send('pub', (topic, number), topic=topic)
    assert wait_agent_attr(keeper, length=50)
    assert keeper.received == [('b', number) for number in range(50)]
    everything = [one for one in flattened(kept(keeper, 100)) if one != 'c']
    for topic in 'ac':
        assert [one for one in everything if one[0] == topic] == [(topic, number) for number in range(50)]


@pytest.mark.parametrize('handler, batch', [(receive_lists, False), (plain_lists, True)])
def test_a_channel_hands_over_lists_of_publications_and_single_replies(nsproxy, handler, batch):
    publisher, keeper = run_agent('publisher'), run_keeper()
    address = publisher.bind('SYNC_PUB', alias='pub', handler=lambda agent, request: request * 2)
    keeper.connect(address, alias='in', handler=handler, batch=batch)
    keeper.send('in', 21, handler=receive)
    publisher.send_many('pub', list(range(100)))
    assert flattened(kept(keeper, 100)) == list(range(100))
    assert wait_agent_attr(keeper, value=[42])


# --- Failures and ends ------------------------------------------------------------------------------


@batched
def fail_once(agent, messages):
    agent.lists.append(messages)
    if len(agent.lists) == 1:
        raise ZeroDivisionError('on purpose')


def test_a_handler_that_fails_is_one_error_and_gets_the_next_list(nsproxy):
    pusher, keeper = run_agent('pusher'), run_keeper(on_error='continue')
    pusher.connect(keeper.bind('PULL', handler=fail_once), alias='out')
    logger = run_logger('logger')
    keeper.set_logger(logger)
    pusher.send_many('out', [1, 2, 3])
    assert logger_received(logger, 'on purpose', log_name='log_history_error')
    pusher.send_many('out', [4, 5, 6])
    assert kept(keeper, 6) == [[1, 2, 3], [4, 5, 6]]
    assert keeper.counters() == {'errors': 1, 'undecodable': 0, 'overflows': 0, 'refused': 0}


def test_a_handler_that_fails_stops_its_agent_and_nothing_else_is_lost(nsproxy):
    pusher, keeper = pushing(fail_once)
    pusher.send_many('out', [1, 2, 3])
    assert wait_condition(keeper.is_running, negate=True)
    pusher.send_many('out', [4, 5, 6])
    keeper.run()
    keeper.wait_for_running()
    assert kept(keeper, 6) == [[1, 2, 3], [4, 5, 6]]


def stop_at_stop(agent, message):
    if message == 'stop':
        agent.stop()


def test_what_waits_for_the_end_of_a_turn_is_handed_over_when_the_agent_runs_again(nsproxy):
    pusher, keeper = pushing([receive_lists, stop_at_stop])
    pusher.send('out', 'stop')
    assert wait_condition(keeper.is_running, negate=True)
    keeper.run()
    keeper.wait_for_running()
    assert kept(keeper, 1) == [['stop']]
    # And the agent has nothing to do then: it must not go round and round.
    process = psutil.Process(nsproxy.status()['keeper'].pid)
    before = process.cpu_times()
    threading.Event().wait(0.5)
    after = process.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.25


def test_what_comes_before_a_shutdown_with_drain_is_handed_over(nsproxy, tmp_path):
    @batched
    def write(agent, messages):
        with Path(agent.path).open('a') as file:
            file.writelines('%d\n' % message for message in messages)

    pusher, keeper = pushing(write)
    keeper.set_attr(path=str(tmp_path / 'kept'))
    with held(keeper):
        for number in range(300):
            pusher.send('out', number)
    nsproxy.shutdown_agents(drain=5)
    written = [int(line) for line in (tmp_path / 'kept').read_text().split()]
    assert written == list(range(300))


# --- Mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', ['REP', 'ASYNC_REP', 'SYNC_PUB'])
@pytest.mark.parametrize('handler', [receive_lists, 'take'])
def test_who_answers_requests_cannot_be_batched(nsproxy, kind, handler):
    keeper = run_keeper()
    with pytest.raises(TypeError, match='cannot be batched') as caught:
        keeper.bind(kind, alias='x', handler=handler, addr='place')
    assert type(caught.value).__name__ == 'HandlerInvalid'
    assert not keeper.has_socket('x')
    keeper.bind(kind, alias='x', handler=receive, addr='place')


@pytest.mark.parametrize('kind', ['PUSH', 'PUB', 'REQ', 'REP', 'ASYNC_REP', 'SYNC_PUB'])
def test_other_kinds_refuse_batch(nsproxy, kind):
    keeper = run_keeper()
    handler = receive if kind in ('REP', 'ASYNC_REP', 'SYNC_PUB') else None
    with pytest.raises(NotImplementedError, match='batch=True') as caught:
        keeper.bind(kind, alias='x', handler=handler, addr='place', batch=True)
    assert type(caught.value).__name__ == 'KindUnsupported'
    assert not keeper.has_socket('x')
    keeper.bind(kind, alias='x', handler=handler, addr='place')


def test_connecting_refuses_batch_where_messages_are_sent_or_answered(nsproxy):
    keeper, peer = run_keeper(), run_keeper('peer')
    for kind, handler in (('PULL', receive), ('REP', receive), ('REQ', None), ('ASYNC_REP', receive)):
        with pytest.raises(NotImplementedError, match='batch=True'):
            keeper.connect(peer.bind(kind, handler=handler), alias='x', handler=handler, batch=True)
        assert not keeper.has_socket('x')


@pytest.mark.parametrize('batch', [1, 'yes', None])
def test_batch_is_true_or_false(nsproxy, batch):
    keeper = run_keeper()
    with pytest.raises(ValueError, match='batch must be True or False'):
        keeper.bind('PULL', alias='x', handler=receive, batch=batch)
    assert not keeper.has_socket('x')


@pytest.mark.parametrize('thing', [5, 'take', None])
def test_only_what_can_be_called_can_be_batched(thing):
    with pytest.raises(TypeError, match='batched marks functions'):
        batched(thing)


def test_a_method_is_marked_where_its_class_is_defined(nsproxy):
    def mark(agent):
        batched(agent.take_topic)

    keeper = run_keeper()
    with pytest.raises(TypeError, match='where their class is defined') as caught:
        keeper.unsafe.execute_as_method(mark)
    assert type(caught.value).__name__ == 'HandlerInvalid'


def test_marking_returns_the_function_itself():
    def handler(agent, messages):
        """Do nothing."""

    assert batched(handler) is handler
