"""Acknowledged work inside one process: an agent that gives itself work, and agents whose loops are threads."""

import os
import threading
import time

import pytest

from osbrain import Agent, Pending
from osbrain._agent.core import core_of
from osbrain.address import AgentChannel
from osbrain.errors import (
    AlreadyConnected,
    HandlerInvalid,
    HandlerRequired,
    JournalInvalid,
    KindUnsupported,
    LimitReached,
    OptionInvalid,
    ServerAddressRequired,
    UnknownAlias,
    UnknownMethod,
)

LIMIT = 5


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


def run_until(agent, condition):
    """Run the agent until *condition* is met, or for LIMIT seconds."""
    deadline = time.monotonic() + LIMIT

    def look(agent):
        if condition() or time.monotonic() > deadline:
            agent.stop()

    alias = agent.each(0.002, look)
    agent.run()
    agent.stop_timer(alias)
    assert condition()


def wait_until(condition):
    """Wait for what loops in other threads do."""
    deadline = time.monotonic() + LIMIT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


def wired(agent, handler=keep, prefetch=None, **terms):
    """Have the agent work for itself: ``tasks`` gives out, ``work`` takes."""
    agent.connect(agent.bind('ACK_PUSH', 'tasks', **terms), 'work', handler=handler, prefetch=prefetch)
    return agent


def test_what_is_sent_is_handled_and_done(new_agent):
    agent = wired(new_agent())
    agent.send('tasks', 'a')
    agent.send_many('tasks', list('bcd'))
    run_until(agent, lambda: agent.pending('tasks').done == 4)
    assert agent.received == list('abcd')
    assert type(agent.pending('tasks')) is Pending


def test_bind_returns_a_channel_whose_twin_is_the_workers(new_agent):
    agent = new_agent()
    channel = agent.bind('ACK_PUSH', 'tasks')
    assert type(channel) is AgentChannel
    assert (channel.kind, channel.receiver, channel.sender.kind) == ('ACK_PUSH', None, 'PUSH')
    twin = agent.connect(channel, 'work', handler=keep)
    assert twin == channel.twin()
    assert (twin.kind, twin.sender, twin.receiver.kind) == ('ACK_PULL', None, 'PULL')
    assert agent.addr('work') == twin
    assert agent.addr('tasks') == channel


def test_an_agent_may_send_from_on_init_and_work_begins_when_it_runs(new_agent):
    class Eager(Agent):
        def on_init(self):
            self.bind('ACK_PUSH', 'tasks', transport='inproc')
            self.send('tasks', 'early')

    agent = new_agent(Eager)
    agent.connect(agent.addr('tasks'), handler=keep)
    run_until(agent, lambda: agent.pending('tasks').done == 1)
    assert agent.received == ['early']


def test_a_handler_that_fails_stops_its_agent_and_the_message_is_tried_again(new_agent):
    def fail_once(agent, message):
        keep(agent, message)
        if len(agent.received) == 1:
            raise ValueError('once')

    agent = wired(new_agent(), fail_once)
    agent.send('tasks', 'a')
    agent.run()
    assert 'ValueError: once' in core_of(agent).reason
    run_until(agent, lambda: agent.pending('tasks').done == 1)
    assert agent.received == ['a', 'a']


def test_on_failed_gets_what_failed_too_often(new_agent):
    def note(agent, message, failure):
        agent.notes = (message, failure.attempts, failure.error)

    agent = wired(new_agent(), lambda agent, message: 1 / 0, max_attempts=2, on_failed=note)
    core_of(agent).on_error = 'continue'
    agent.send('tasks', 'a')
    run_until(agent, lambda: hasattr(agent, 'notes'))
    assert agent.notes == ('a', 2, 'ZeroDivisionError: division by zero')
    assert agent.counters()['errors'] == 2


def test_a_full_dispatcher_raises_or_waits(new_agent, running):
    agent = new_agent()
    channel = agent.bind('ACK_PUSH', 'tasks', limit=2, transport='tcp')
    agent.send_many('tasks', list('ab'))
    with pytest.raises(LimitReached):
        agent.send('tasks', 'c', timeout=0)
    with pytest.raises(TimeoutError, match=r'waited 0\.05 s'):
        agent.send('tasks', 'c', timeout=0.05)
    worker = new_agent(name='worker')
    worker.connect(channel, handler=keep)
    with running(worker):
        agent.send('tasks', 'c', timeout=LIMIT)  # nobody runs the loop: the one who sends reads what arrives
        with running(agent):
            for message in 'defg':
                agent.send('tasks', message, timeout=LIMIT)  # another thread than the loop's
            agent.safe_call('send_many', 'tasks', list('hijk'), timeout=LIMIT)  # the loop itself
            wait_until(lambda: agent.pending('tasks').done == 11)
    assert sorted(worker.received) == list('abcdefghijk')


