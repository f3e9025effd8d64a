"""Instruments of an agent: told of its life as it happens, in the way of nothing while there are none."""

import threading
import time

import pytest

from osbrain import Agent, Instrument, SocketInfo, batched
from osbrain._agent.core import core_of
from osbrain._protocol.patterns.push_pull import Pull, Push
from osbrain.errors import OptionInvalid

LIMIT = 5


class Diary(Instrument):
    """Writes down whatever it is told, without the seconds."""

    def __init__(self, *names):
        self.told = []
        for name in names or [name for name in vars(Instrument) if not name.startswith('_')]:
            setattr(self, name, self._noting(name))

    def _noting(self, name):
        def note(*args):
            plain = [f'{type(one).__name__}' if isinstance(one, BaseException) else one for one in args]
            self.told.append((name, *(one for one in plain if not isinstance(one, float))))

        return note


def run_until_idle(agent):
    """Run until everything that was sent has been handled; inside a process that takes no time to arrive."""
    agent._poll_timeout = 1
    agent.idle = agent.stop
    agent.run()


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


@batched
def keep_list(agent, messages):
    keep(agent, list(messages))


def wired(agent, handler, kind='PULL', **options):
    """Connect the agent to itself: ``in`` receives what is sent on ``out``."""
    agent.connect(agent.bind(kind, 'in', handler=handler, **options), 'out')
    return agent


