"""REQ and REP between real agents: one reply to each request, and nobody waits for ever."""

import threading
import time

import pytest
import zmq

import osbrain
from osbrain import Agent, run_agent, run_logger
from osbrain.helper import (
    agent_dies,
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)


def double(agent, message):
    return message * 2


def scaling(factor):
    """Make a closure that replies with a multiple of the request."""

    def handler(agent, message):
        return message * factor

    return handler


class Replier(Agent):
    """Reply with methods, bound in on_init as programs that inherit do."""

    def on_init(self):
        self.received = []
        self.bind('REP', alias='main', handler='reply')

    def reply(self, message):
        self.received.append(message)
        return message * 2

    def bind_method(self):
        return self.bind('REP', alias='method', handler=self.reply)


class Requester(Agent):
    """Ask from inside, and tell how it went instead of raising at the proxy."""

    def ask(self, message, timeout=None):
        """Return the reply, or the type and the text of the error."""
        try:
            return self.send_recv('main', message, timeout=timeout)
        except Exception as error:
            return type(error), str(error)

    def ask_in_two_steps(self, message, **kwargs):
        """The same with send and recv."""
        try:
            self.send('main', message)
            return self.recv('main', **kwargs)
        except Exception as error:
            return type(error), str(error)


def connected_pair(handler, requester=Requester, **kwargs):
    """Return a requester and the replier that its alias `main` is connected to."""
    replier = run_agent('replier', attributes={'received': []}, **kwargs)
    requester = run_agent('requester', base=requester)
    requester.connect(replier.bind('REP', alias='main', handler=handler), alias='main')
    return requester, replier


def log_of(agent):
    """Give the agent a logger that already hears it."""
    logger = run_logger('logger')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    return logger


def stops(agent):
    """Wait until the agent is no longer running."""
    return wait_condition(agent.is_running, negate=True, timeout=5)


# --- Replies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'handler, message, reply',
    [
        pytest.param(double, 21, 42, id='function'),
        pytest.param(lambda agent, message: message * 2, 21, 42, id='lambda'),
        pytest.param(scaling(2), 21, 42, id='closure'),
        pytest.param(lambda agent, message: None, 21, None, id='none'),
        pytest.param(isinstance, Agent, True, id='builtin'),
    ],
)
def test_what_the_handler_returns_is_the_reply(nsproxy, handler, message, reply):
    requester, _ = connected_pair(handler)
    assert requester.send_recv('main', message) == reply
    assert requester.send('main', message) is None
    assert requester.recv('main') == reply


def test_methods_reply_by_name_and_bound(nsproxy):
    replier, requester = run_agent('replier', base=Replier), run_agent('requester')
    requester.connect(replier.addr('main'), alias='name')
    requester.connect(replier.bind_method(), alias='bound')
    assert requester.send_recv('name', 1) == 2
    assert requester.send_recv('bound', 'a') == 'aa'
    assert replier.get_attr('received') == [1, 'a']


def test_the_requester_may_bind(nsproxy):
    requester, replier = run_agent('requester'), run_agent('replier')
    replier.connect(requester.bind('REQ', alias='main'), handler=double)
    assert requester.send_recv('main', 2) == 4


def test_each_requester_gets_its_own_replies(nsproxy):
    """By address or by alias, with send_recv or in two steps that overlap those of others."""
    replier = run_agent('replier')
    address = replier.bind('REP', handler=double)
    requesters = [run_agent('requester%d' % i) for i in range(3)]
    for i, requester in enumerate(requesters):
        requester.connect(address, alias='main')
        requester.send(address.twin(), i)
    for i, requester in reversed(list(enumerate(requesters))):
        assert requester.recv('main') == 2 * i
        assert requester.send_recv('main', 'x%d' % i) == 'x%dx%d' % (i, i)


def test_a_request_before_the_last_reply_was_read_is_an_error(nsproxy):
    """REQ alternates strictly; the reply can still be read afterwards."""
    requester, _ = connected_pair(double)
    requester.send('main', 1)
    with pytest.raises(zmq.ZMQError):
        requester.unsafe.send('main', 2)
    assert requester.unsafe.recv('main') == 2
    assert requester.unsafe.send_recv('main', 3) == 6


def test_a_handler_may_ask_a_third_agent(nsproxy):
    def ask_on(agent, message):
        return agent.send_recv('on', message) + 1

    requester, middle = connected_pair(ask_on)
    last = run_agent('last')
    middle.connect(last.bind('REP', handler=double), alias='on')
    assert requester.send_recv('main', 10) == 21


def test_requests_may_be_sent_by_timers_and_handlers(nsproxy):
    """The usual 0.6.5 program: a timer asks, and what it got is kept."""

    def ask(agent):
        agent.received.append(agent.send_recv('main', len(agent.received)))

    requester, _ = connected_pair(double)
    requester.set_attr(received=[])
    requester.each(0.01, ask)
    assert wait_agent_attr(requester, length=5, timeout=5)
    requester.stop_all_timers()
    assert requester.get_attr('received')[:5] == [0, 2, 4, 6, 8]