def test_a_wait_for_room_in_another_thread_ends_when_the_socket_is_closed(new_agent, running):
    agent = new_agent()
    agent.bind('ACK_PUSH', 'tasks', limit=1)
    agent.send('tasks', 'a')
    raised = []

    def send():
        with pytest.raises(TimeoutError, match='closed') as caught:
            agent.send('tasks', 'b')
        raised.append(caught.value)

    with running(agent):
        thread = threading.Thread(target=send)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        agent.close('tasks')
        thread.join(LIMIT)
    assert len(raised) == 1


def test_a_wait_for_room_in_a_handler_ends_with_the_agent(new_agent, running):
    agent = new_agent()
    agent.bind('ACK_PUSH', 'tasks', limit=1)
    agent.send('tasks', 'a')
    waiting = threading.Event()

    def send(agent):
        waiting.set()
        agent.send('tasks', 'b')

    with running(agent):
        agent.after(0, send)
        assert waiting.wait(LIMIT)
        began = time.monotonic()
    assert time.monotonic() - began < LIMIT


def test_work_of_an_agent_whose_loop_stops_goes_to_another(new_agent, running):
    agent = new_agent()
    channel = agent.bind('ACK_PUSH', 'tasks', transport='tcp')
    first, second = new_agent(name='first'), new_agent(name='second')

    def stop(agent, message):
        keep(agent, message)
        agent.stop()

    first.connect(channel, handler=stop)
    with running(agent):
        with running(first):
            wait_until(lambda: agent.pending('tasks').workers)
            agent.send_many('tasks', range(4))
            wait_until(lambda: not core_of(first).running)
        second.connect(channel, handler=keep)
        with running(second):
            wait_until(lambda: agent.pending('tasks').done == 4)
    assert (first.received, second.received) == ([0], [1, 2, 3])
    assert agent.pending('tasks').repeats == 0


def test_what_is_left_is_said_at_the_end_unless_it_is_in_a_journal(new_agent, capsys, tmp_path):
    agent = new_agent()
    agent.bind('ACK_PUSH', 'tasks')
    agent.bind('ACK_PUSH', 'kept', journal=tmp_path / 'journal')
    agent.send_many('tasks', list('abc'))
    agent.send_many('kept', list('abc'))
    agent.close_all()
    printed = capsys.readouterr().out
    assert "3 messages of 'tasks' were not done" in printed
    assert "'kept'" not in printed


def test_a_dispatcher_goes_on_with_its_journal(new_agent, tmp_path):
    path = tmp_path / 'journal'
    agent = new_agent()
    agent.bind('ACK_PUSH', 'tasks', journal=path)
    agent.send_many('tasks', list('abc'))
    agent.close('tasks')
    deliveries = []
    agent.connect(
        agent.bind('ACK_PUSH', 'tasks', journal=path),
        handler=lambda agent, message, delivery: deliveries.append((message, delivery.attempt)),
    )
    agent.send('tasks', 'd')
    run_until(agent, lambda: agent.pending('tasks').done == 4)
    # Somebody may have had the first three.
    assert deliveries == [('a', 2), ('b', 2), ('c', 2), ('d', 1)]
    agent.close('tasks')
    agent.bind('ACK_PUSH', 'tasks', journal=path)
    assert agent.pending('tasks').waiting == 0


def test_a_socket_that_cannot_be_bound_gives_the_journal_back(new_agent, tmp_path):
    agent = new_agent()
    agent.bind('PUSH', 'taken', addr='place')
    with pytest.raises(OSError if os.name == 'nt' else Exception, match='place'):
        agent.bind('ACK_PUSH', 'tasks', addr='place', journal=tmp_path / 'journal')
    agent.bind('ACK_PUSH', 'tasks', journal=tmp_path / 'journal')


