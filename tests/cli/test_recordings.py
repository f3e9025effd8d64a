"""Recording and replaying what is not there, or cannot be read or written; the rest is in tests/processes."""

import pickle
import sys
from pathlib import Path

import pytest

from osbrain.cli.exits import Exit
from osbrain.cli.verbs.record import _sum_up as sum_up_recorded
from osbrain.cli.verbs.replay import _sum_up as sum_up_replayed
from osbrain.recording import Recorded, Replayed
from osbrain.recording.observation import Observation, Source
from osbrain.recording.writing import Tape


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'day.mcap'


@pytest.fixture
def day(path):
    """A recording of what a feed has published, and of requests to it."""
    tape = Tape(path)
    for number in range(3):
        for source, direction, what in (
            (Source('feed', 'bars', 'PUB', 'json'), 'out', 'message'),
            (Source('feed', 'missed', 'REP', 'pickle'), 'in', 'request'),
        ):
            body = b'1' if source.serializer == 'json' else pickle.dumps(1)
            tape.add(Observation(source, number, direction, number, number, b'', what, body, len(body)))
    tape.close()
    return path


def complaint(result, code):
    """Return the one line of a command that has ended with *code*."""
    assert (result.code, result.out) == (code, '')
    assert result.err.count('\n') == 1, result.err
    return result.err


# -- record ------------------------------------------------------------------------------------------------------------


def test_an_unknown_agent_is_told_with_the_one_that_was_meant_and_no_file_is_made(osbrain, server, path):
    server._server.register('feed', 'PYRO:a@127.0.0.1:1')
    result = osbrain('record', '-o', path, 'fed:bars', '--nsaddr', server.local)
    assert complaint(result, Exit.UNKNOWN_AGENT) == (
        'osbrain record: no agent is called fed (did you mean feed?)\n'
    )
    assert not path.exists()


def test_an_agent_that_does_not_answer_is_told_and_no_file_is_made(osbrain, server, free_port, path):
    server._server.register('feed', f'PYRO:a@127.0.0.1:{free_port}')
    result = osbrain('record', '-o', path, 'feed:bars', '--nsaddr', server.local)
    assert "agent 'feed' cannot be reached" in complaint(result, Exit.NOT_ANSWERING)
    assert not path.exists()


@pytest.mark.parametrize('target', ['feed', ':bars', 'feed:', ''])
def test_what_to_record_is_an_agent_and_one_of_its_sockets(osbrain, server, path, target):
    result = osbrain('record', '-o', path, target, '--nsaddr', server.local)
    assert 'NAME:ALIAS is needed' in complaint(result, Exit.USAGE)


def test_without_a_file_nothing_is_recorded(osbrain, server):
    assert '--output' in complaint(osbrain('record', 'feed:bars', '--nsaddr', server.local), Exit.USAGE)


@pytest.mark.parametrize('verb', [('record', 'feed:bars', '-o'), ('replay',)])
def test_a_missing_name_server_is_one_line(osbrain, free_port, day, verb):
    result = osbrain(*verb, day, '--nsaddr', f'127.0.0.1:{free_port}')
    assert 'no name server at' in complaint(result, Exit.NO_NAMESERVER)


# -- replay ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'content, why',
    [
        (b'', 'it is empty'),
        (b'time,price\n', 'it is no MCAP file'),
        (b'\x89MCAP1\r\n' + bytes(99), 'it is MCAP of version'),
        (b'\x89MCAP0\r\n', 'it was cut off'),
    ],
)
def test_what_is_no_recording_says_what_it_is(osbrain, server, path, content, why):
    path.write_bytes(content)
    result = osbrain('replay', path, '--nsaddr', server.local)
    assert why in complaint(result, Exit.RECORDING_UNREADABLE)