def wait_for(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


OUT, IN = SocketInfo('a0', 'out', 'PUSH'), SocketInfo('a0', 'in', 'PULL')


def test_a_life_is_told_in_order(new_agent):
    agent, diary = new_agent(), Diary()
    agent.add_instrument(diary)
    wired(agent, keep)
    agent.send('out', 'a message', topic='ignored')
    agent.after(0, lambda agent: None, alias='once')
    run_until_idle(agent)
    agent.close('out')
    core_of(agent).close(0)
    assert diary.told == [
        ('added', agent),
        ('opened', IN),
        ('opened', OUT),
        ('before_send', OUT, 'ignored'),
        ('after_send', OUT, 'ignored', 1, None),
        ('before_run',),
        *diary.told[6:10],
        ('after_run', 'it was stopped'),
        ('closed', OUT),
        ('closed', IN),
        ('removed',),
    ]
    assert sorted(diary.told[6:10], key=str) == [
        ('after_handling', IN, 1, None),
        ('after_timer', 'once', None),
        ('before_handling', IN),
        ('before_timer', 'once'),
    ]


def test_sockets_that_are_there_already_are_told_to_a_new_instrument_alone(new_agent):
    agent = wired(new_agent(), keep)
    first, second = Diary('opened'), Diary('opened')
    agent.add_instrument(first)
    agent.add_instrument(second)
    assert first.told == second.told == [('opened', IN), ('opened', OUT)]


@pytest.mark.parametrize('count', [0, 1, 3])
@pytest.mark.parametrize('made', [list, tuple, iter], ids=lambda made: made.__name__)
def test_several_messages_are_told_with_their_number(new_agent, made, count):
    agent, diary = wired(new_agent(), keep), Diary('after_send', 'after_handling')
    agent.add_instrument(diary)
    agent.send_many('out', made(range(count)))
    run_until_idle(agent)
    assert diary.told == [('after_send', OUT, None, count, None)] + [('after_handling', IN, 1, None)] * count


def test_a_list_is_told_when_it_is_handled(new_agent):
    agent, diary = wired(new_agent(), keep_list), Diary('before_handling', 'after_handling')
    agent.add_instrument(diary)
    agent.send_many('out', range(3))
    run_until_idle(agent)
    assert agent.received == [[0, 1, 2]]
    assert diary.told == [('before_handling', IN), ('after_handling', IN, 3, None)]


@pytest.mark.parametrize(
    'kind, told',
    [
        ('REP', []),
        ('ASYNC_REP', [('after_handling', SocketInfo('a0', 'in', 'ASYNC_REP'), 1, None)]),
        ('SYNC_PUB', [('after_handling', SocketInfo('a0', 'in', 'SYNC_PUB'), 1, None)]),
    ],
)
def test_requests_and_replies_are_told_as_handled(new_agent, kind, told):
    agent, diary = new_agent(), Diary('after_handling')
    options = {'handler': keep} if kind == 'SYNC_PUB' else {}
    agent.connect(agent.bind(kind, 'in', handler=lambda agent, message: message), 'out', **options)
    agent.add_instrument(diary)
    if kind != 'REP':
        agent.send('out', 'question', handler=keep)
        run_until_idle(agent)
        assert agent.received == ['question']
        kind_of_reply = {'ASYNC_REP': 'ASYNC_REQ', 'SYNC_PUB': 'SYNC_SUB'}[kind]
        told = [*told, ('after_handling', SocketInfo('a0', 'out', kind_of_reply), 1, None)]
    assert diary.told == told


def test_tasks_are_told_and_what_dispatcher_and_worker_say_besides_is_not(new_agent):
    agent, diary = new_agent(), Diary('after_send', 'after_handling')
    agent.connect(agent.bind('ACK_PUSH', 'tasks'), 'work', handler=keep)
    agent.add_instrument(diary)
    agent.send('tasks', 1)
    run_until_idle(agent)
    tasks, work = SocketInfo('a0', 'tasks', 'ACK_PUSH'), SocketInfo('a0', 'work', 'ACK_PULL')
    assert agent.received == [1]
    assert diary.told == [('after_send', tasks, None, 1, None), ('after_handling', work, 1, None)]


def test_subscriptions_are_nobodys_message(new_agent):
    agent, diary = new_agent(), Diary('before_send', 'before_handling')
    agent.add_instrument(diary)
    agent.connect(agent.bind('PUB', 'out'), 'in', handler=keep)
    run_until_idle(agent)
    assert diary.told == []


def test_failures_are_told_and_go_on(new_agent):
    agent, diary = wired(new_agent(), lambda agent, message: 1 / 0), Diary('after_handling', 'after_run')
    agent.add_instrument(diary)
    agent.send('out', 1)
    agent.run()
    assert diary.told == [
        ('after_handling', IN, 1, 'ZeroDivisionError'),
        ('after_run', 'ZeroDivisionError: division by zero'),
    ]
    assert agent.counters()['errors'] == 1
    assert agent.stats().endpoints[0].errors == 1


def test_a_message_that_cannot_be_sent_is_told_with_the_reason(new_agent):
    agent, diary = wired(new_agent(), keep), Diary('after_send')
    agent.add_instrument(diary)
    with pytest.raises(TypeError):
        agent.send('out', threading.Lock())
    assert diary.told == [('after_send', OUT, None, 1, 'MessageInvalid')]


def test_timers_that_fail_are_told(new_agent):
    agent, diary = new_agent(), Diary('after_timer')
    core_of(agent).on_error = 'continue'
    agent.add_instrument(diary)
    agent.after(0, lambda agent: 1 / 0, alias='bad')
    run_until_idle(agent)
    assert diary.told == [('after_timer', 'bad', 'ZeroDivisionError')]


def test_waits_that_nobody_made_a_timer_of_are_not_told(new_agent):
    agent, diary = new_agent(), Diary('before_timer')
    agent.add_instrument(diary)
    done = []
    core_of(agent).start_wait(0.0, lambda: done.append(1))
    run_until_idle(agent)
    assert (done, diary.told) == ([1], [])


def test_methods_that_the_loop_runs_for_others_are_told(new_agent, running):
    agent, diary = new_agent(), Diary('before_call', 'after_call')
    core_of(agent).on_error = 'continue'
    agent.fail = lambda: 1 / 0
    agent.add_instrument(diary)
    with running(agent):
        agent.safe_call('ping')
        with pytest.raises(ZeroDivisionError):
            agent.safe_call('fail')
        agent.safe_call('ping')
    assert diary.told[:4] == [
        ('before_call', 'ping'),
        ('after_call', 'ping', None),
        ('before_call', 'fail'),
        ('after_call', 'fail', 'ZeroDivisionError'),
    ]


def test_seconds_are_those_of_the_handler(new_agent):
    told = []

    class Clock(Instrument):
        def after_handling(self, socket, count, seconds, error):
            told.append(seconds)

    agent = wired(new_agent(), lambda agent, message: threading.Event().wait(0.05))
    agent.add_instrument(Clock())
    agent.send('out', 1)
    run_until_idle(agent)
    assert 0.05 <= told[0] < LIMIT


def test_sockets_with_an_underscore_are_not_told(new_agent):
    agent, diary = new_agent(), Diary()
    agent.add_instrument(diary)
    agent.connect(agent.bind('PULL', '_in', handler=keep), '_out')
    agent.send('_out', 1)
    run_until_idle(agent)
    assert agent.received == [1]
    assert [what for what, *_ in diary.told] == ['added', 'before_run', 'after_run']


# -- Trouble with instruments ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('what', [name for name in vars(Instrument) if not name.startswith('_')])
def test_one_that_fails_is_logged_once_and_the_agent_goes_on(new_agent, running, capfd, what):
    agent = new_agent()

    def fail(*args):
        raise RuntimeError('a broken instrument')

    instrument = Instrument()
    setattr(instrument, what, fail)
    agent.add_instrument(instrument)
    wired(agent, keep)
    agent.after(0, lambda agent: None)
    with running(agent):
        for number in range(3):
            agent.safe_call('send', 'out', number)
        wait_for(lambda: len(getattr(agent, 'received', ())) == 3)
    core_of(agent).close(0)
    assert agent.received == [0, 1, 2]
    err = capfd.readouterr().err
    assert err.count('a broken instrument') == 1
    assert err.startswith('ERROR')


def test_an_instrument_may_log_and_send(new_agent):
    class Talkative(Instrument):
        def added(self, agent):
            self.agent = agent

        def before_handling(self, socket):
            if socket.alias == 'in':
                self.agent.send('aside', 'something came')
                self.agent.log_info('something came')

    agent = wired(new_agent(), keep)
    agent.connect(agent.bind('PULL', 'asides', handler=keep), 'aside')
    agent.add_instrument(Talkative())
    agent.send('out', 'a message')
    run_until_idle(agent)
    assert agent.received == ['a message', 'something came']


@pytest.mark.parametrize('what', [None, 'Diary', Diary], ids=str)
def test_what_is_no_instrument_is_refused(new_agent, what):
    agent = new_agent()
    with pytest.raises(OptionInvalid):
        agent.add_instrument(what)
    assert type(core_of(agent).loop.owner) is type(core_of(agent))


def test_what_was_never_added_cannot_be_removed(new_agent):
    with pytest.raises(ValueError, match='add_instrument'):
        new_agent().remove_instrument(1)


# -- Nobody pays who has none ---------------------------------------------------------------------------------------


def classes(agent):
    return [type(agent and core_of(agent).endpoints.find(alias)) for alias in ('out', 'in')]


def test_an_agent_without_instruments_is_as_it_was_before_and_after(new_agent):
    agent = wired(new_agent(), keep)
    core = core_of(agent)
    assert (classes(agent), core.hooks) == ([Push, Pull], None)
    number = agent.add_instrument(Diary())
    assert classes(agent) != [Push, Pull]
    assert core.loop.owner is not core
    agent.remove_instrument(number)
    assert classes(agent) == [Push, Pull]
    assert core.loop.owner is core


def test_one_that_is_not_told_of_messages_leaves_them_alone(new_agent):
    agent = new_agent()
    number = agent.add_instrument(Diary('after_timer'))
    wired(agent, keep)
    assert classes(agent) == [Push, Pull]
    agent.add_instrument(Diary('after_send'))
    assert classes(agent) != [Push, Pull]
    agent.remove_instrument(number)
    assert classes(agent) != [Push, Pull]
    agent.remove_instrument(number + 1)
    assert classes(agent) == [Push, Pull]


def test_one_that_fails_leaves_nothing_in_the_way(new_agent, capfd):
    class Broken(Instrument):
        def before_send(self, socket, topic):
            raise RuntimeError

    agent = wired(new_agent(), keep)
    agent.add_instrument(Broken())
    agent.send('out', 1)
    assert classes(agent) == [Push, Pull]
    run_until_idle(agent)
    assert agent.received == [1]


@pytest.mark.parametrize('kind', ['PUSH', 'PUB', 'REQ', 'SYNC_PUB', 'ASYNC_REP', 'ACK_PUSH'])
def test_every_kind_can_be_instrumented_and_left_alone(new_agent, kind):
    agent = new_agent()
    needs = {'handler': keep} if kind in ('SYNC_PUB', 'ASYNC_REP') else {}
    bound = agent.bind(kind, 'bound', **needs)
    agent.connect(bound, 'connected', **({} if kind == 'ASYNC_REP' else {'handler': keep}))
    parts = [part for one in core_of(agent).endpoints.endpoints() for part in one.parts]
    before = [type(part) for part in parts]
    number = agent.add_instrument(Diary())
    assert all(issubclass(type(part), cls) and type(part) is not cls for part, cls in zip(parts, before, strict=True))
    agent.remove_instrument(number)
    assert [type(part) for part in parts] == before


def test_an_agent_may_have_attributes_of_these_names():
    class Named(Agent):
        hooks = 'mine'
        instruments = 'mine too'

    agent = Named(transport='inproc')
    agent.add_instrument(Diary())
    assert (agent.hooks, agent.instruments) == ('mine', 'mine too')
    core_of(agent).close(0)
