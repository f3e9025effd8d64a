"""What was called from outside is noted when it has succeeded, and repeated in order."""

import threading

import pytest

from osbrain import Agent
from osbrain._memory import Call
from osbrain._remote.packing import outcome, pack
from osbrain._rewiring.recorder import CONFIGURING
from osbrain.errors import OsBrainError

TOPICS = {'a': lambda agent, message: None, 'b': lambda agent, message: None}


def ignore(agent, *rest):
    pass


def methods(life):
    return [call.method for call in life.memory.calls()]


@pytest.fixture
def publisher(live):
    """The address of a publisher in nobody's hands."""
    agent = Agent('publisher')
    yield agent.bind('PUB', alias='it')
    agent._Agent__core.close(0)
    agent._Agent__core.wires.terminate(5)


def test_every_method_that_configures_is_one_of_the_agents():
    assert all(callable(getattr(Agent, name)) for name in CONFIGURING)


def test_attributes_and_methods_are_set_again(live):
    life = live()
    life.call('set_attr', x=1, y=[2])
    life.call('set_method', double=lambda agent, number: 2 * number)
    again = live().agent
    assert (again.x, again.y, again.double(4)) == (1, [2], 8)


def test_a_call_from_a_shell_is_noted_as_one_through_a_proxy(live, running):
    life = live()
    with running(life.agent):
        assert outcome(life.servant.answer(pack(('call', ('set_attr', (), {'x': 3}, True))))).text == 'null'
        assert outcome(life.servant.answer(pack(('call', ('set_attr', (), {'y': 4}, False))))).text == 'null'
    again = live().agent
    assert (again.x, again.y) == (3, 4)


def test_what_was_passed_counts_and_not_what_became_of_it(live):
    life = live()
    life.call('set_attr', x=[1])
    life.agent.x.append(2)
    assert live().agent.x == [1]


def test_calls_are_repeated_in_their_order(live):
    life = live()
    life.call('set_method', on_message=lambda agent, message: 'first')
    life.call('bind', 'REP', alias='it', handler='on_message')
    life.call('set_method', on_message=lambda agent, message: 'second')
    assert methods(life) == ['set_method', 'bind', 'set_method']
    again = live()
    assert again.agent.on_message(0) == 'second'
    assert methods(again) == ['set_method', 'bind', 'set_method']


def test_a_call_that_failed_is_not_noted(live):
    life = live()
    with pytest.raises(OsBrainError):
        outcome(life.call('bind', 'NOTHING'))
    with pytest.raises(OsBrainError):
        outcome(life.call('close', 'nothing'))
    assert life.told == []


def test_other_calls_are_not_noted(live):
    life = live()
    for method in ('ping', 'list_timers', 'counters', 'is_running'):
        outcome(life.call(method))
    life.call('execute_as_method', lambda agent: agent.set_attr(x=1))
    assert life.agent.x == 1
    assert life.told == []


def test_what_a_called_method_does_itself_is_not_noted(live):
    class Own(Agent):
        def bind(self, *args, **kwargs):
            self.set_attr(bound=True)
            return super().bind(*args, **kwargs)

    life = live(Own)
    life.call('bind', 'PUB', alias='it')
    assert [note.method for note in life.told if isinstance(note, Call)] == ['bind']
    assert live(Own).agent.bound


