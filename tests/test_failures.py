"""Odd exceptions on the road between processes: each arrives as its own type, or as a stand-in that names it."""

import errno
import json
import pickle
import subprocess
import sys
import threading

import pytest

from osbrain._failures import Failure, format_method_exception, with_text
from osbrain.errors import RemoteError, ShutdownTimeout, UnknownAlias, WaitTimeout


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class TwoArguments(Exception):
    def __init__(self, code, reason):
        super().__init__(f'{reason} ({code})')
        self.code, self.reason = code, reason


class KeywordsOnly(Exception):
    def __init__(self, *, code):
        super().__init__()
        self.code = code

    def __str__(self):
        return f'code {self.code}'


class NoArguments(ValueError):
    def __init__(self):
        super().__init__('always this')


class Forgetful(Exception):
    """Never calls the constructor above it."""

    def __init__(self, value):
        self.value = value


class OwnNew(Exception):
    def __new__(cls, *args):
        made = super().__new__(cls, *args)
        made.born = True
        return made


class Slotted(Exception):
    __slots__ = ('extra',)


class Both(KeyError, AttributeError):
    pass


class Mute(Exception):
    def __str__(self):
        raise ZeroDivisionError('no text')


def raised(error):
    """*error* with a traceback."""
    try:
        raise error
    except BaseException as caught:
        return caught


def travelled(error, text=None):
    """*error* as it arrives: only what pickle writes goes from one side to the other."""
    return Failure(*pickle.loads(pickle.dumps(tuple(Failure.of(raised(error)))))).rebuild(text)


ODD = [
    ValueError('why'),
    KeyError('key'),
    KeyError(('a', 1)),
    TwoArguments(3, 'why'),
    KeywordsOnly(code=3),
    NoArguments(),
    Forgetful(3),
    OwnNew('a', 'b'),
    Slotted('why'),
    Both('why'),
    FileNotFoundError(errno.ENOENT, 'No such file', '/nowhere'),
    OSError(errno.EACCES, 'Permission denied'),
    OSError('only text'),
    UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte'),
    StopIteration(3),
    json.JSONDecodeError('why', '{', 1),
    subprocess.CalledProcessError(3, ['command'], b'output'),
    ImportError('why', name='module', path='/path'),
    SyntaxError('why', ('file.py', 1, 2, 'text')),
    AttributeError('why', name='attribute', obj=3),
    UnknownAlias('typo', 'a0', ('pub',)),
    WaitTimeout('nobody', 1.5),
    ShutdownTimeout(('a0',), 3.0),
]


@pytest.mark.parametrize('error', ODD, ids=lambda error: type(error).__name__)
def test_an_exception_arrives_as_its_own_type_with_its_facts(error):
    back = travelled(error)
    assert type(back) is type(error)
    assert back.args == error.args
    assert vars(back) == vars(error)
    assert str(back) == str(error)


@pytest.mark.parametrize('error', ODD, ids=lambda error: type(error).__name__)
def test_an_exception_may_arrive_with_a_longer_text_and_is_of_its_type_all_the_same(error):
    back = travelled(error, 'Error executing `method`!')
    assert isinstance(back, type(error))
    assert type(back).__name__ == type(error).__name__
    assert 'Error executing `method`!' in str(back)
    assert vars(error).items() <= vars(back).items()


@pytest.mark.parametrize('error', ODD, ids=lambda error: type(error).__name__)
def test_an_exception_with_a_longer_text_can_travel_on(error):
    back = travelled(travelled(error, 'Error executing `method`!'))
    assert isinstance(back, type(error))
    assert 'Error executing `method`!' in str(back)


@pytest.mark.parametrize('error', ODD, ids=lambda error: type(error).__name__)
def test_the_same_type_with_another_text_is_made_without_the_road(error):
    with_other = with_text(error, 'another text')
    assert isinstance(with_other, type(error))
    assert 'another text' in str(with_other)
    assert 'another text' not in str(error)


