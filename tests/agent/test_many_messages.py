"""An agent that sends itself many messages: in batches, handed over one by one, in lists, or only the newest."""

import threading

import numpy as np
import pytest

from osbrain import batched
from osbrain._agent.core import core_of
from osbrain.errors import KindUnsupported, OptionInvalid, UnknownAlias

LIMIT = 5


def run_until_idle(agent):
    """Run until everything that was sent has been handled; inside a process that takes no time to arrive."""
    agent._poll_timeout = 1
    agent.idle = agent.stop
    agent.run()


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


@batched
def keep_list(agent, messages):
    agent.received = [*getattr(agent, 'received', []), list(messages)]


def fail_on_odd(agent, message):
    keep(agent, message)
    if message % 2:
        raise ValueError(message)


def stop_on_two(agent, message):
    keep(agent, message)
    if message == 2:
        agent.stop()


def wired(agent, handler, kind='PULL', **options):
    """Connect the agent to itself: ``in`` receives what is sent on ``out``."""
    agent.connect(agent.bind(kind, 'in', handler=handler, **options), 'out')
    return agent


def endpoint(agent, alias):
    return core_of(agent).endpoints.find(alias)


# -- Many messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json', 'raw'])
def test_many_messages_are_handled_one_by_one_in_order_and_counted(new_agent, serializer):
    agent = new_agent()
    agent.connect(agent.bind('PULL', 'in', handler=keep, serializer=serializer, hwm=0), 'out', hwm=0)
    messages = [b'%d' % number if serializer == 'raw' else number for number in range(5000)]
    agent.received = []
    agent.send('out', messages[0])
    agent.send_many('out', messages[1:])
    agent.send('out', messages[0])

    def append(message):
        agent.received.append(message)

    endpoint(agent, 'in').call = append
    run_until_idle(agent)
    assert agent.received == [*messages, messages[0]]
    assert endpoint(agent, 'in').received == 5001


@pytest.mark.parametrize('as_given', [list, tuple, iter, set, np.array], ids=lambda one: one.__name__)
def test_messages_come_from_anything_that_has_some(new_agent, as_given):
    agent = wired(new_agent(), keep)
    agent.send_many('out', as_given([1, 2]))
    run_until_idle(agent)
    assert agent.received == [1, 2]


@pytest.mark.parametrize(
    'messages', ['text', b'bytes', bytearray(b'b'), {'a': 1}, 1, None, object()], ids=lambda one: type(one).__name__
)
def test_what_is_one_message_or_none_is_refused(new_agent, messages):
    agent = wired(new_agent(), keep)
    with pytest.raises(OptionInvalid, match='list of messages'):
        agent.send_many('out', messages)
    run_until_idle(agent)
    assert not hasattr(agent, 'received')


def test_many_messages_need_a_socket_that_can_send_them(new_agent):
    agent = wired(new_agent(), keep)
    with pytest.raises(UnknownAlias):
        agent.send_many('typo', [1])
    for alias in ('in', agent.bind('REP', 'rep', handler=keep), agent.connect(agent.addr('rep'))):
        with pytest.raises(KindUnsupported, match='many'):
            agent.send_many(alias, [1])


def test_publications_and_requests_are_sent_in_batches_too(new_agent):
    agent = new_agent()
    agent.connect(agent.bind('PUB', 'pub'), handler={'a': keep})
    agent.connect(agent.bind('ASYNC_REP', 'rep', handler=lambda agent, message: -message), 'req', handler=keep)
    agent.send_many('pub', [1, 2], topic='a')
    agent.send_many('pub', [3], topic='b')
    agent.send_many('req', [4, 5])
    run_until_idle(agent)
    assert sorted(agent.received) == [-5, -4, 1, 2]


def test_one_that_fails_takes_no_other_with_it_where_the_agent_goes_on(new_agent, capsys):
    agent = wired(new_agent(), fail_on_odd)
    core_of(agent).on_error = 'continue'
    agent.send_many('out', range(4))
    agent.send_many('out', list(range(4, 8)))
    run_until_idle(agent)
    assert agent.received == list(range(8))
    assert agent.counters()['errors'] == 4
    assert capsys.readouterr().err.count('ERROR [') == 4


def test_one_that_fails_stops_an_agent_that_does_not_go_on_and_the_rest_waits(new_agent, capsys):
    agent = wired(new_agent(), fail_on_odd)
    agent.send_many('out', [0, 1, 2])
    agent.run()
    assert agent.received == [0, 1]
    run_until_idle(agent)
    assert agent.received == [0, 1, 2]
    assert agent.counters()['errors'] == 1


def test_stopping_in_the_middle_keeps_the_rest(new_agent):
    agent = wired(new_agent(), stop_on_two)
    agent.send_many('out', [1, 2, 3])
    agent.send('out', 4)
    agent.run()
    assert agent.received == [1, 2]
    run_until_idle(agent)
    assert agent.received == [1, 2, 3, 4]


