"""Hold the small public helpers of ``osbrain.common`` to what programs take from them."""

import contextlib
import queue
import re
import threading
import time
from unittest import mock

import pytest

import osbrain
from osbrain.common import (
    LogLevel,
    after,
    format_exception,
    format_method_exception,
    get_linger,
    repeat,
    topic_to_bytes,
    topics_to_bytes,
    unbound_method,
    unique_identifier,
    validate_handler,
)


@contextlib.contextmanager
def stopped_afterwards(timer):
    """Stop the timer when the test is over: its thread would outlive the test otherwise."""
    try:
        yield timer
    finally:
        timer.stop()


def take(source, number, timeout=5):
    """The next items of a queue, each of which has to come within the timeout."""
    return [source.get(timeout=timeout) for _ in range(number)]


def assert_silent(source, seconds):
    with pytest.raises(queue.Empty):
        source.get(timeout=seconds)


@contextlib.contextmanager
def thread_failures():
    """What ends threads with a traceback, in place of the traceback."""
    # Patched by the test itself: the test runner sets a hook of its own after the fixtures.
    failures = queue.Queue()
    with mock.patch.object(threading, 'excepthook', lambda args: failures.put(args.exc_value)):
        yield failures


# ---- identifiers, topics, levels, handlers -------------------------------------------------


def test_unique_identifiers_are_distinct_lower_case_hex_bytes():
    identifiers = [unique_identifier() for _ in range(1000)]
    assert len(set(identifiers)) == 1000
    for identifier in identifiers:
        assert re.fullmatch(b'[0-9a-f]{32}', identifier)


@pytest.mark.parametrize(
    'topic, encoded',
    [('', b''), ('apple', b'apple'), ('año', b'a\xc3\xb1o'), (b'\x00\xff', b'\x00\xff')],
)
def test_a_topic_is_the_utf8_of_its_text_or_the_bytes_themselves(topic, encoded):
    assert topic_to_bytes(topic) == encoded


def test_topics_to_bytes_copies_a_dict_with_prefixed_keys_in_the_same_order():
    handlers = {'zeta': print, b'alpha': object(), '': 'a_method'}
    original = dict(handlers)

    plain = topics_to_bytes(handlers)
    assert list(plain.items()) == [
        (b'zeta', print),
        (b'alpha', original[b'alpha']),
        (b'', 'a_method'),
    ]
    prefixed = topics_to_bytes(handlers, uuid=b'id:')
    assert list(prefixed) == [b'id:zeta', b'id:alpha', b'id:']
    assert list(prefixed.values()) == list(original.values())

    assert handlers == original
    assert plain is not handlers


@pytest.mark.parametrize('level', ['ERROR', 'WARNING', 'INFO', 'DEBUG'])
def test_a_log_level_is_its_text(level):
    value = LogLevel(level)
    assert isinstance(value, str)
    assert value == level
    assert {value: 1}[level] == 1
    assert '%s' % value == level
    assert LogLevel(value) == level


@pytest.mark.parametrize('level', ['info', 'FATAL', '', 'INFO ', 1])
def test_another_log_level_is_rejected(level):
    with pytest.raises(ValueError, match='Incorrect value'):
        LogLevel(level)


def test_a_handler_is_missing_only_where_one_is_required():
    assert validate_handler(print, required=True) is None
    assert validate_handler(None, required=False) is None
    assert validate_handler(print, required=False) is None
    with pytest.raises(ValueError, match='This socket requires a handler!'):
        validate_handler(None, required=True)


def test_unbound_method_is_the_function_of_the_owners_class():
    class Base:
        def greet(self):
            return 'base'

    class Derived(Base):
        def greet(self):
            return 'derived'

    assert unbound_method(Base().greet) is Base.greet
    derived = Derived()
    assert unbound_method(derived.greet) is Derived.greet
    # Looked up by name on the class of the owner, also if the base's was bound by hand.
    assert unbound_method(Base.greet.__get__(derived)) is Derived.greet


