"""Keys as a terminal sends them, in one that the test holds the other end of."""

import os
import pty
import termios

import pytest

from osbrain._clock import Deadline
from osbrain.cli.keyboard import Keyboard, keys_in

LIMIT = 5  # seconds for what takes milliseconds


@pytest.mark.parametrize(
    'data, keys',
    [
        (b'', []),
        (b'qr', ['q', 'r']),
        (b'\x1b[A\x1bOB', ['up', 'down']),
        (b'\x1b[C\x1b[D', ['right', 'left']),
        (b'\x1b[5~\x1b[6~q', ['page up', 'page down', 'q']),
        (b'\x1b[Hq', ['home', 'q']),
        (b'\x1b', []),
        (b'\x1b[24~q', ['q']),
        (b'\x1b[1;5Cq', ['q']),
        (b'\r\n\t\x00q', ['q']),
        ('é'.encode() + b'q', ['q']),
    ],
)
def test_bytes_are_keys(data, keys):
    assert keys_in(data) == keys


@pytest.fixture
def terminal(monkeypatch):
    """The other end of the terminal that is standard input."""
    other, own = pty.openpty()
    stream = os.fdopen(own)
    monkeypatch.setattr('sys.stdin', stream)
    yield other
    stream.close()
    os.close(other)


def test_keys_come_without_return_and_the_terminal_is_as_before(terminal):
    before = termios.tcgetattr(terminal)
    with Keyboard() as keyboard:
        os.write(terminal, b'm')
        assert keyboard.wait(Deadline(LIMIT)) == ['m']
        assert keyboard.wait(Deadline(0)) == []
    assert termios.tcgetattr(terminal) == before


def test_where_there_is_no_terminal_there_are_no_keys(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream, os.fdopen(writing, 'w') as other:
        monkeypatch.setattr('sys.stdin', stream)
        other.write('q')
        other.flush()
        with Keyboard() as keyboard:
            assert keyboard.wait(Deadline(0.01)) == []


def test_without_standard_input_there_are_no_keys(monkeypatch):
    monkeypatch.setattr('sys.stdin', None)
    with Keyboard() as keyboard:
        assert keyboard.wait(Deadline(0.01)) == []
