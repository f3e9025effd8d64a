"""Mistakes on the command line are told in one line, before anything is measured."""

import sys

import pytest

from benchmarks.__main__ import main
from benchmarks.catalogue import WORKS
from benchmarks.exits import Exit


@pytest.mark.parametrize(
    'argv, what',
    [
        (['--only', 'perpetual motion'], 'nothing is named perpetual motion: see --list'),
        (['--rounds', '0'], '--rounds'),
        (['--fast'], '--fast'),
        (['--json', 'no/such/folder/out.json'], 'cannot write no/such/folder/out.json: there is no such folder'),
        (['--plot', 'no/such/folder/out.png'], 'cannot write no/such/folder/out.png: there is no such folder'),
    ],
)
def test_a_mistake_is_told_in_one_line(argv, what, capsys):
    assert main(argv) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ''
    assert err.startswith('Error: ')
    assert err.count('\n') == 1
    assert what in err


def test_without_matplotlib_there_is_no_plot(monkeypatch, capsys, tmp_path):
    monkeypatch.delitem(sys.modules, 'benchmarks.chart', raising=False)
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    for name in [name for name in sys.modules if name.startswith('matplotlib.')]:
        monkeypatch.setitem(sys.modules, name, None)
    assert main(['--plot', str(tmp_path / 'out.png')]) == Exit.USAGE
    assert "pip install 'osbrain[benchmarks]'" in capsys.readouterr().err


def test_everything_that_is_measured_can_be_listed(capsys):
    assert main(['--list']) == Exit.OK
    assert capsys.readouterr().out.splitlines() == [metric.name for work in WORKS for metric in work.metrics]


def test_a_list_can_be_narrowed_down(capsys):
    assert main(['--list', '--only', 'proxy calls']) == Exit.OK
    assert capsys.readouterr().out.splitlines() == ['proxy calls, safe', 'proxy calls, unsafe']


def test_help_ends_well(capsys):
    assert main(['--help']) == Exit.OK
    assert '--against PYTHON' in capsys.readouterr().out
