"""Instruments are told what they want to know, in order; one that fails is complained of once and told no more."""

import threading

import pytest

from osbrain import Instrument, SocketInfo
from osbrain._hooks import Instruments
from osbrain.errors import OptionInvalid

SOCKET = SocketInfo('a0', 'out', 'PUSH')


class Diary(Instrument):
    def __init__(self):
        self.told = []

    def added(self, agent):
        self.told.append(('added', agent))

    def before_send(self, socket, topic):
        self.told.append(('before_send', socket, topic))

    def removed(self):
        self.told.append(('removed',))


class Broken(Instrument):
    def before_send(self, socket, topic):
        raise ZeroDivisionError('broken')


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def instruments(complaints):
    return Instruments(complaints.append)


def test_the_methods_come_in_the_order_of_a_life():
    names = [name for name in vars(Instrument) if not name.startswith('_')]
    assert names == [
        'added', 'before_run', 'opened', 'before_send', 'after_send', 'before_handling', 'after_handling',
        'before_timer', 'after_timer', 'before_call', 'after_call', 'closed', 'after_run', 'removed',
    ]  # fmt: skip


def test_a_plain_instrument_takes_everything_and_does_nothing(instruments, complaints):
    instruments.add(Instrument())
    instruments.tell('before_send', SOCKET, 'topic')
    assert complaints == []
    plain = Instrument()
    plain.added(None), plain.before_run(), plain.opened(SOCKET), plain.before_send(SOCKET, None)
    plain.after_send(SOCKET, None, 1, 0.1, None), plain.before_handling(SOCKET)
    plain.after_handling(SOCKET, 1, 0.1, None), plain.before_timer('t'), plain.after_timer('t', 0.1, None)
    plain.before_call('m'), plain.after_call('m', 0.1, None), plain.closed(SOCKET), plain.after_run('why')
    plain.removed()


def test_each_instrument_is_told(instruments):
    first, second = Diary(), Diary()
    instruments.add(first)
    instruments.add(second)
    instruments.tell('before_send', SOCKET, 'topic')
    assert first.told == second.told == [('before_send', SOCKET, 'topic')]


def test_a_method_of_one_object_counts_too(instruments):
    told = []
    instrument = Instrument()
    instrument.before_run = lambda: told.append('run')
    instruments.add(instrument)
    instruments.tell('before_run')
    assert told == ['run']


def test_one_may_be_told_alone(instruments):
    first, second = Diary(), Diary()
    instruments.add(first)
    instruments.tell_one(instruments.add(second), 'added', 'the agent')
    assert (first.told, second.told) == ([], [('added', 'the agent')])


def test_one_that_fails_is_complained_of_once_and_told_no_more(instruments, complaints):
    diary = Diary()
    number = instruments.add(Broken())
    instruments.add(diary)
    for _ in range(3):
        instruments.tell('before_send', SOCKET, None)
    (complaint,) = complaints
    assert 'Broken.before_send' in complaint
    assert 'ZeroDivisionError: broken' in complaint
    assert len(diary.told) == 3
    instruments.remove(number)  # once more is no mistake


def test_one_that_fails_while_it_is_removed_is_complained_of(instruments, complaints):
    class Sticky(Instrument):
        def removed(self):
            raise OSError('the disk is full')

    instruments.remove(instruments.add(Sticky()))
    assert len(complaints) == 1
    assert not instruments


@pytest.mark.parametrize('by', ['number', 'object'])
def test_one_that_was_removed_is_told_so_and_nothing_else(instruments, by):
    diary = Diary()
    number = instruments.add(diary)
    instruments.remove(number if by == 'number' else diary)
    instruments.tell('before_send', SOCKET, None)
    assert diary.told == [('removed',)]
    assert not instruments


@pytest.mark.parametrize('which', [0, 2, -1, True, 1.0, '1', None, Diary()], ids=lambda which: type(which).__name__)
def test_what_was_never_added_cannot_be_removed(instruments, which):
    instruments.add(Diary())
    with pytest.raises(OptionInvalid, match='add_instrument'):
        instruments.remove(which)


@pytest.mark.parametrize('what', [None, 1, Diary, 'Diary', object()], ids=lambda what: type(what).__name__)
def test_only_instruments_can_be_added(instruments, what):
    with pytest.raises(OptionInvalid, match=r'osbrain\.Instrument'):
        instruments.add(what)


def test_what_an_instrument_does_itself_is_not_told(instruments):
    class Talkative(Diary):
        def before_send(self, socket, topic):
            super().before_send(socket, topic)
            instruments.tell('before_send', socket, 'of its own')

    talkative = Talkative()
    instruments.add(talkative)
    instruments.tell('before_send', SOCKET, 'the first')
    instruments.tell('before_send', SOCKET, 'the second')
    assert [topic for _, _, topic in talkative.told] == ['the first', 'the second']


def test_threads_that_send_at_the_same_time_are_both_told(instruments):
    both = threading.Barrier(2, timeout=5)

    class Slow(Diary):
        def before_send(self, socket, topic):
            both.wait()
            super().before_send(socket, topic)

    slow = Slow()
    instruments.add(slow)
    threads = [threading.Thread(target=instruments.tell, args=('before_send', SOCKET, topic)) for topic in 'ab']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(topic for _, _, topic in slow.told) == ['a', 'b']


def test_all_of_them_end_together(instruments):
    diaries = [Diary(), Diary()]
    for diary in diaries:
        instruments.add(diary)
    instruments.end()
    assert [diary.told for diary in diaries] == [[('removed',)], [('removed',)]]
