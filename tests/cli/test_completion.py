"""What a shell is offered when somebody presses Tab: fast, or nothing."""

import shutil
import subprocess
import time

import pytest

from osbrain import Agent
from osbrain.cli.exits import Exit


class Feed(Agent):
    def on_init(self):
        self.price = self.pace = 1

    def publish(self):
        """Never called."""


@pytest.fixture
def offered(osbrain, monkeypatch, capsys):
    """Ask as bash does what could come after *line*; return the words."""

    def ask(line):
        words = line.split(' ')
        monkeypatch.setenv('COMP_WORDS', line)
        monkeypatch.setenv('COMP_CWORD', str(len(words) - 1))
        monkeypatch.setenv('_OSBRAIN_COMPLETE', 'bash_complete')
        with pytest.raises(SystemExit) as ended:
            osbrain()
        assert ended.value.code == 0
        out, err = capsys.readouterr()
        assert err == ''
        return [word.removeprefix('plain,') for word in out.splitlines() if word]

    return ask


def test_verbs_and_options_are_offered(offered):
    assert offered('osbrain sh') == ['show', 'shutdown']
    assert '--timeout' in offered('osbrain ping --t')
    assert offered('osbrain completion z') == ['zsh']


def test_names_methods_and_attributes_are_those_of_the_running_system(offered, here, server, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', str(server.local))
    here.run(Feed, 'feed')
    here.run(name='feeder')
    server._server.register('fee\x1bd', 'PYRO:a@127.0.0.1:1')
    assert offered('osbrain ping fe') == ['feed', 'feeder']
    assert offered('osbrain stop feed fe') == ['feeder']
    assert offered('osbrain call feed pub') == ['publish']
    assert offered('osbrain set feed p') == ['pace=', 'price=']
    assert offered('osbrain set nobody p') == []


def test_a_name_server_on_the_line_counts_too(offered, here, server):
    here.run(name='feed')
    assert offered(f'osbrain ping --nsaddr {server.local} f') == ['feed']


def test_without_a_name_server_nothing_is_offered(offered):
    assert offered('osbrain ping f') == []


def test_who_does_not_answer_keeps_nobody_waiting(offered, foreign, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', str(foreign))
    began = time.monotonic()
    assert offered('osbrain ping f') == []
    assert time.monotonic() - began < 5


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_the_script_of_each_shell_is_one_that_it_reads(osbrain, shell):
    result = osbrain('completion', shell)
    assert (result.code, result.err) == (Exit.OK, '')
    assert '_OSBRAIN_COMPLETE' in result.out
    if shutil.which(shell):
        subprocess.run([shell, '-n'], input=result.out, text=True, check=True, timeout=60)


def test_another_shell_is_a_mistake(osbrain):
    result = osbrain('completion', 'csh')
    assert (result.code, result.out) == (Exit.USAGE, '')