def test_errors_of_the_system_keep_their_fields():
    back = travelled(FileNotFoundError(errno.ENOENT, 'No such file', '/nowhere'), 'longer')
    assert (back.errno, back.strerror, back.filename) == (errno.ENOENT, 'No such file', '/nowhere')
    assert isinstance(back, FileNotFoundError)


def test_a_key_error_shows_the_longer_text_as_it_is():
    back = travelled(KeyError('key'), 'line one\nline two')
    assert (type(back), back.args, str(back)) == (KeyError, ('line one\nline two',), 'line one\nline two')
    assert str(travelled(back)) == 'line one\nline two'


def test_an_exception_of_a_class_made_on_the_spot_arrives():
    class Local(LookupError):
        def __init__(self, value):
            super().__init__(value)
            self.value = value

    back = travelled(Local(3))
    assert (type(back).__name__, back.value) == ('Local', 3)
    assert isinstance(back, LookupError)


def test_parts_that_cannot_travel_are_replaced_by_their_text():
    error = TwoArguments(3, 'why')
    error.lock = threading.Lock()
    back = travelled(error)
    assert type(back) is TwoArguments
    assert back.code == 3
    assert back.lock.startswith('<unlocked _thread.lock')
    assert travelled(ValueError(threading.Lock())).args[0].startswith('<unlocked _thread.lock')


def test_an_exception_whose_class_cannot_travel_is_named_by_a_stand_in():
    class Anchored(LookupError):
        lock = threading.Lock()

    back = travelled(Anchored('why'))
    assert type(back) is RemoteError
    assert back.type_name.endswith('Anchored')
    assert 'why' in str(back) and 'Traceback' in str(back)
    assert str(travelled(Anchored('why'), 'longer text')).endswith('longer text')


def test_an_exception_that_cannot_be_shown_is_named_by_a_stand_in():
    back = travelled(Mute())
    assert type(back) is RemoteError
    assert back.type_name.endswith('.Mute')
    assert 'ZeroDivisionError' in back.text


@pytest.mark.parametrize('error', [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_ends_a_process_does_not_end_the_one_that_asked(error):
    back = travelled(error)
    assert type(back) is RemoteError
    assert type(error).__name__ in str(back)


def test_facts_that_cannot_be_read_here_leave_the_name_and_the_text():
    failure = Failure(b'garbage', 'module.Type', 'its text', 'its traceback')
    back = failure.rebuild()
    assert (type(back), back.type_name, back.text, back.traceback) == (
        RemoteError,
        'module.Type',
        'its text',
        'its traceback',
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason='groups of exceptions came with Python 3.11')
@pytest.mark.parametrize('text', [None, 'longer text'])
def test_a_group_of_exceptions_arrives_with_its_members(text):
    group = ExceptionGroup('several', [ValueError('one'), KeyError('two')])  # noqa: F821
    back = travelled(group, text)
    assert isinstance(back, ExceptionGroup)  # noqa: F821
    assert [type(one) for one in back.exceptions] == [ValueError, KeyError]
    assert (text or 'several') in str(back)


@pytest.mark.skipif(sys.version_info < (3, 11), reason='notes came with Python 3.11')
def test_notes_do_not_hinder_the_journey():
    error = ValueError('why')
    error.add_note('a note')
    assert type(travelled(error)) is ValueError


def test_the_traceback_travels_as_text():
    failure = Failure.of(raised(ValueError('why')))
    assert failure.traceback.startswith('Traceback (most recent call last)')
    assert 'in raised' in failure.traceback
    assert failure.type_name == 'builtins.ValueError'


def test_the_text_of_a_failed_call_names_it_and_holds_the_traceback():
    try:
        raise TwoArguments(3, 'why')
    except TwoArguments as error:
        made = format_method_exception(error, 'method', (1,), {'two': 2})
    assert type(made).__name__ == 'TwoArguments' and isinstance(made, TwoArguments)
    text = str(made)
    assert text.startswith('Error executing `method`! (why (3))\n')
    for part in ('method: method', 'args: (1,)', "kwargs: {'two': 2}", '\n|Traceback', '|>>>>>>>>', '|<<<<<<<<'):
        assert part in text
