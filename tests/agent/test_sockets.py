"""What an agent may ask of its sockets: marks, options that a kind has or not, and who listens to a publisher."""

import contextlib
import threading
import time

import pytest

from osbrain._agent.core import core_of
from osbrain._io.poller import wait_readable
from osbrain.errors import AlreadyConnected, KindUnsupported, OptionInvalid, PeriodInvalid, UnknownAlias, WaitTimeout

LIMIT = 5


def run_until_idle(agent):
    """Run until everything that was sent has been handled; inside a process that takes no time to arrive."""
    agent._poll_timeout = 1
    agent.idle = agent.stop
    agent.run()


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


def wired(agent, handler, kind='PULL', **options):
    """Connect the agent to itself: ``in`` receives what is sent on ``out``."""
    agent.connect(agent.bind(kind, 'in', handler=handler, **options), 'out')
    return agent


def endpoint(agent, alias):
    return core_of(agent).endpoints.find(alias)


# -- What cannot be is refused before anything is made ---------------------------------------------------------------


@pytest.fixture
def no_more_sockets(monkeypatch):
    """A context in which no socket is made."""

    @contextlib.contextmanager
    def one(agent):
        with monkeypatch.context() as patched:
            patched.setattr(core_of(agent).wires, 'make', lambda *args: pytest.fail('a socket was made'))
            yield

    return one


BAD_OPTIONS = [
    ('PUSH', {'hwm': -1}, OptionInvalid),
    ('PULL', {'hwm': 1.5}, OptionInvalid),
    ('PUB', {'hwm': True}, OptionInvalid),
    ('SUB', {'hwm': '10'}, OptionInvalid),
    ('SYNC_PUB', {'hwm': -1}, OptionInvalid),
    ('ASYNC_REP', {'hwm': 10}, KindUnsupported),
    ('PUB', {'conflate': True}, KindUnsupported),
    ('REP', {'conflate': True}, KindUnsupported),
    ('SYNC_PUB', {'conflate': True}, KindUnsupported),
    ('ASYNC_REP', {'conflate': True}, KindUnsupported),
    ('PUSH', {'batch': True}, KindUnsupported),
    ('REP', {'batch': True}, KindUnsupported),
    ('SYNC_PUB', {'batch': True}, KindUnsupported),
    ('PULL', {'batch': 1}, OptionInvalid),
    ('PULL', {'conflate': 'yes'}, OptionInvalid),
]


@pytest.mark.parametrize('kind, options, error', BAD_OPTIONS, ids=str)
def test_bind_refuses_what_the_kind_cannot_do(new_agent, no_more_sockets, kind, options, error):
    agent = new_agent()
    with no_more_sockets(agent), pytest.raises(error, match=next(iter(options))):
        agent.bind(kind, 'alias', handler=keep, **options)
    assert not agent.has_socket('alias')


@pytest.mark.parametrize(
    'kind, options, error',
    [
        ('PUSH', {'hwm': -1}, OptionInvalid),
        ('PULL', {'batch': True}, KindUnsupported),
        ('PUB', {'conflate': None}, OptionInvalid),
        ('REP', {'conflate': True}, KindUnsupported),
        ('ASYNC_REP', {'hwm': 1}, KindUnsupported),
        ('SYNC_PUB', {'conflate': True}, KindUnsupported),
    ],
    ids=str,
)
def test_connect_refuses_what_the_other_kind_cannot_do(new_agent, no_more_sockets, kind, options, error):
    agent = new_agent()
    address = agent.bind(kind, 'server', handler=keep)
    with no_more_sockets(agent), pytest.raises(error, match=next(iter(options))):
        agent.connect(address, 'client', handler=keep, **options)
    assert not agent.has_socket('client')


def test_a_connection_that_is_there_cannot_be_given_another_flow(new_agent):
    agent = new_agent()
    address = agent.bind('PULL', handler=keep)
    client = agent.connect(address, 'first', hwm=10)
    assert agent.connect(address, 'second') == client
    assert agent.connect(address, 'third', hwm=10) == client
    with pytest.raises(AlreadyConnected):
        agent.connect(address, 'fourth', hwm=20)
    assert not agent.has_socket('fourth')