BAD_BINDS = [
    ({'limit': 0}, OptionInvalid),
    ({'limit': -1}, OptionInvalid),
    ({'limit': 2.5}, OptionInvalid),
    ({'limit': True}, OptionInvalid),
    ({'limit': 'many'}, OptionInvalid),
    ({'ack_wait': 0}, OptionInvalid),
    ({'ack_wait': -1}, OptionInvalid),
    ({'ack_wait': 'soon'}, OptionInvalid),
    ({'ack_wait': float('nan')}, OptionInvalid),
    ({'max_attempts': 0}, OptionInvalid),
    ({'max_attempts': 1.5}, OptionInvalid),
    ({'on_failed': 3}, HandlerInvalid),
    ({'on_failed': 'missing'}, UnknownMethod),
    ({'on_failed': lambda agent: None}, HandlerInvalid),
    ({'journal': 3}, OptionInvalid),
    ({'journal': '/nowhere/at/all'}, JournalInvalid),
    ({'handler': keep}, KindUnsupported),
    ({'hwm': 3}, KindUnsupported),
    ({'batch': True}, KindUnsupported),
    ({'conflate': True}, KindUnsupported),
]


@pytest.mark.parametrize(
    'options, error', BAD_BINDS, ids=[f'{number} {"".join(one[0])}' for number, one in enumerate(BAD_BINDS)]
)
def test_nothing_is_bound_with_terms_that_make_no_sense(new_agent, options, error):
    agent = new_agent()
    with pytest.raises(error):
        agent.bind('ACK_PUSH', 'tasks', **options)
    assert not agent.has_socket('tasks')
    assert core_of(agent).endpoints.endpoints() == []


def test_a_journal_needs_an_alias(new_agent, tmp_path):
    with pytest.raises(OptionInvalid, match='alias'):
        new_agent().bind('ACK_PUSH', journal=tmp_path / 'journal')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('option', ['limit', 'ack_wait', 'max_attempts', 'on_failed', 'journal'])
@pytest.mark.parametrize('kind', ['PUSH', 'PULL', 'PUB', 'ASYNC_REP', 'SYNC_PUB'])
def test_other_kinds_have_no_such_terms(new_agent, kind, option):
    with pytest.raises(KindUnsupported, match=f'{option}= is for acknowledged work'):
        new_agent().bind(kind, 'socket', handler=keep, **{option: 1})


@pytest.mark.parametrize('kind', ['PUSH', 'PUB', 'REP', 'ASYNC_REP', 'SYNC_PUB'])
def test_other_kinds_have_no_prefetch(new_agent, kind):
    agent = new_agent()
    address = agent.bind(kind, 'socket', handler=keep)
    with pytest.raises(KindUnsupported, match=r"prefetch= is for acknowledged work .*at connect, at the worker's end"):
        agent.connect(address, 'client', handler=keep, prefetch=1)


@pytest.mark.parametrize('prefetch', [0, -1, 1.5, 'x', True], ids=repr)
def test_a_worker_takes_at_least_one_message(new_agent, prefetch):
    agent = new_agent()
    with pytest.raises(OptionInvalid, match='prefetch'):
        agent.connect(agent.bind('ACK_PUSH'), 'work', handler=keep, prefetch=prefetch)
    assert not agent.has_socket('work')


def test_a_worker_needs_a_handler_a_server_and_no_second_connection(new_agent):
    agent = new_agent()
    channel = agent.bind('ACK_PUSH')
    with pytest.raises(HandlerRequired):
        agent.connect(channel)
    with pytest.raises(ServerAddressRequired):
        agent.connect(channel.twin(), handler=keep)
    agent.connect(channel, handler=keep)
    with pytest.raises(AlreadyConnected):
        agent.connect(channel, handler=keep)


def test_the_workers_end_is_made_by_connect(new_agent):
    with pytest.raises(KindUnsupported, match='ACK_PULL'):
        new_agent().bind('ACK_PULL', handler=keep)


@pytest.mark.parametrize('question', ['pending', 'failed'])
def test_only_dispatchers_are_asked_for_their_work(new_agent, question):
    agent = new_agent()
    agent.bind('PUSH', 'other')
    with pytest.raises(KindUnsupported, match='PUSH'):
        getattr(agent, question)('other')
    with pytest.raises(UnknownAlias):
        getattr(agent, question)('missing')
