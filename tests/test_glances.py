"""What any value looks like in a few letters, also one that is huge, fails, lies or never answers."""

import dataclasses
import enum
import threading
import types
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np
import pytest

from osbrain import _glances
from osbrain._glances import LONGEST, glance, glances

LIMIT = 5  # seconds for what takes milliseconds


class Side(enum.Enum):
    BUY = 'buy'


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Order:
    price: float
    lots: list
    secret: str = dataclasses.field(default='', repr=False)


class Plain:
    pass


class Spoken:
    def __repr__(self):
        return 'Spoken, at length'


class Failing:
    def __repr__(self):
        raise ValueError('no')


class Ending:
    def __repr__(self):
        raise SystemExit


class Remote:
    """Whoever asks it for anything asks another process."""

    def __getattribute__(self, name):
        raise AssertionError(f'asked for {name}')


class Loud(dict):
    """Its own methods are not to be called: they may do anything."""

    def items(self):
        raise AssertionError('asked')

    __iter__ = __repr__ = items


class Text(str):
    __slots__ = ()

    def __getitem__(self, item):
        raise AssertionError('asked')


@pytest.mark.parametrize(
    'value, text',
    [
        (None, 'None'),
        (True, 'True'),
        (1.5, '1.5'),
        (12345678901234567890, '12345678901234567890'),
        ('a\nb', "'a\\nb'"),
        (b'\x00', "b'\\x00'"),
        (Text('abc'), "'abc'"),
        ([], '[]'),
        ((), '()'),
        ((1,), '(1,)'),
        ({}, '{}'),
        (set(), 'set()'),
        ({1}, '{1}'),
        (frozenset({1}), 'frozenset(1)'),
        (deque([1, 2]), 'deque(1, 2)'),
        ({'a': [1, (2, 3)]}, "{'a': [1, (2, 3)]}"),
        ([[[[[1]]]]], '[[[[…]]]]'),
        (list(range(10**6)), '[0, 1, 2, 3, 4, 5, …]'),
        (dict.fromkeys(range(10**5), 0), '{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, …}'),
        (defaultdict(list, a=[1]), "defaultdict('a': [1])"),
        (OrderedDict(a=1), "OrderedDict('a': 1)"),
        (Counter('aab'), "Counter('a': 2, 'b': 1)"),
        (Loud(a=1), "Loud('a': 1)"),
        (Side.BUY, 'Side.BUY'),
        (Level.HIGH, 'Level.HIGH'),
        (Decimal('1.5'), "Decimal('1.5')"),
        (PurePosixPath('/a'), "PurePosixPath('/a')"),
        (Order(1.5, [Order(2.0, [])], 'x'), 'Order(price=1.5, lots=[Order(price=2.0, lots=[])])'),
        (np.zeros((1000, 1000)), '<ndarray float64 (1000, 1000)>'),
        (Order, '<class Order>'),
        (glance, '<function glance>'),
        (len, '<function len>'),
        (threading, '<module threading>'),
        (Plain(), '<Plain>'),
        (Spoken(), 'Spoken, at length'),
        (Failing(), '<Failing, whose repr failed: ValueError>'),
        ([Failing(), 1], '[<Failing, whose repr failed: ValueError>, 1]'),
        (Ending(), '<Ending, whose repr failed: SystemExit>'),
        (types.SimpleNamespace(a=1), 'namespace(a=1)'),
    ],
    ids=lambda value: type(value).__name__ if type(value) is not str else '',
)
def test_a_value_is_shown_in_a_few_letters(value, text):
    assert glance(value) == text


def test_a_number_that_python_refuses_to_write_is_described():
    assert glance(1 << 100_000) == '<int of 100001 bits>'


@pytest.mark.parametrize(
    'value',
    ['x' * 10**6, b'x' * 10**6, ['x' * 90] * 5, 'a' * (LONGEST + 1)],
    ids=['text', 'bytes', 'list', 'a letter too long'],
)
def test_what_is_long_is_cut(value):
    shown = glance(value)
    assert len(shown) == LONGEST
    assert shown.endswith('…')


def test_a_proxy_is_asked_for_nothing():
    assert glance(Remote()) == '<Remote>'


def test_a_list_that_contains_itself_has_an_end():
    endless = []
    endless.append(endless)
    assert glance(endless) == '[[[[…]]]]'


def test_objects_need_not_be_asked():
    assert glance([Spoken(), Failing(), 1], ask=False) == '[<Spoken>, <Failing>, 1]'


def test_several_values_are_shown_by_name():
    assert glances({'a': 1, 'b': Spoken()}) == {'a': '1', 'b': 'Spoken, at length'}


@pytest.fixture
def hanging():
    """An object whose repr ends when the test does."""
    end = threading.Event()

    class Hanging:
        def __repr__(self):
            end.wait(LIMIT)
            return 'at last'

    yield Hanging()
    end.set()
    assert _glances._turn.acquire(timeout=LIMIT)
    _glances._turn.release()


def test_a_repr_that_hangs_keeps_nobody_waiting(hanging):
    assert glances({'a': 1, 'b': hanging, 'c': Spoken()}, 0.05) == {'a': '1', 'b': '<Hanging>', 'c': '<Spoken>'}


def test_while_one_repr_hangs_no_other_thread_is_begun_for_the_next(hanging):
    glances({'a': hanging}, 0.05)
    threads = threading.active_count()
    assert glances({'a': Spoken(), 'b': 2}, 0.05) == {'a': '<Spoken>', 'b': '2'}
    assert threading.active_count() == threads


def test_without_room_for_a_thread_nobody_is_asked(monkeypatch):
    def refused(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, 'start', refused)
    assert glances({'a': Spoken()}) == {'a': '<Spoken>'}
    monkeypatch.undo()
    assert glances({'a': Spoken()}) == {'a': 'Spoken, at length'}