def test_timers_and_calls_are_not_kept_waiting_by_a_batch(new_agent, running):
    log, gate = [], threading.Event()

    def slow(agent, message):
        log.append(message)
        gate.wait(0.003)  # longer than a turn

    agent = wired(new_agent(), slow)
    agent.each(0.001, lambda agent: log.append('tick'))
    agent.send_many('out', range(50))
    with running(agent):
        call = core_of(agent).mailbox.submit(lambda: log.append('call'))
        call.wait(LIMIT)
        gate.set()
    assert 49 not in log[: log.index('call')]
    assert 'tick' in log


@pytest.mark.parametrize('many', [True, False])
def test_messages_can_be_received_directly_whatever_they_were_sent_with(new_agent, many):
    agent = wired(new_agent(), keep)
    if many:
        agent.send_many('out', [1, 2, 3])
    else:
        for number in (1, 2, 3):
            agent.send('out', number)
    assert agent.recv('in', 0) == 1
    run_until_idle(agent)
    assert agent.received == [2, 3]


@pytest.mark.parametrize('many', [True, False])
def test_a_socket_that_was_received_from_in_the_loop_goes_on_receiving(new_agent, many):
    agent = wired(new_agent(), keep)

    def receive(agent):
        (agent.send_many('out', [1, 2, 3]) if many else [agent.send('out', number) for number in (1, 2, 3)])
        keep(agent, ('directly', agent.recv('in', LIMIT)))

    # The first look at the socket is over by then: nothing but its descriptor and touches tell of messages.
    agent.after(0.001, receive)
    agent.after(0.01, lambda agent: agent.send('out', 4))
    agent._poll_timeout = 50
    agent.idle = agent.stop
    agent.run()
    assert agent.received == [('directly', 1), 2, 3, 4]


# -- Lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('handler, options', [(keep_list, {}), (keep, {'batch': True})])
def test_a_handler_may_have_lists_of_whatever_is_there(new_agent, handler, options):
    agent = wired(new_agent(), handler, **options)
    agent.send('out', 1)
    agent.send_many('out', [2, 3])
    run_until_idle(agent)
    assert agent.received == [[1, 2, 3]]
    assert endpoint(agent, 'in').received == 3


def test_the_connecting_end_may_ask_for_lists_as_well(new_agent):
    agent = new_agent()
    agent.connect(agent.bind('PUSH', 'out'), 'in', handler=keep, batch=True)
    agent.connect(agent.bind('PUB', 'pub'), 'sub', handler=keep, batch=True)
    for number in range(3):
        agent.send('out', number)
        agent.send('pub', -number)
    run_until_idle(agent)
    assert sorted(agent.received) == [[0, -1, -2], [0, 1, 2]]


@pytest.mark.parametrize('rest', [[], [3, 4]], ids=repr)
def test_a_list_is_kept_when_the_agent_stops_and_handed_over_when_it_runs_again(new_agent, rest):
    agent = wired(new_agent(), [stop_on_two, keep_list])
    agent.send_many('out', [1, 2, *rest])
    agent.run()
    assert agent.received == [1, 2]
    run_until_idle(agent)
    assert agent.received == [1, 2, *rest, [1, 2, *rest]]


@pytest.mark.parametrize('policy', ['stop', 'continue'])
def test_a_handler_of_lists_that_fails_is_one_failure(new_agent, capsys, policy):
    @batched
    def fail(agent, messages):
        raise ValueError(messages)

    agent = wired(new_agent(), [fail, keep_list])
    core_of(agent).on_error = policy
    agent.send_many('out', [1, 2, 3])
    run_until_idle(agent)
    assert agent.counters()['errors'] == 1
    assert hasattr(agent, 'received') == (policy == 'continue')
    assert capsys.readouterr().err.count('ERROR [') == 1


def test_an_agent_that_drains_hands_over_its_lists(new_agent):
    agent = wired(new_agent(), keep_list)
    agent.send_many('out', [1, 2, 3])
    core = core_of(agent)
    core.drain = LIMIT
    agent.before_loop = core.end
    agent.run()
    assert agent.received == [[1, 2, 3]]


# -- The newest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'messages',
    [range(5), [[0, 1], [2, 3, 4]], [np.full(100_000, n) for n in range(5)]],
    ids=['single', 'many', 'large'],
)
def test_a_puller_of_the_newest_handles_the_newest_of_what_is_there(new_agent, messages):
    agent = wired(new_agent(), lambda agent, message: keep(agent, int(np.max(message))), conflate=True)
    for message in messages:
        (agent.send_many if isinstance(message, list) else agent.send)('out', message)
    run_until_idle(agent)
    assert agent.received == [4]


@pytest.mark.parametrize('large', [False, True])
def test_a_subscriber_of_the_newest_handles_the_newest_of_each_topic(new_agent, large):
    agent = new_agent()
    handler = {topic: lambda agent, message: keep(agent, int(np.max(message))) for topic in 'ab'}
    agent.connect(agent.bind('PUB', 'pub'), handler=handler, conflate=True)
    for number in range(6):
        agent.send('pub', np.full(100_000, number) if large else number, topic='ab'[number % 2])
    run_until_idle(agent)
    assert agent.received == [4, 5]