# --- Generators -----------------------------------------------------------------------------------


def reply_early(agent, message):
    """Reply at once, then work, unless told to skip that."""
    yield message * 2
    agent.received.append('begin')
    if message != 'quick':
        agent.gate.wait(30)
    agent.received.append('end')


def test_a_yielded_reply_leaves_before_the_rest_of_the_handler_runs(nsproxy):
    """The rest is done before the next message is handled."""
    requester, replier = connected_pair(reply_early)
    replier.execute_as_method(lambda agent: setattr(agent, 'gate', threading.Event()))
    assert requester.send_recv('main', 'slow', timeout=10) == 'slowslow'
    assert wait_agent_attr(replier, data='begin', timeout=10)
    requester.send('main', 'quick')
    assert not wait_agent_attr(replier, length=2, timeout=0.3)
    replier.unsafe.execute_as_method(lambda agent: agent.gate.set())
    assert requester.recv('main', timeout=10) == 'quickquick'
    assert replier.get_attr('received')[:2] == ['begin', 'end']
    assert wait_agent_attr(replier, value=['begin', 'end'] * 2, timeout=10)


def test_a_method_and_a_closure_may_yield_their_reply(nsproxy):
    class Early(Agent):
        def on_init(self):
            self.received = []

        def reply(self, message):
            yield 'by method'
            self.received.append(message)

    def by_closure(agent, message):
        yield text
        agent.received.append(message)

    text = 'by closure'
    replier, requester = run_agent('replier', base=Early), run_agent('requester')
    requester.connect(replier.bind('REP', handler='reply'), alias='method')
    requester.connect(replier.bind('REP', handler=by_closure), alias='closure')
    assert requester.send_recv('method', 1) == 'by method'
    assert requester.send_recv('closure', 2) == 'by closure'
    assert wait_agent_attr(replier, value=[1, 2], timeout=3)


def test_a_second_yield_stops_the_replier_after_the_first_reply(nsproxy):
    def reply_twice(agent, message):
        yield 'first'
        yield 'second'

    requester, replier = connected_pair(reply_twice)
    logger = log_of(replier)
    assert requester.send_recv('main', None) == 'first'
    assert stops(replier)
    assert logger_received(logger, 'yielded more than once', log_name='log_history_error')


# --- Ending and limits ----------------------------------------------------------------------------


class Blocked(Requester):
    """Wait for a reply that never comes."""

    def wait_for_ever(self):
        self.waiting = True
        self.send_recv('main', 'x')


def blocked_requester():
    """Return a requester that is inside its recv, and the stopped replier it waits for."""
    requester, replier = connected_pair(double, requester=Blocked)
    replier.stop()
    requester.set_attr(waiting=False)
    requester.after(0, 'wait_for_ever')
    assert wait_agent_attr(requester, 'waiting', value=True, timeout=3)
    return requester, replier


def test_a_requester_blocked_in_recv_answers_and_can_be_killed(nsproxy):
    requester, replier = blocked_requester()
    assert requester.unsafe.ping() == 'pong'
    assert requester.is_running()
    for agent, name in ((requester, 'requester'), (replier, 'replier')):
        agent.oneway.kill()
        assert agent_dies(name, nsproxy, timeout=3)


@pytest.mark.new
def test_a_requester_blocked_in_recv_can_be_shut_down(nsproxy):
    requester, _ = blocked_requester()
    requester.unsafe.shutdown()
    assert agent_dies('requester', nsproxy, timeout=5)


@pytest.mark.new
@pytest.mark.parametrize('ask', ['ask', 'ask_in_two_steps'])
def test_a_request_that_timed_out_leaves_the_socket_usable(nsproxy, ask):
    """The late reply is not taken for the reply to the next request."""

    def reply(agent, message):
        if message == 'slow':
            time.sleep(3)
        return 'reply to %s' % message

    requester, _ = connected_pair(reply)
    started = time.monotonic()
    error, _ = getattr(requester, ask)('slow', timeout=0.2)
    assert 0.15 <= time.monotonic() - started < 2.5
    assert issubclass(error, TimeoutError)
    for message in ('quick', 'again'):
        assert getattr(requester, ask)(message, timeout=10) == 'reply to %s' % message


@pytest.mark.new
def test_a_request_to_a_replier_that_died_times_out_and_its_successor_is_found(nsproxy):
    requester = run_agent('requester', base=Requester)
    replier = run_agent('replier', transport='tcp')
    address = replier.bind('REP', handler=double)
    requester.connect(address, alias='main')
    assert requester.ask(1, timeout=5) == 2
    replier.shutdown()
    assert agent_dies('replier', nsproxy, timeout=3)
    assert issubclass(requester.ask(2, timeout=0.3)[0], TimeoutError)
    successor = run_agent('replier', transport='tcp')
    assert successor.bind('REP', handler=double, addr=address.address) == address
    assert requester.ask(3, timeout=5) == 6


