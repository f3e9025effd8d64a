"""Tracebacks in a frame, set apart from the reader's own."""

import pytest

from osbrain._traceback import format_exception, framed, traceback_of


def fail():
    raise LookupError('first line\nsecond line')


def test_every_line_stands_behind_a_bar_between_two_rules():
    lines = framed('one\n\n  two\n').split('\n')
    assert lines[0] == ''
    assert lines[1].startswith('|>>>>>>>>') and set(lines[1][1:]) == {'>'}
    assert lines[2:-1] == ['|one', '|', '|  two']
    assert lines[-1].startswith('|<<<<<<<<') and set(lines[-1][1:]) == {'<'}
    assert len(lines[1]) == len(lines[-1])


def test_the_exception_being_handled_is_written_with_its_traceback():
    with pytest.raises(LookupError) as caught:
        fail()
    try:
        raise caught.value
    except LookupError:
        text = format_exception()
    assert '|Traceback (most recent call last):' in text
    assert 'in fail' in text
    assert '|LookupError: first line\n|second line\n|<' in text


def test_outside_of_a_handler_there_is_a_frame_all_the_same():
    assert all(line.startswith('|') for line in format_exception().strip('\n').split('\n'))


def test_an_exception_is_written_plainly_with_its_cause():
    with pytest.raises(KeyError) as caught:
        try:
            fail()
        except LookupError as error:
            raise KeyError('second') from error
    text = traceback_of(caught.value)
    assert text.index('LookupError: first line') < text.index("KeyError: 'second'")
    assert not any(line.startswith('|') for line in text.split('\n'))


def test_an_exception_that_was_never_raised_is_written_too():
    assert traceback_of(LookupError('why')) == 'LookupError: why\n'
