"""Agents that call each other safely: a circle is refused by exactly one of them, and everything else goes through."""

import contextlib
import threading

import pytest

from osbrain._agent.waiting import Waits, identity_of
from osbrain.errors import CallCycle


class Net:
    """Agents by name, and how they reach each other: calls are nested in one thread, as they would block each other."""

    def __init__(self, names):
        self.waits = {name: Waits(identity_of(name, name.encode() * 2)) for name in names}
        self.queues = {name: [] for name in names}

    @contextlib.contextmanager
    def call(self, caller, callee):
        """*caller* is inside a safe call to *callee*, which does the job while the block runs."""
        one, other = self.waits[caller], self.waits[callee]

        def queued():
            return tuple(who for waiting in self.queues[caller] for who in waiting)

        with one.calling(other.identity, other.path_to, queued) as waiting:
            other.refuse_circle(waiting)
            before, other.job = other.job, waiting
            try:
                yield waiting
            finally:
                other.job = before


def path_of(caught):
    return ' -> '.join(caught.value.path)


def test_calls_in_a_row_are_no_circle():
    net = Net('abc')
    with net.call('a', 'b'), net.call('b', 'c') as waiting:
        assert [who.partition('\0')[0] for who in waiting] == ['a', 'b']


@pytest.mark.parametrize('names', ['ab', 'abc', 'abcde'])
def test_a_circle_is_refused_where_it_would_close_and_the_error_names_it(names):
    net = Net(names)
    with contextlib.ExitStack() as calls:
        for caller, callee in zip(names, names[1:]):
            calls.enter_context(net.call(caller, callee))
        with pytest.raises(CallCycle, match='for ever') as caught, net.call(names[-1], names[0]):
            pass
    assert path_of(caught) == ' -> '.join([*names, names[0]])


def test_the_error_names_the_circle_and_not_the_way_there():
    net = Net('abcd')
    with contextlib.ExitStack() as calls:
        for caller, callee in ('ab', 'bc', 'cd'):
            calls.enter_context(net.call(caller, callee))
        with pytest.raises(CallCycle) as caught, net.call('d', 'c'):
            pass
    assert path_of(caught) == 'c -> d -> c'


def test_an_agent_that_calls_itself_is_refused():
    net = Net('a')
    with pytest.raises(CallCycle) as caught, net.call('a', 'a'):
        pass
    assert path_of(caught) == 'a -> a'


def test_after_a_refusal_the_agents_can_call_again():
    net = Net('ab')
    with net.call('a', 'b'), pytest.raises(CallCycle), net.call('b', 'a'):
        pass
    with net.call('b', 'a') as waiting:
        assert len(waiting) == 1
    with net.call('a', 'b') as waiting:
        assert len(waiting) == 1


def test_a_call_that_fails_is_no_longer_waited_for():
    net = Net('ab')
    with pytest.raises(ZeroDivisionError), net.call('a', 'b'):
        raise ZeroDivisionError
    assert net.waits['a'].path_to((net.waits['b'].identity,)) == ()


def test_whoever_waits_in_the_mailbox_waits_for_the_call_as_well():
    net = Net('abc')
    # c waits in a's mailbox; a calls b, b calls c: c would wait for itself.
    net.queues['a'].append((net.waits['c'].identity,))
    with net.call('a', 'b') as waiting:
        assert net.waits['c'].identity in waiting
        with pytest.raises(CallCycle), net.call('b', 'c'):
            pass


def test_a_call_of_somebody_who_waits_for_nobody_is_never_refused():
    net = Net('abc')
    with net.call('a', 'b'):
        net.waits['a'].refuse_circle(())
        with net.call('c', 'a'):
            pass


def test_two_calls_to_one_agent_are_no_circle():
    net = Net('abc')
    with net.call('a', 'c'), net.call('b', 'c'):
        pass


def test_two_agents_of_one_name_are_told_apart():
    one, other = Waits(identity_of('a', b'1')), Waits(identity_of('a', b'2'))
    with one.calling(other.identity, other.path_to, tuple) as waiting:
        other.refuse_circle(waiting)
        assert waiting == (one.identity,)


def test_everybody_is_named_once_in_the_list_of_who_waits():
    net = Net('ab')
    net.waits['a'].job = ('x', 'y')
    net.queues['a'].append(('y', 'z'))
    with net.call('a', 'b') as waiting:
        assert waiting == ('x', 'y', 'z', net.waits['a'].identity)


def test_the_agent_that_is_asked_asks_the_one_that_it_waits_for():
    asked = []
    waits = Waits('b')

    def question(those):
        asked.append(those)
        return ('c', 'a') if 'a' in those else ()

    with waits.calling('c', question, tuple):
        assert waits.path_to(('a',)) == ('b', 'c', 'a')
        assert waits.path_to(('c',)) == ('b', 'c')
        assert waits.path_to(('z',)) == ()
        assert waits.path_to(('b',)) == ('b',)
    assert asked == [('a',), ('z',)]


def test_of_two_calls_that_cross_at_least_one_is_refused():
    net = Net('ab')
    a, b = net.waits['a'], net.waits['b']
    refused, both = [], threading.Barrier(2, timeout=5)

    def call(one, other):
        with one.calling(other.identity, other.path_to, tuple) as waiting:
            both.wait()
            try:
                other.refuse_circle(waiting)
            except CallCycle:
                refused.append(one.identity)
            both.wait()

    threads = [threading.Thread(target=call, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert refused