@pytest.mark.new
def test_the_config_gives_the_limits_for_calls_without_timeout(nsproxy, monkeypatch):
    monkeypatch.setitem(osbrain.config, 'RECV_TIMEOUT', 1.0)
    monkeypatch.setitem(osbrain.config, 'SEND_TIMEOUT', 1.0)
    requester, _ = connected_pair(lambda agent, message: time.sleep(message))
    requester.bind('PUSH', alias='nobody')
    assert requester.ask(0) is None
    assert issubclass(requester.ask(3)[0], TimeoutError)
    with pytest.raises(TimeoutError):
        requester.unsafe.send('nobody', 1)
    assert requester.is_running()


@pytest.mark.new
def test_a_timeout_reaches_the_proxy_and_harms_nobody(nsproxy):
    requester, replier = connected_pair(lambda agent, message: time.sleep(message))
    with pytest.raises(TimeoutError):
        requester.unsafe.send_recv('main', 1, timeout=0.2)
    requester.unsafe.send('main', 0)
    assert requester.unsafe.recv('main', timeout=5) is None
    assert requester.is_running() and replier.is_running()


# --- Failures -------------------------------------------------------------------------------------


class PickyError(Exception):
    """An error that cannot be built from one text."""

    def __init__(self, code, where):
        super().__init__(code, where)
        self.code = code
        self.where = where

    def __str__(self):
        return 'code %s at %s' % (self.code, self.where)


def fail(agent, message):
    """Fail as the message says."""
    if message == 'value':
        raise ValueError('no such share')
    if message == 'key':
        raise KeyError('MSFT')
    if message == 'picky':
        raise PickyError(7, 'the gate')
    return 'fine'


def yield_nothing(agent, message):
    """Fail as the message says, before there is a reply."""
    if message != 'good':
        fail(agent, message)
    yield 'fine'


@pytest.mark.new
@pytest.mark.parametrize('handler', [fail, yield_nothing], ids=['function', 'generator'])
@pytest.mark.parametrize(
    'message, error, text',
    [
        ('value', ValueError, 'no such share'),
        ('key', KeyError, 'MSFT'),
        ('picky', PickyError, 'code 7 at the gate'),
    ],
)
def test_a_failing_handlers_error_reaches_the_requester(nsproxy, handler, message, error, text):
    """It has the original type and holds the original text; the replier logs it and stops."""
    requester, replier = connected_pair(handler)
    logger = log_of(replier)
    got, got_text = requester.ask(message)
    assert issubclass(got, error)
    assert text in got_text
    assert requester.is_running()
    assert stops(replier)
    record = 'An exception occurred while running!.*' + text
    assert logger_received(logger, record, log_name='log_history_error')


@pytest.mark.new
def test_with_on_error_continue_the_replier_goes_on(nsproxy):
    requester, replier = connected_pair(fail, on_error='continue')
    logger = log_of(replier)
    for _ in range(3):
        got, text = requester.ask_in_two_steps('value')
        assert issubclass(got, ValueError)
        assert 'no such share' in text
        assert requester.ask('good') == 'fine'
    assert replier.is_running()
    assert wait_agent_attr(logger, name='log_history_error', length=3, timeout=3)
    assert all('no such share' in record for record in logger.get_attr('log_history_error'))


@pytest.mark.new
def test_the_error_of_a_failing_handler_reaches_a_proxy_that_asks(nsproxy):
    requester, _ = connected_pair(fail, on_error='continue')
    with pytest.raises(ValueError, match='no such share'):
        requester.unsafe.send_recv('main', 'value')
    assert requester.unsafe.send_recv('main', 'good') == 'fine'


@pytest.mark.new
@pytest.mark.parametrize('serializer', ['json', 'raw'])
def test_a_failing_handler_is_an_error_at_the_requester_with_every_serializer(nsproxy, serializer):
    """What cannot carry an exception object still carries the news and the text."""
    requester = run_agent('requester', base=Requester)
    replier = run_agent('replier', serializer=serializer, on_error='continue')

    def only_good(agent, message):
        if message in ('good', b'good'):
            return message
        raise ValueError('no such share')

    requester.connect(replier.bind('REP', handler=only_good), alias='main')
    good, bad = (b'good', b'bad') if serializer == 'raw' else ('good', 'bad')
    got, text = requester.ask(bad, timeout=5)
    assert issubclass(got, Exception) and not issubclass(got, TimeoutError)
    assert 'no such share' in text
    assert requester.ask(good, timeout=5) == good


# -- Strangers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', [zmq.REQ, zmq.DEALER], ids=['REQ', 'DEALER'])
@pytest.mark.parametrize('parts', [[b'one'], [b'', b'two'], [b'', b'', b'three'], [b'x'] * 40], ids=len)
def test_a_stranger_that_asks_in_parts_is_answered_and_others_are_still_served(nsproxy, kind, parts):
    requester, replier = connected_pair(double)
    where = f'ipc://{replier.addr("main").address}'
    with zmq.Context() as context, context.socket(kind) as stranger:
        stranger.connect(where)
        stranger.send_multipart(parts)
        if kind == zmq.REQ:
            assert stranger.poll(5000)
        assert requester.send_recv('main', 4, timeout=5) == 8
        context.destroy(0)
    assert replier.is_running()