def test_a_safe_call_is_noted_before_the_next_one_is_made(live, running):
    life = live()
    with running(life.agent):
        threads = [
            threading.Thread(target=life.call, args=('set_attr',), kwargs={'op': 'safe', 'x': number, f'y{number}': 1})
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert live().agent.x == life.agent.x


def test_a_safe_call_asked_for_by_its_name_is_noted_too(live, running):
    life = live()
    with running(life.agent):
        life.call('safe_call', 'set_attr', x=3)
    assert live().agent.x == 3


class TestSettings:
    def test_plain_ones_replace_each_other(self, live):
        life = live()
        for number in range(5):
            life.call('set_attr', x=number)
        assert methods(life) == ['set_attr']
        assert live().agent.x == 4

    def test_a_property_may_do_more_so_every_call_is_repeated(self, live):
        class Counting(Agent):
            def on_init(self):
                self.seen = []

            @property
            def level(self):
                return self.seen[-1]

            @level.setter
            def level(self, value):
                self.seen.append(value)

        life = live(Counting)
        for number in range(3):
            life.call('set_attr', level=number)
        assert live(Counting).agent.seen == [0, 1, 2]

    def test_an_agent_that_sets_attributes_in_its_own_way_may_do_more(self, live):
        class Own(Agent):
            def __setattr__(self, name, value):
                super().__setattr__(name, value)
                if name == 'x':
                    super().__setattr__('times', getattr(self, 'times', 0) + 1)

        life = live(Own)
        for _ in range(3):
            life.call('set_attr', x=1)
        assert live(Own).agent.times == 3

    def test_a_method_of_that_name_may_do_more(self, live):
        class Own(Agent):
            total = 0

            def set_attr(self, **kwargs):
                self.total += sum(kwargs.values())

        life = live(Own)
        life.call('set_attr', x=1)
        life.call('set_attr', x=2)
        assert live(Own).agent.total == 3


class TestTimers:
    def test_a_timer_has_the_alias_that_its_caller_knows(self, live):
        class Busy(Agent):
            def on_init(self):
                self.each(1, ignore)

        life = live(Busy)
        life.agent.each(1, ignore)  # its own, in some handler
        given = outcome(life.call('each', 1, ignore))
        again = live(Busy)
        assert given in again.agent.list_timers()
        # Nothing new gets that alias.
        assert len({again.agent.each(1, ignore) for _ in range(3)} | {given}) == 4
        outcome(again.call('stop_timer', given))
        assert given not in live(Busy).agent.list_timers()

    def test_a_timer_of_on_init_that_was_stopped_from_outside_stays_stopped(self, live):
        class Busy(Agent):
            def on_init(self):
                self.each(1, ignore, alias='tick')

        life = live(Busy)
        outcome(life.call('stop_timer', 'tick'))
        again = live(Busy)
        assert again.agent.list_timers() == []
        assert again.agent.counters()['errors'] == 0
        outcome(again.call('each', 2, ignore, alias='tick'))
        assert live(Busy).agent.list_timers() == ['tick']

    def test_all_are_stopped_again(self, live):
        class Busy(Agent):
            def on_init(self):
                self.each(1, ignore)

        life = live(Busy)
        life.call('each', 1, ignore)
        life.call('stop_all_timers')
        later = outcome(life.call('each', 1, ignore))
        assert live(Busy).agent.list_timers() == [later]

    def test_a_single_shot_keeps_its_moment(self, live):
        life = live()
        life.call('after', 1000, ignore, alias='shot')
        life.call('after', delay=2000, method=ignore, alias='other')
        due = {timer.alias: timer.due for timer in life.core.timers._by_alias.values()}
        again = {timer.alias: timer.due for timer in live().core.timers._by_alias.values()}
        assert again == pytest.approx(due, abs=1)

    def test_a_single_shot_that_has_fired_does_not_fire_again(self, live, running, until):
        life, fired = live(), threading.Event()
        life.agent.fire = fired.set
        life.call('after', 0, 'fire')
        life.call('after', 1000, ignore, alias='later')
        with running(life.agent):
            assert fired.wait(5)
            # The next call is made after the timer is done with.
            outcome(life.call('ping', op='safe'))
        assert methods(life) == ['after']
        again = live()
        assert again.agent.list_timers() == ['later']
        # It is the process before that has noted the other one.
        with running(again.agent):
            outcome(again.call('ping', op='safe'))
            outcome(again.call('after', 0, ignore, alias='later', op='safe'))
            until(lambda: 'later' not in again.agent.list_timers())
            outcome(again.call('ping', op='safe'))
        assert live().agent.list_timers() == []

    def test_shots_of_the_agents_own_are_nobodys_business(self, live, running):
        life, fired = live(), threading.Event()
        life.agent.fire = fired.set
        life.agent.after(0, 'fire')
        with running(life.agent):
            assert fired.wait(5)
            outcome(life.call('ping', op='safe'))
        assert life.told == []


class TestSockets:
    def test_a_connection_from_outside_is_made_again(self, live, publisher):
        life = live()
        life.call('connect', publisher, alias='it', handler={'a': ignore})
        life.call('subscribe', 'it', {'b': ignore})
        life.call('unsubscribe', 'it', 'a')
        assert live().agent.addr('it') == publisher.twin()
        assert methods(live()) == ['connect', 'subscribe', 'unsubscribe']

    @pytest.mark.parametrize('arguments', [((5,), {}), ((), {'ready': 5})])
    def test_who_was_there_may_still_be_on_its_way_back(self, live, memory, publisher, arguments):
        args, kwargs = arguments
        life = live()
        outcome(life.call('bind', 'PULL', alias='there', handler=ignore, addr='there'))
        outcome(life.call('connect', life.agent.addr('there'), 'it', None, *args, op='unsafe', **kwargs))
        outcome(life.call('close', 'there'))
        again = live().agent
        assert again.has_socket('it')
        assert again.counters()['errors'] == 0

    def test_what_was_closed_stays_closed(self, live):
        class Bound(Agent):
            def on_init(self):
                self.bind('PUB', alias='own')

        life = live(Bound)
        life.call('close', 'own')
        life.call('bind', 'PUB', alias='other')
        life.call('close_all')
        life.call('bind', 'PUB', alias='last')
        again = live(Bound).agent
        assert [again.has_socket(alias) for alias in ('own', 'other', 'last')] == [False, False, True]

    def test_undoing_what_is_not_there_is_no_error(self, live):
        life = live()
        life.agent.bind('PUB', alias='once')  # in some handler, which may not come again
        life.call('close', 'once')
        life.agent.each(1, ignore, alias='tick')
        life.call('stop_timer', 'tick')
        assert live().agent.counters()['errors'] == 0

    def test_the_logger_is_found_by_its_address(self, live):
        class FakeLogger:
            asked = 0

            def __init__(self, address):
                self.address = address

            def addr(self, alias):
                return self.address

        logger = Agent('logger')
        address = logger.bind('SUB', alias='sub', handler=ignore)
        life = live()
        outcome(life.call('set_logger', FakeLogger(address)))
        outcome(life.call('set_logger', FakeLogger(address), alias='second'))
        (first, second) = life.memory.calls()
        assert b'FakeLogger' not in first.packed + second.packed
        again = live().agent
        assert again.addr('_logger') == again.addr('second') == address.twin()
        logger._Agent__core.close(0)
        logger._Agent__core.wires.terminate(5)


class TestTrouble:
    def test_a_call_that_fails_now_is_logged_with_its_name_and_the_others_go_on(self, live, capsys):
        class Grown(Agent):
            def on_tick(self):
                pass

        life = live(Grown)
        outcome(life.call('each', 1, 'on_tick'))
        life.call('set_attr', x=1)
        again = live(Agent).agent
        assert again.x == 1
        assert again.counters()['errors'] == 1
        assert "each(), which was called before this agent was restarted, fails now: UnknownMethod: agent 'a0'" in (
            capsys.readouterr().err
        )

    def test_a_call_that_cannot_be_read_any_more_is_logged_too(self, live, memory, capsys):
        memory.take(Call('set_attr', b'nonsense'))
        assert live().agent.counters()['errors'] == 1
        assert 'set_attr(), which was called before' in capsys.readouterr().err

    def test_calls_that_were_too_many_are_told_of(self, live, memory, capsys):
        memory.forgotten = 7
        live()
        assert '7 of the calls that configured this agent were too many' in capsys.readouterr().out

    def test_a_call_that_cannot_be_packed_is_warned_of_by_its_name(self, live, capsys):
        life = live()
        life.recorder.record(b'', 'each', (1, ignore), {}, threading.Lock())
        assert life.told == []
        assert 'each() will not be repeated if this agent is restarted: the alias of a timer' in capsys.readouterr().out

    def test_a_starter_that_does_not_listen_is_waited_for_once_and_warned_of_once(self, live, capsys):
        waits = []

        def deaf(note, seconds):
            waits.append(seconds)
            return False

        life = live(tell=deaf)
        for number in range(3):
            life.call('set_attr', x=number)
        assert waits == [1.0, 0.0, 0.0]
        assert capsys.readouterr().out.count('its starter does not listen') == 1
