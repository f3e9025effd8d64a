"""What an exception does to the agent and to whoever waits, and that nothing hangs."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import Pyro4
import pytest

from osbrain import Agent, AgentProcess, Proxy, run_agent, run_logger
from osbrain.address import AgentAddress
from osbrain.helper import (
    agent_dies,
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)


def within(seconds, function, *args, **kwargs):
    """The result of a call that has to end in time: one that hangs fails the test."""
    future = Future()

    def run():
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(timeout=seconds)


class Worker(Agent):
    """Fail in every way on demand."""

    failing_idle = False

    def on_init(self):
        self.received = []
        self._poll_timeout = 100
        self.bind('PULL', alias='pull', handler='on_message')
        self.bind('REP', alias='rep', handler='on_request')
        self.bind('SUB', alias='sub', handler={'topic': self.on_message})

    def fail(self, *args):
        raise ZeroDivisionError('the reason')

    def nested_mistake(self):
        return self.addr('typo')

    def on_message(self, message):
        if message == 'fail':
            self.fail()
        self.received.append(message)

    def on_request(self, message):
        if message == 'fail':
            self.fail()
        return message

    def idle(self):
        if self.failing_idle:
            self.fail()

    def double(self, number):
        return 2 * number


@pytest.fixture
def worker(nsproxy):
    return run_agent('worker', base=Worker)


@pytest.fixture
def logger(nsproxy):
    return run_logger('logger')


def stopped(agent, timeout=3):
    return wait_agent_attr(agent, '_running', value=False, timeout=timeout)


def connect_to(worker, alias):
    peer = run_agent('peer')
    peer.connect(worker.addr(alias), alias='out')
    return peer


# ---- a failure inside the agent's own code -------------------------------------------------


def fail_in_a_method(worker):
    with pytest.raises(ZeroDivisionError):
        worker.fail()


def fail_in_a_function(worker):
    with pytest.raises(ZeroDivisionError):
        worker.execute_as_method(lambda agent: agent.fail())


def fail_in_a_handler(worker):
    connect_to(worker, 'pull').send('out', 'fail')


def fail_in_a_reply_handler(worker):
    connect_to(worker, 'rep').send('out', 'fail')


def fail_in_a_subscription(worker):
    publisher = connect_to(worker, 'sub')
    publisher.each(0.05, 'send', 'out', 'fail', topic='topic')


def fail_in_a_timer(worker):
    worker.after(0, 'fail')


def fail_in_idle(worker):
    worker.set_attr(failing_idle=True)


def fail_in_on_error(worker):
    silent = run_agent('silent')
    channel = silent.bind('ASYNC_REP', alias='rep', handler=lambda agent, message: message)
    silent.stop()
    worker.connect(channel, alias='requests', handler=lambda agent, reply: None)
    worker.send('requests', 'hello', wait=0.05, on_error=lambda agent: agent.fail())


FAILURES = [
    fail_in_a_method,
    fail_in_a_function,
    fail_in_a_handler,
    fail_in_a_reply_handler,
    fail_in_a_subscription,
    fail_in_a_timer,
    fail_in_idle,
    fail_in_on_error,
]


@pytest.mark.parametrize('fail', FAILURES, ids=lambda fail: fail.__name__)
def test_a_failure_of_the_agent_itself_is_logged_once_and_stops_it(worker, logger, fail):
    worker.set_logger(logger)
    sync_agent_logger(worker, logger)
    fail(worker)
    assert logger_received(logger, 'the reason', log_name='log_history_error', timeout=3) == 1
    assert worker.is_running() is False, 'no longer running once the record is there'

    (record,) = logger.get_attr('log_history_error')
    begin = '(worker): An exception occurred while running! ('
    assert record.split('] ', 1)[1].startswith(begin)
    assert record.count('the reason') >= 2, 'the error, and the error in the traceback'
    box = record[record.index('|>>>>>>>>') :].strip('\n').split('\n')
    assert all(line.startswith('|') for line in box)
    assert box[-1].startswith('|<<<<<<<<')
    assert 'Traceback' in record
    assert 'ZeroDivisionError: the reason' in record
    assert 'in fail' in record


def test_a_crashed_agent_is_a_process_with_a_name_and_without_a_loop(nsproxy, worker):
    peer = connect_to(worker, 'pull')
    worker.each(0.02, 'on_message', 'tick')
    assert wait_agent_attr(worker, data='tick')
    fail_in_a_method(worker)
    assert stopped(worker)
    number = len(worker.get_attr('received'))
    peer.send('out', 'message')

    assert 'worker' in nsproxy.agents()
    assert Proxy('worker').is_running() is False
    assert worker.unsafe.ping() == 'pong'
    assert worker.unsafe.double(4) == 8
    assert worker.unsafe.has_socket('pull')
    worker.unsafe.set_attr(x=1)
    assert worker.get_attr('x') == 1
    for call in (worker.ping, worker.safe.ping, lambda: worker.safe_call('ping')):
        with pytest.raises(RuntimeError, match='Agent must be running'):
            call()
    assert not wait_agent_attr(worker, length=number + 1, timeout=0.3)


@pytest.mark.parametrize(
    'end',
    [
        lambda ns, agent: agent.oneway.kill(),
        lambda ns, agent: ns.shutdown_agents(),
        lambda ns, agent: ns.shutdown_agents(timeout=3),
    ],
    ids=['kill', 'name server', 'name server in 3 s'],
)
def test_a_crashed_agent_can_be_ended(nsproxy, worker, end):
    path = worker.addr('pull').address
    fail_in_a_method(worker)
    assert stopped(worker)
    end(nsproxy, worker)
    assert agent_dies('worker', nsproxy, timeout=3)
    assert wait_condition(path.exists, negate=True)


def test_the_others_do_not_notice_the_crash_of_one(nsproxy):
    bystander = run_agent('bystander', base=Worker)
    peer = connect_to(bystander, 'pull')
    broken = run_agent('broken', base=Worker)
    peer.connect(broken.addr('pull'), alias='broken')
    peer.send('broken', 'fail')
    assert stopped(broken)
    peer.send('out', 'message')
    assert wait_agent_attr(bystander, data='message')
    assert peer.ping() == bystander.ping() == 'pong'


def test_the_library_in_the_agents_own_code_does_not_make_it_a_callers_mistake(worker):
    """An unknown alias in the body of a method is a failure of the agent."""
    with pytest.raises(KeyError, match='typo'):
        worker.nested_mistake()
    assert stopped(worker)


def test_raise_exception_called_safely_stops_the_agent(worker):
    with pytest.raises(RuntimeError, match='User raised an exception!'):
        worker.raise_exception()
    assert stopped(worker)
    assert not worker.is_running()


@pytest.mark.new
def test_the_next_call_of_a_crashed_agent_tells_the_reason(worker):
    worker.after(0, 'fail')
    assert stopped(worker)
    with pytest.raises(RuntimeError, match='Agent must be running') as error:
        worker.ping()
    assert 'the reason' in str(error.value)


# ---- failures that concern the caller alone ------------------------------------------------


@pytest.mark.parametrize(
    'call, error, text',
    [
        (lambda agent: agent.unsafe.fail(), ZeroDivisionError, 'the reason'),
        (lambda agent: agent.unsafe.raise_exception(), RuntimeError, 'User raised an exception!'),
        (lambda agent: agent.unsafe.execute_as_function(lambda: {}['x']), KeyError, 'x'),
        (lambda agent: agent.unsafe.nested_mistake(), KeyError, 'typo'),
        (lambda agent: agent.get_attr('typo'), AttributeError, 'object has no attribute'),
        (lambda agent: agent.unsafe.get_attr('typo'), AttributeError, 'typo'),
        (lambda agent: agent.typo(), AttributeError, 'has no exposed attribute'),
        (lambda agent: agent._private(), AttributeError, '_private'),
    ],
    ids=['body', 'raise', 'function', 'alias', 'attribute', 'unsafe attribute', 'name', 'private'],
)
def test_failing_unsafe_calls_and_look_ups_leave_the_agent_alone(worker, call, error, text):
    with pytest.raises(error, match=text):
        call(worker)
    assert worker.is_running() is True
    assert worker.double(2) == 4


def test_a_failing_one_way_call_concerns_nobody(worker):
    assert worker.oneway.fail() is None
    assert worker.oneway.raise_exception() is None
    assert worker.double(2) == 4
    assert worker.is_running()


class Unpicklable:
    def __reduce__(self):
        raise TypeError('cannot pickle this on purpose')


MISTAKES = {
    'unknown method': (lambda a: a.safe_call('typo'), AttributeError, 'typo'),
    'too many arguments': (lambda a: a.addr(1, 2, 3, 4), TypeError, 'positional argument'),
    'arguments of a method': (lambda a: a.double(), TypeError, 'number'),
    'unknown keyword': (lambda a: a.double(2, by=2), TypeError, 'by'),
    'arguments of ping': (lambda a: a.ping('pong?'), TypeError, 'positional argument'),
    'attribute': (lambda a: a.set_attr('x'), TypeError, 'positional argument'),
    'no function': (lambda a: a.set_method(), (TypeError, ValueError), None),
    'unknown alias of addr': (lambda a: a.addr('typo'), KeyError, 'typo'),
    'unknown alias of close': (lambda a: a.close('typo'), KeyError, 'typo'),
    'unknown alias of send': (lambda a: a.send('typo', 1), KeyError, 'typo'),
    'unknown alias of recv': (lambda a: a.recv('typo'), KeyError, 'typo'),
    'unknown alias of send_recv': (lambda a: a.send_recv('typo', 1), KeyError, 'typo'),
    'unknown alias of subscribe': (lambda a: a.subscribe('typo', 'on_message'), KeyError, 'typo'),
    'unknown alias of unsubscribe': (lambda a: a.unsubscribe('typo', 'topic'), KeyError, 'typo'),
    'unknown topic': (lambda a: a.unsubscribe('sub', 'typo'), KeyError, 'typo'),
    'unknown timer': (lambda a: a.stop_timer('typo'), KeyError, 'typo'),
    'kind': (lambda a: a.bind('KIND'), ValueError, 'kind'),
    'unbindable kind': (lambda a: a.bind('SYNC_SUB', handler=print), NotImplementedError, 'channel kind'),
    'no handler': (lambda a: a.bind('PULL'), ValueError, 'requires a handler'),
    'number as handler': (lambda a: a.bind('REP', handler=1234), TypeError, 'Unknown handler type'),
    'unknown handler': (lambda a: a.bind('REP', handler='typo'), AttributeError, 'typo'),
    'serializer': (lambda a: a.bind('PUB', serializer='yaml'), ValueError, 'Invalid serializer'),
    'transport': (lambda a: a.bind('PUB', transport='udp'), Exception, 'udp'),
    'port': (lambda a: a.bind('PUB', transport='tcp', addr='127.0.0.1:x'), ValueError, None),
    'address': (lambda a: a.connect('nowhere', alias='out'), Exception, None),
    'client address': (
        lambda a: a.connect(a.addr('pull').twin(), alias='out'),
        AssertionError,
        'A server address must be provided',
    ),
    'no handler to connect': (
        lambda a: a.connect(AgentAddress('tcp', '127.0.0.1:1', 'PUSH', 'server', 'pickle')),
        ValueError,
        'requires a handler',
    ),
    'handler of a subscription': (lambda a: a.subscribe('sub', {'t': 5}), TypeError, 'handler'),
    'method of a timer': (lambda a: a.each(1, 'typo'), AttributeError, 'typo'),
    'delayed method': (lambda a: a.after(1, 'typo'), AttributeError, 'typo'),
    'period': (lambda a: a.each(-1, 'double', 1), ValueError, '-1'),
    'logger': (lambda a: a.set_logger(5), ValueError, 'An AgentAddress must be provided'),
    'alias of a logger': (lambda a: a.log_info('x', logger='pull'), AssertionError, 'Logger must'),
    'bytes over json': (
        lambda a: a.send(a.bind('PUB', serializer='json'), b'bytes'),
        TypeError,
        None,
    ),
    'argument that cannot be pickled': (
        lambda a: a.double(Unpicklable()),
        Exception,
        'cannot pickle',
    ),
}


@pytest.mark.new
@pytest.mark.parametrize('mistake', sorted(MISTAKES))
def test_a_callers_mistake_is_an_error_for_the_caller_alone(worker, mistake):
    call, error, text = MISTAKES[mistake]
    with pytest.raises(error, match=text):
        within(5, call, worker)
    assert worker.is_running() is True
    assert worker.double(2) == 4


@pytest.mark.new
def test_what_a_caller_does_wrong_by_safe_call_is_a_mistake_in_every_mode(worker):
    for proxy in (worker, worker.unsafe, worker.safe):
        with pytest.raises(TypeError):
            proxy.safe_call('double', 1, 2, 3)
        with pytest.raises(KeyError):
            proxy.safe_call('addr', 'typo')
    assert worker.double(2) == 4


# ---- exceptions on their way to the caller -------------------------------------------------


class WithCode(Exception):
    """Is built from two arguments and has a text and a field of its own."""

    def __init__(self, code, *, detail):
        super().__init__(code)
        self.code = code
        self.detail = detail

    def __str__(self):
        return 'code %s: %s' % (self.code, self.detail)


class WithoutArguments(ValueError):
    def __init__(self):
        super().__init__('always the same text')


def raise_with_code():
    raise WithCode(7, detail='broken')


def raise_without_arguments():
    raise WithoutArguments


UNUSUAL = {
    'JSON': (lambda: json.loads('{'), json.JSONDecodeError, 'Expecting property name'),
    'Unicode': (lambda: b'\xff'.decode('utf-8'), UnicodeDecodeError, 'invalid start byte'),
    'subprocess': (
        lambda: subprocess.run([sys.executable, '-c', 'raise SystemExit(3)'], check=True),
        subprocess.CalledProcessError,
        'returned non-zero exit status 3',
    ),
    'file': (lambda: Path('/no/such/file').read_text(), FileNotFoundError, '/no/such/file'),
    'key': (lambda: {}['missing'], KeyError, 'missing'),
    'fields': (raise_with_code, WithCode, 'code 7: broken'),
    'no arguments': (raise_without_arguments, WithoutArguments, 'always the same text'),
}


def test_the_caller_gets_the_type_the_text_and_the_call(worker):
    with pytest.raises(ZeroDivisionError) as error:
        worker.unsafe.fail('x')
    assert str(error.value).startswith('the reason')

    with pytest.raises(ZeroDivisionError) as error:
        worker.fail('x')
    text = str(error.value)
    assert text.startswith('Error executing `fail`! (the reason)\n')
    for fragment in ("('x',)", '|>>>>>>>>', 'in fail', 'ZeroDivisionError: the reason'):
        assert fragment in text


@pytest.mark.new
@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
@pytest.mark.parametrize('case', sorted(UNUSUAL))
def test_exceptions_with_unusual_constructors_arrive_as_their_own_type(worker, case, mode):
    function, kind, text = UNUSUAL[case]
    with pytest.raises(kind) as error:
        within(5, getattr(worker, mode).execute_as_function, function)
    assert text in str(error.value)
    if mode == 'safe':
        assert 'Error executing `execute_as_function`!' in str(error.value)
        assert 'Traceback' in str(error.value)


def raise_locked_class():
    class LockedError(Exception):
        lock = threading.Lock()

    raise LockedError('a text to find')


def raise_locked_argument():
    class LockedError(Exception):
        pass

    raise LockedError('a text to find', threading.Lock())


def raise_locked_field():
    class LockedError(Exception):
        def __init__(self):
            super().__init__('a text to find')
            self.lock = threading.Lock()

    raise LockedError


@pytest.mark.new
@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
def test_an_exception_whose_type_cannot_travel_arrives_as_remote_error_that_names_it(worker, mode):
    from osbrain.errors import RemoteError

    with pytest.raises(RemoteError, match='a text to find') as error:
        within(5, getattr(worker, mode).execute_as_function, raise_locked_class)
    assert 'LockedError' in str(error.value)
    assert worker.unsafe.ping() == 'pong'


@pytest.mark.new
@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
@pytest.mark.parametrize('fail', [raise_locked_argument, raise_locked_field])
def test_facts_that_cannot_be_pickled_do_not_keep_an_exception_from_arriving(worker, fail, mode):
    with pytest.raises(Exception, match='a text to find') as error:
        within(5, getattr(worker, mode).execute_as_function, fail)
    assert 'LockedError' in '%s: %s' % (type(error.value).__name__, error.value)
    assert worker.unsafe.ping() == 'pong'


@pytest.mark.new
@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
def test_a_result_that_cannot_be_pickled_is_an_error_of_the_call(worker, mode):
    with pytest.raises(Exception, match='pickle'):
        within(5, getattr(worker, mode).execute_as_function, threading.Lock)
    assert worker.unsafe.ping() == 'pong'


@pytest.mark.new
def test_a_failed_call_prints_nothing(nsproxy, capfd):
    worker = run_agent('worker', base=Worker)
    capfd.readouterr()
    with pytest.raises(ZeroDivisionError):
        worker.unsafe.fail()
    with pytest.raises(AttributeError):
        worker.typo()
    with pytest.raises(ZeroDivisionError):
        worker.fail()
    assert stopped(worker)
    with pytest.raises(RuntimeError):
        worker.ping()
    assert capfd.readouterr().out == ''


# ---- whoever waits for an answer gets the error --------------------------------------------


@pytest.mark.new
@pytest.mark.parametrize('on_error', [None, 'continue'])
def test_a_requester_gets_the_error_of_the_reply_handler(nsproxy, on_error):
    options = {'on_error': on_error} if on_error else {}
    worker = run_agent('worker', base=Worker, **options)
    peer = connect_to(worker, 'rep')
    assert peer.send_recv('out', 'hello') == 'hello'
    with pytest.raises(Exception, match='the reason'):
        within(5, peer.unsafe.send_recv, 'out', 'fail')
    if on_error:
        assert peer.unsafe.send_recv('out', 'hello again') == 'hello again'


@pytest.mark.new
@pytest.mark.parametrize('on_error', [None, 'continue'])
def test_an_asynchronous_requester_is_told_of_the_error_by_on_error(nsproxy, on_error):
    options = {'on_error': on_error} if on_error else {}
    worker, client = run_agent('worker', base=Worker, **options), run_agent('client')
    client.set_attr(received=[])
    channel = worker.bind('ASYNC_REP', alias='async', handler='on_request')
    client.connect(channel, alias='requests', handler=lambda agent, x: agent.received.append(x))
    client.send('requests', 'fail', on_error=lambda agent: agent.received.append('on_error'))
    assert wait_agent_attr(client, length=1)
    assert client.get_attr('received') == ['on_error']
    assert client.get_attr('_pending_requests') == {}
    if on_error:
        client.send('requests', 'hello')
        assert wait_agent_attr(client, data='hello')


# ---- on_error='continue' -------------------------------------------------------------------


@pytest.mark.new
@pytest.mark.parametrize('fail', FAILURES, ids=lambda fail: fail.__name__)
def test_an_agent_told_to_continue_logs_the_failure_and_goes_on(logger, fail):
    worker = run_agent('worker', base=Worker, on_error='continue')
    worker.set_logger(logger)
    sync_agent_logger(worker, logger)
    fail(worker)
    assert logger_received(logger, 'the reason', log_name='log_history_error', timeout=3)
    record = logger.get_attr('log_history_error')[0]
    assert '(worker): ' in record
    assert 'ZeroDivisionError: the reason' in record
    assert worker.is_running() is True
    worker.set_attr(failing_idle=False)
    assert worker.double(2) == 4


@pytest.mark.new
def test_an_agent_told_to_continue_handles_what_comes_after_the_failure(nsproxy):
    class Ticker(Worker):
        def tick(self):
            self.received.append('tick')
            raise ZeroDivisionError('the reason')

    worker = run_agent('worker', base=Ticker, on_error='continue')
    peer = connect_to(worker, 'pull')
    for message in ('first', 'fail', 'second', 'fail', 'third'):
        peer.send('out', message)
    assert wait_agent_attr(worker, data='third')
    assert worker.get_attr('received') == ['first', 'second', 'third']
    worker.each(0.02, 'tick')
    assert wait_agent_attr(worker, endswith=['tick'] * 4)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match='the reason'):
            worker.fail()
    assert worker.is_running()


@pytest.mark.new
def test_another_value_of_on_error_is_a_mistake(nsproxy):
    with pytest.raises(ValueError, match='ignore'):
        run_agent('worker', on_error='ignore')
    assert nsproxy.agents() == []


# ---- ends ----------------------------------------------------------------------------------


@pytest.mark.new
@pytest.mark.parametrize('where', ['handler', 'timer', 'safe call'])
def test_sys_exit_ends_the_agent_cleanly(nsproxy, capfd, where):
    class Leaver(Worker):
        def on_message(self, message):
            sys.exit()

    process = AgentProcess('worker', base=Leaver)
    process.start()
    worker = Proxy('worker')
    worker.run()
    worker.wait_for_running()
    path = worker.addr('pull').address
    if where == 'handler':
        connect_to(worker, 'pull').send('out', 'leave')
    elif where == 'timer':
        worker.after(0, lambda agent: sys.exit())
    else:
        # It goes while it is being asked: an answer is as fine as an error that says so.
        with contextlib.suppress(Pyro4.errors.CommunicationError, RuntimeError):
            within(5, worker.on_message, 'leave')
    assert agent_dies('worker', nsproxy, timeout=3)
    process.join(5)
    assert process.exitcode == 0
    assert not path.exists()
    assert 'Traceback' not in capfd.readouterr().err


# ---- nothing hangs -------------------------------------------------------------------------


class Caller(Agent):
    """Call another one, which calls back."""

    def call(self, depth):
        return self.peer.call(depth - 1) if depth else self.name


@pytest.mark.new
def test_agents_that_call_each_other_in_a_circle_get_an_error_that_names_them(nsproxy):
    names = ['anastasia', 'bartholomew']
    first, second = [run_agent(name, base=Caller, on_error='continue') for name in names]
    first.set_attr(peer=second)
    second.set_attr(peer=first)
    assert within(5, first.call, 1) == 'bartholomew', 'one direction is no circle'
    with pytest.raises(RuntimeError) as error:
        within(5, first.call, 2)
    assert 'anastasia' in str(error.value)
    assert 'bartholomew' in str(error.value)
    for agent in (first, second):
        assert within(5, agent.call, 0) == agent.get_attr('name')


@pytest.mark.new
def test_an_agent_that_calls_itself_safely_gets_an_answer_or_an_error(nsproxy):
    agent = run_agent('anastasia', base=Caller, on_error='continue')
    agent.set_attr(peer=agent)

    def call_itself():
        try:
            return agent.call(1)
        except RuntimeError as error:
            return str(error)

    assert 'anastasia' in within(5, call_itself)
    assert within(5, agent.call, 0) == 'anastasia'


@pytest.mark.new
def test_two_agents_that_start_to_call_each_other_at_once_do_not_deadlock(nsproxy):
    class Simultaneous(Caller):
        def call_when_told(self):
            self.ready = True
            deadline = time.monotonic() + 20
            while not self.go and time.monotonic() < deadline:
                time.sleep(0.001)
            try:
                self.outcome = self.peer.call(0)
            except Exception as error:
                self.outcome = str(error)

    initial = {'go': False, 'ready': False, 'outcome': ''}
    agents = [run_agent(name, base=Simultaneous, attributes=initial) for name in ('anastasia', 'bartholomew')]
    for agent, peer in zip(agents, reversed(agents)):
        agent.set_attr(peer=peer)
        agent.after(0, 'call_when_told')
    for agent in agents:
        assert wait_agent_attr(agent, 'ready', value=True)
    for agent in agents:
        agent.unsafe.set_attr(go=True)
    for agent, peer in zip(agents, reversed(agents)):
        assert wait_agent_attr(agent, 'outcome', length=1)
        outcome = agent.get_attr('outcome')
        names = {'anastasia', 'bartholomew'}
        assert outcome == peer.get_attr('name') or all(name in outcome for name in names)
        assert agent.is_running()


class Waiter(Agent):
    """Ask an agent that never answers."""

    def on_init(self):
        self.state = 'idle'

    def wait(self, how):
        self.state = 'waiting'
        if how == 'recv':
            self.send('req', 'hello')
            self.recv('req')
        else:
            self.send_recv('req', 'hello')
        self.state = 'answered'


@pytest.fixture(params=['recv', 'send_recv'])
def waiter(request, nsproxy):
    silent = run_agent('silent')
    address = silent.bind('REP', handler=lambda agent, message: message)
    silent.stop()
    agent = run_agent('waiter', base=Waiter)
    agent.connect(address, alias='req')
    agent.after(0, 'wait', request.param)
    assert wait_agent_attr(agent, 'state', value='waiting')
    return agent


@pytest.mark.new
@pytest.mark.parametrize(
    'end',
    [
        lambda ns, agent: agent.shutdown(),
        lambda ns, agent: agent.oneway.kill(),
        lambda ns, agent: ns.shutdown_agents(timeout=4),
    ],
    ids=['shutdown', 'kill', 'name server'],
)
def test_an_agent_that_waits_for_a_message_answers_and_can_be_ended(nsproxy, waiter, end):
    assert within(2, waiter.ping) == 'pong'
    assert within(2, waiter.unsafe.ping) == 'pong'
    assert within(2, waiter.is_running) is True
    assert waiter.get_attr('state') == 'waiting'
    within(5, end, nsproxy, waiter)
    assert agent_dies('waiter', nsproxy, timeout=3)
