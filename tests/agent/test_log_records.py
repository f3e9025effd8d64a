"""One record for each call: published where there is a logger, printed where somebody should see it."""

import re
import sys
from types import SimpleNamespace

import pytest

from osbrain._agent.log import LogLevel, log, record_text
from osbrain._protocol.patterns.pub_sub import Pub
from osbrain._protocol.patterns.push_pull import Push
from osbrain._protocol.serializers import CODECS
from osbrain.address import AgentAddress
from osbrain.errors import LoggerInvalid

RECORD = r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\] \(a0\): hello'


@pytest.fixture
def logger():
    """A publisher to which somebody is subscribed."""
    sent = []
    wire = SimpleNamespace(send=lambda frames, timeout=None: sent.append(frames), sent=sent, has_news=lambda: False)
    pub = Pub(None, AgentAddress('inproc', 'x', 'PUB', 'client', 'json'), CODECS['json'], wire)
    pub.receive(b'\x01')
    return pub


def test_a_record_is_moment_agent_and_message():
    assert re.fullmatch(RECORD, record_text('a0', 'hello'))
    assert record_text('a0', ['any', 'object']).endswith("(a0): ['any', 'object']")
    assert record_text('a0', '100 %s').endswith(': 100 %s')


@pytest.mark.parametrize('level, error', [('DEBUG', False), ('INFO', False), ('WARNING', False), ('ERROR', True)])
def test_without_a_logger_every_level_is_printed(capsys, level, error):
    log('a0', level, 'hello', None)
    out, err = capsys.readouterr()
    printed, empty = (err, out) if error else (out, err)
    assert re.fullmatch(f'{level} {RECORD}\n', printed)
    assert empty == ''


@pytest.mark.parametrize('level, printed', [('DEBUG', 0), ('INFO', 0), ('WARNING', 1), ('ERROR', 1)])
def test_with_a_logger_every_level_is_published_once_and_printed_if_somebody_should_look(
    capsys, logger, level, printed
):
    log('a0', level, 'hello', logger)
    (frame,) = logger.wire.sent
    topic, _, message = frame.partition(b'\x80')
    assert topic == level.encode()
    assert re.fullmatch(RECORD, logger.codec.load(message))
    assert sum(map(len, (one.splitlines() for one in capsys.readouterr()))) == printed


def test_a_logger_that_is_no_publisher_is_refused(capsys):
    wire = SimpleNamespace(send=None)
    push = Push(None, AgentAddress('inproc', 'x', 'PUSH', 'client', 'json'), CODECS['json'], wire)
    with pytest.raises(LoggerInvalid, match='Logger must use publisher-subscriber pattern!') as caught:
        log('a0', 'INFO', 'hello', push)
    assert isinstance(caught.value, (AssertionError, ValueError))


def test_a_process_without_output_logs_all_the_same(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', None)
    monkeypatch.setattr(sys, 'stderr', None)
    log('a0', 'INFO', 'hello', None)
    log('a0', 'ERROR', 'hello', None)


@pytest.mark.parametrize('level', ['', 'info', 'FATAL', None, 1])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match='Incorrect value'):
        LogLevel(level)
    with pytest.raises(ValueError, match='Incorrect value'):
        log('a0', level, 'hello', None)
