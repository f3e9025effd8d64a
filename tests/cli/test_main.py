"""The command as a whole: help, version, mistakes."""

import errno
import sys
from pathlib import Path

import pytest

from osbrain.cli import main
from osbrain.cli.exits import Exit

VERBS = (
    'dashboard',
    *('agents', 'nameserver', 'ping', 'shutdown', 'keys'),
    *('call', 'set', 'stop', 'kill', 'restart', 'logs', 'doctor', 'completion'),
)
OF_KEYS = ('show-fingerprint', 'new', 'rotate', 'certificate', 'copy-instructions')
# The module: the name in its package is the command.
AGENTS = sys.modules['osbrain.cli.verbs.agents']
DOCS = Path(__file__).resolve().parents[2] / 'docs' / 'cli.rst'


def test_help_names_each_verb_and_each_exit_code(osbrain):
    result = osbrain('--help')
    assert result.code == Exit.OK
    assert all(verb in result.out for verb in VERBS)
    assert all(f'{code.value:>3}  {code.meaning}' in result.out for code in Exit)


@pytest.mark.parametrize('verb', VERBS)
@pytest.mark.parametrize('flag', ['-h', '--help'])
def test_the_help_of_a_verb_has_examples(osbrain, verb, flag):
    result = osbrain(verb, flag)
    assert result.code == Exit.OK
    assert f'Examples:\n    osbrain {verb}' in result.out


@pytest.mark.parametrize('verb', OF_KEYS)
def test_the_help_of_a_verb_of_keys_has_examples(osbrain, verb):
    assert verb in osbrain('keys', '--help').out
    result = osbrain('keys', verb, '--help')
    assert result.code == Exit.OK
    assert f'Examples:\n    osbrain keys {verb}' in result.out


@pytest.mark.parametrize('verb', [verb for verb in VERBS if verb not in ('nameserver', 'keys', 'completion')])
def test_the_help_of_a_verb_that_needs_a_name_server_says_how_to_name_it(osbrain, verb):
    out = ' '.join(osbrain(verb, '--help').out.split())
    assert '--nsaddr HOST:PORT' in out
    assert 'OSBRAIN_NAMESERVER_ADDRESS' in out


def test_the_version_is_one_line_that_a_script_can_read(osbrain):
    version = sys.modules['osbrain'].__version__
    assert osbrain('--version') == (Exit.OK, f'osbrain {version}\n', '')


def test_without_a_verb_the_help_is_shown_and_it_is_a_mistake(osbrain):
    result = osbrain()
    assert result.code == Exit.USAGE
    assert 'Usage: osbrain' in result.err
    assert result.out == ''