@pytest.mark.parametrize(
    'seconds, milliseconds',
    [(0, 0), (0.0, 0), (0.5, 500), (2, 2000), (1.2345, 1234), (-1, -1), (-0.001, -1), (-60, -1)],
)
def test_linger_is_given_in_seconds_and_counted_in_milliseconds(seconds, milliseconds):
    linger = get_linger(seconds)
    assert linger == milliseconds
    assert isinstance(linger, int)


def test_linger_defaults_to_the_configuration_of_the_moment(monkeypatch):
    for seconds, milliseconds in [(0.25, 250), (3, 3000), (-1.0, -1), (0, 0)]:
        monkeypatch.setitem(osbrain.config, 'LINGER', seconds)
        assert get_linger() == milliseconds
        assert get_linger(None) == milliseconds
        assert get_linger(0.1) == 100


# ---- exceptions as text --------------------------------------------------------------------


def assert_boxed(text):
    """The text is a traceback between two rules with a bar before each line."""
    lines = text.strip('\n').split('\n')
    assert lines[0].startswith('|>>>>>>>>')
    assert lines[-1].startswith('|<<<<<<<<')
    assert len(lines) > 3
    assert all(line.startswith('|') for line in lines)


def test_format_exception_boxes_the_traceback_of_the_exception_being_handled():
    def inner_function_that_fails():
        raise ValueError('the reason')

    try:
        inner_function_that_fails()
    except ValueError:
        text = format_exception()
    assert text.startswith('\n|>>>>>>>>')
    assert_boxed(text)
    for fragment in ('Traceback', 'inner_function_that_fails', 'ValueError: the reason'):
        assert fragment in text


def formatted(error, method='shout', args=(1, 'two'), kwargs=None):
    """The exception that would travel to the caller of a method that raises ``error``."""
    try:
        raise error
    except Exception as raised:
        return format_method_exception(raised, method, args, kwargs or {})


class OwnError(LookupError):
    pass


@pytest.mark.parametrize('kind', [ValueError, KeyError, ZeroDivisionError, OwnError])
def test_format_method_exception_is_of_the_same_type_and_tells_the_call(kind):
    original = kind('the reason')
    error = formatted(original, kwargs={'volume': 11})
    assert type(error) is kind
    assert error is not original
    (text,) = error.args
    assert text.startswith('Error executing `shout`! (%s)\n' % original)
    call, box = text.split('|>>>>>>>>', 1)
    assert re.search(r'\bmethod\b.*shout', call)
    assert re.search(r"\bargs\b.*\(1, 'two'\)", call)
    assert re.search(r"\bkwargs\b.*{'volume': 11}", call)
    assert_boxed('|>>>>>>>>' + box)
    assert '%s: ' % kind.__name__ in box


class TwoPartError(Exception):
    def __init__(self, code, detail):
        super().__init__(code, detail)
        self.code = code

    def __str__(self):
        return 'code %s' % self.code