@pytest.mark.parametrize('kind', ['PUSH', 'PULL', 'PUB', 'SUB', 'REQ', 'REP'])
def test_the_mark_is_that_of_the_socket(new_agent, kind):
    agent = new_agent()
    for number, mark in enumerate((0, 7, None)):
        agent.bind(kind, str(number), handler=keep, hwm=mark)
        socket = endpoint(agent, str(number)).wire.socket
        mark = 1000 if mark is None else mark
        # What a subscriber sends are its subscriptions, none of which may be lost.
        assert (socket.SNDHWM, socket.RCVHWM) == (0 if kind == 'SUB' else mark, mark)


def test_a_full_queue_makes_a_sender_wait(new_agent):
    agent = new_agent()
    agent.connect(agent.bind('PULL', 'in', handler=keep, hwm=2), 'out', hwm=3)
    sent = 0
    with pytest.raises(WaitTimeout):
        while True:
            agent.send('out', sent, timeout=0)
            sent += 1
    assert sent == 5
    agent.close('in', 0)


# -- Who listens ----------------------------------------------------------------------------------------------------


def test_subscribers_come_and_go(new_agent):
    agent = new_agent()
    address = agent.bind('PUB', 'pub')
    assert agent.subscribers('pub') == 0
    agent.connect(address, 'sub', handler=keep)
    assert agent.subscribers('pub') == 1
    assert agent.subscribers(address) == 1
    agent.close('sub')
    # That it has gone is told by ZeroMQ's own thread.
    end = time.monotonic() + LIMIT
    while agent.subscribers('pub') and time.monotonic() < end:
        wait_readable([endpoint(agent, 'pub').wire.fd], end - time.monotonic())
    assert agent.subscribers('pub') == 0


@pytest.mark.parametrize('alias', ['in', 'out', 'sub'])
def test_only_publishers_have_subscribers(new_agent, alias):
    agent = wired(new_agent(), keep)
    agent.bind('SUB', 'sub', handler=keep)
    for call in (agent.subscribers, agent.wait_for_subscribers):
        with pytest.raises(KindUnsupported, match='no publisher'):
            call(alias)
        with pytest.raises(UnknownAlias):
            call('typo')


@pytest.mark.parametrize('n', [-1, True, 1.0, '1', None], ids=repr)
def test_a_number_of_subscribers_is_a_whole_number(new_agent, n):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    with pytest.raises(OptionInvalid, match='number of subscribers'):
        agent.wait_for_subscribers('pub', n)


@pytest.mark.parametrize('wait', [-1, None, 'long', float('inf'), float('nan'), True], ids=repr)
def test_the_wait_for_subscribers_has_a_limit(new_agent, wait):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    with pytest.raises(PeriodInvalid, match='wait'):
        agent.wait_for_subscribers('pub', 1, wait)


def test_an_agent_that_does_not_run_waits_by_itself(new_agent):
    agent = new_agent()
    address = agent.bind('PUB', 'pub')
    with pytest.raises(WaitTimeout, match='0 of 1'):
        agent.wait_for_subscribers('pub', wait=0.01)
    agent.connect(address, handler=keep)
    assert agent.wait_for_subscribers('pub', wait=0) == 1
    assert agent.wait_for_subscribers('pub', 0, 0) == 1


def test_a_handler_that_waits_reads_what_the_loop_would_read(new_agent):
    agent = new_agent()
    address = agent.bind('PUB', 'pub')

    def connect_and_wait(agent):
        agent.connect(address, handler=keep)
        keep(agent, agent.wait_for_subscribers('pub', 1, LIMIT))
        agent.send('pub', 'news')

    agent.after(0, connect_and_wait)
    run_until_idle(agent)
    assert agent.received == [1, 'news']


def test_another_thread_waits_while_the_agent_goes_on(new_agent, running):
    agent = new_agent()
    address = agent.bind('PUB', 'pub')
    found = []
    with running(agent):
        waiting = threading.Thread(target=lambda: found.append(agent.wait_for_subscribers('pub', 1, LIMIT)))
        waiting.start()
        # The agent is not busy with it.
        assert core_of(agent).mailbox.submit(lambda: 'answer').wait(LIMIT) == 'answer'
        core_of(agent).mailbox.submit(lambda: agent.connect(address, handler=keep)).wait(LIMIT)
        waiting.join(LIMIT)
    assert found == [1]


def test_another_thread_that_waits_in_vain_is_told_so(new_agent, running):
    agent = new_agent()
    agent.bind('PUB', 'pub')
    with running(agent), pytest.raises(WaitTimeout, match='0 of 1'):
        agent.wait_for_subscribers('pub', 1, 0.02)