def test_a_file_that_is_not_there_is_one_line(osbrain, server, path):
    result = osbrain('replay', path, '--nsaddr', server.local)
    assert complaint(result, Exit.RECORDING_UNREADABLE) == f'osbrain replay: {path}: No such file or directory\n'


def test_a_recording_of_requests_alone_holds_nothing_to_be_sent_again(osbrain, server, day):
    result = osbrain('replay', day, 'feed:missed', '--nsaddr', server.local)
    assert 'nothing in it was sent by a PUB' in complaint(result, Exit.RECORDING_UNREADABLE)


@pytest.mark.parametrize(
    'arguments, why',
    [
        (['feed:trades'], 'among those recorded (feed:bars, feed:missed)'),
        (['feed'], 'NAME:ALIAS is needed'),
        (['--map', 'fed:feed2'], 'among those recorded (feed)'),
        (['--map', 'feed'], 'OLD:NEW is needed'),
        (['--speed', '-1'], 'is no speed'),
        (['--speed', 'nan'], 'is no speed'),
        (['--speed', 'fast'], 'is no speed'),
        (['--wait', '-1'], 'is no number of receivers'),
        (['--wait', 'all'], 'is no number of receivers'),
        (['--patience', '0'], 'is no number of seconds'),
        (['--in-step', 'nan'], 'is no number of seconds'),
    ],
)
def test_a_mistake_on_the_command_line_is_told_before_anything_starts(osbrain, server, day, arguments, why):
    result = osbrain('replay', day, *arguments, '--nsaddr', server.local)
    assert why in complaint(result, Exit.USAGE)


def test_an_agent_that_is_there_already_is_not_replaced(osbrain, server, day):
    server._server.register('feed', 'PYRO:a@127.0.0.1:1')
    told = complaint(osbrain('replay', day, 'feed:bars', '--nsaddr', server.local), Exit.NAME_TAKEN)
    assert told == (
        'osbrain replay: there is an agent already that is called feed '
        '(end it, or replay under another name: --map feed:feed2)\n'
    )


@pytest.mark.parametrize('verb', [('record', 'feed:bars', '-o'), ('replay',)])
def test_without_the_package_one_line_says_what_to_install(osbrain, server, path, monkeypatch, verb):
    server._server.register('feed', 'PYRO:a@127.0.0.1:1')
    monkeypatch.setitem(sys.modules, 'mcap.writer', None)
    monkeypatch.delitem(sys.modules, 'osbrain.recording.container', raising=False)
    monkeypatch.delattr('osbrain.recording.container', raising=False)
    result = osbrain(*verb, path, '--nsaddr', server.local)
    assert "pip install 'osbrain[mcap]'" in complaint(result, Exit.EXTRA_MISSING)


# -- What is said at the end -------------------------------------------------------------------------------------------


def test_a_recorder_says_what_it_has_missed_and_who_has_ended(capsys):
    feed, broker = Source('feed', 'bars', 'PUB', 'json'), Source('broker', 'orders', 'REP', 'json')
    recorded = Recorded(Path('day.mcap'), 1_234, 56_789, 3, (feed, broker, feed))
    assert sum_up_recorded(recorded, 2.0, over=True, as_json=False) is Exit.AGENT_ENDED
    assert capsys.readouterr().err.splitlines() == [
        'osbrain: feed:bars ended meanwhile, 2 times',
        'osbrain: broker:orders ended meanwhile',
        '1,234 messages (56,789 bytes) in 2.0 s; 3 more came faster than they could be written.',
    ]


def test_a_replay_says_how_late_it_was_and_what_was_dropped(capsys):
    sum_up_replayed(Replayed({'feed': 1}, 1.0, 0.0042, 2, ('the part at byte 100 is damaged',)))
    assert capsys.readouterr().err.splitlines() == [
        '1 message in 1.0 s, at most 4 ms late.',
        'osbrain: 2 times the queue of a subscriber was full, and what was for it was dropped',
        'osbrain: the part at byte 100 is damaged',
    ]