@pytest.mark.new
@pytest.mark.parametrize(
    'original',
    [TwoPartError(7, 'detail'), UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte')],
    ids=lambda error: type(error).__name__,
)
def test_format_method_exception_copes_with_types_not_built_from_one_text(original):
    error = formatted(original)
    assert isinstance(error, Exception)
    assert isinstance(error, type(original)) or type(original).__name__ in str(error)
    assert 'Error executing `shout`!' in str(error)
    assert str(original) in str(error)


# ---- repeat --------------------------------------------------------------------------------


def test_repeat_returns_at_once_and_starts_at_once_in_another_thread():
    started, release = queue.Queue(), threading.Event()

    def slow(*args):
        started.put((threading.get_ident(), args))
        release.wait(10)

    begin = time.monotonic()
    with stopped_afterwards(repeat(60, slow, 'a', 2)):
        ident, args = started.get(timeout=1)
        assert time.monotonic() - begin < 0.5
        assert not release.is_set()
        assert ident != threading.get_ident()
        assert args == ('a', 2)
        release.set()
        assert_silent(started, 0.2)


def test_repeat_keeps_its_pace():
    starts = queue.Queue()
    with stopped_afterwards(repeat(0.1, lambda: starts.put(time.monotonic()))):
        times = take(starts, 11)
    assert 0.9 < times[10] - times[0] < 1.3


def test_repeat_counts_the_action_in_the_interval():
    starts = queue.Queue()

    def action():
        starts.put(time.monotonic())
        time.sleep(0.05)

    with stopped_afterwards(repeat(0.1, action)):
        times = take(starts, 11)
    assert 0.9 < times[10] - times[0] < 1.3


def test_repeat_drops_missed_starts():
    """After an action of three intervals the next starts at once, the others in the old pace."""
    starts = queue.Queue()
    durations = iter([0.35])

    def action():
        starts.put(time.monotonic())
        time.sleep(next(durations, 0))

    with stopped_afterwards(repeat(0.1, action)):
        times = take(starts, 6)
    assert 0.34 < times[1] - times[0] < 0.44
    assert 0.3 < times[5] - times[1] < 0.6


def test_repeat_with_interval_zero_runs_back_to_back():
    starts = queue.Queue()
    with stopped_afterwards(repeat(0, lambda: starts.put(time.monotonic()))):
        times = take(starts, 500)
    assert times[-1] - times[0] < 2


@pytest.mark.parametrize('stop', ['stop', 'set'])
def test_repeat_starts_nothing_more_once_stopped(stop):
    starts, timers = queue.Queue(), queue.Queue()
    count = 0

    def action():
        nonlocal count
        count += 1
        if count == 3:
            getattr(timers.get(timeout=5), stop)()
        starts.put(count)

    timer = repeat(0.02, action)
    assert not timer.is_set()
    timers.put(timer)
    assert take(starts, 3) == [1, 2, 3]
    assert timer.is_set()
    assert_silent(starts, 0.3)


def test_stopping_a_repeat_does_not_wait_for_the_action_under_way():
    started, release, finished = threading.Event(), threading.Event(), threading.Event()

    def action():
        started.set()
        release.wait(10)
        finished.set()

    timer = repeat(1, action)
    assert started.wait(5)
    begin = time.monotonic()
    timer.stop()
    assert time.monotonic() - begin < 0.3
    assert not finished.is_set()
    release.set()
    assert finished.wait(5)


def test_an_exception_ends_that_repeat_alone():
    starts = queue.Queue()

    def failing():
        starts.put('failing')
        raise ValueError('no more')

    with thread_failures() as failures, stopped_afterwards(repeat(0.02, failing)):
        assert str(failures.get(timeout=5)) == 'no more'
        assert starts.get(timeout=1) == 'failing'
        with stopped_afterwards(repeat(0.02, starts.put, 'healthy')):
            assert take(starts, 10) == ['healthy'] * 10
        assert failures.empty()


# ---- after ---------------------------------------------------------------------------------


def test_after_runs_once_after_its_delay_in_another_thread():
    runs = queue.Queue()

    def action(*args):
        runs.put((time.monotonic(), threading.get_ident(), args))

    begin = time.monotonic()
    timer = after(0.2, action, 1, 'b')
    assert time.monotonic() - begin < 0.15
    moment, ident, args = runs.get(timeout=5)
    assert 0.19 < moment - begin < 0.5
    assert ident != threading.get_ident()
    assert args == (1, 'b')
    assert_silent(runs, 0.4)
    timer.stop()  # late, and silent


@pytest.mark.parametrize('delay', [0, -1])
def test_after_without_delay_runs_at_once_in_another_thread(delay):
    runs, release = queue.Queue(), threading.Event()

    def action():
        runs.put(threading.get_ident())
        release.wait(10)

    after(delay, action)
    assert runs.get(timeout=0.5) != threading.get_ident()
    release.set()


def test_after_that_is_stopped_in_time_never_runs():
    runs = queue.Queue()
    after(0.1, runs.put, 'stopped').stop()
    after(0.15, runs.put, 'kept')
    assert runs.get(timeout=5) == 'kept'
    assert_silent(runs, 0.2)


def test_an_exception_ends_that_after_alone():
    runs = queue.Queue()

    def failing():
        raise ValueError('not me')

    with thread_failures() as failures:
        after(0, failing)
        after(0.05, runs.put, 'healthy')
        assert str(failures.get(timeout=5)) == 'not me'
        assert runs.get(timeout=5) == 'healthy'