MISTAKES = {
    'unknown verb': (['agent'], 'agent'),
    'unknown option': (['agents', '--jsn'], '--jsn'),
    'unknown option of all': (['--verbose'], '--verbose'),
    'argument of a verb that has none': (['agents', 'alice', '--nsaddr', ':1'], 'alice'),
    'two addresses': (['nameserver', ':1', ':2'], ':2'),
    'no name to ping': (['ping'], 'NAME'),
    'empty name to ping': (['ping', '', '--nsaddr', ':1'], 'empty'),
    'empty name to shut down': (['shutdown', '', '--nsaddr', ':1'], 'empty'),
    'option without its value': (['agents', '--nsaddr'], '--nsaddr'),
    'no name server for agents': (['agents'], 'OSBRAIN_NAMESERVER_ADDRESS'),
    'no name server for ping': (['ping', 'a'], 'OSBRAIN_NAMESERVER_ADDRESS'),
    'no name server for shutdown': (['shutdown'], 'OSBRAIN_NAMESERVER_ADDRESS'),
    'name server without a port': (['agents', '--nsaddr', 'localhost'], 'HOST:PORT'),
    'port that is no number': (['agents', '--nsaddr', '127.0.0.1:x'], '127.0.0.1:x'),
    'port 0 of a name server': (['agents', '--nsaddr', '127.0.0.1:0'], 'between 1 and 65535'),
    'port out of range': (['nameserver', '127.0.0.1:65536'], 'between 0 and 65535'),
    'negative port': (['agents', '--nsaddr', '127.0.0.1:-1'], 'between 0 and 65535'),
    'unknown host': (['agents', '--nsaddr', 'no such host:1'], 'no such host'),
    'no time at all': (['ping', 'a', '--nsaddr', ':1', '--timeout', '0'], '--timeout'),
    'negative time': (['shutdown', '--nsaddr', ':1', '--timeout', '-1'], '--timeout'),
    'time that is no number': (['ping', 'a', '--nsaddr', ':1', '--timeout', 'nan'], '--timeout'),
    'endless time': (['nameserver', '--timeout', 'inf'], '--timeout'),
    'negative drain': (['shutdown', '--nsaddr', ':1', '--drain', '-1'], '--drain'),
    'drain until after the kill': (['shutdown', '--nsaddr', ':1', '--drain', '5'], 'more than 10'),
    'names and the name server': (['shutdown', 'a', '--nameserver', '--nsaddr', ':1'], '--nameserver'),
    'host with a port to advertise': (['nameserver', '--advertise', 'lab:9'], '--advertise'),
    'unknown verb of keys': (['keys', 'show'], 'show'),
    'argument of a verb of keys that has none': (['keys', 'new', 'key'], 'key'),
    'two machines to copy to': (['keys', 'copy-instructions', 'lab3', 'lab4'], 'lab4'),
    'no days': (['keys', 'certificate', '--days', '0'], '--days'),
    'negative days': (['keys', 'certificate', '--days', '-1'], '--days'),
    'part of a day': (['keys', 'certificate', '--days', '1.5'], '--days'),
    'days without end': (['keys', 'certificate', '--days', '9999999'], 'from 1 to 3650'),
    'two steps at once': (['keys', 'rotate', '--prepare', '--finish'], 'one after the other'),
    'no key to use': (['keys', 'rotate', '--use'], '--use'),
    'no host to advertise': (['nameserver', '--advertise', ''], '--advertise'),
}


@pytest.mark.parametrize('case', MISTAKES)
def test_a_mistake_is_one_line_that_names_it_and_the_help(osbrain, case):
    argv, fragment = MISTAKES[case]
    result = osbrain(*argv)
    assert result.code == Exit.USAGE
    assert result.out == ''
    assert fragment in result.err
    assert result.err.startswith('osbrain')
    assert result.err.endswith(' --help)\n')
    assert result.err.count('\n') == 1


def test_without_arguments_main_takes_those_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['osbrain', '--version'])
    assert main() == Exit.OK
    assert capsys.readouterr().out.startswith('osbrain ')


def test_ctrl_c_has_an_exit_code_and_no_traceback(osbrain, server, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(AGENTS, 'show_json', interrupted)
    result = osbrain('agents', '--json', '--nsaddr', server.local)
    assert result.code == Exit.INTERRUPTED
    assert result.err.split() == ['Interrupted.']


def test_output_that_cannot_be_written_is_one_line(osbrain, server, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(AGENTS, 'show_json', full)
    result = osbrain('agents', '--json', '--nsaddr', server.local)
    assert result.code == Exit.FAILED
    assert result.err == 'osbrain: [Errno 28] No space left on device\n'


def test_exit_codes_are_told_apart():
    assert len({code.value for code in Exit}) == len(Exit.__members__)


def test_the_manual_lists_each_exit_code_as_it_is():
    text = ' '.join(DOCS.read_text(encoding='utf-8').split())
    for code in Exit:
        assert f'* - {code.value} - ``{code.name}``' in text


@pytest.mark.parametrize('verb', [*VERBS, *(f'keys {verb}' for verb in OF_KEYS)])
def test_the_manual_describes_each_option(osbrain, verb):
    text = DOCS.read_text(encoding='utf-8')
    words = osbrain(*verb.split(), '--help').out.replace('/', ' ').split()
    options = {word.strip('.,') for word in words if word.startswith('--')}
    assert options
    assert {option for option in options if f'``{option}' not in text and f' {option}' not in text} == set()
