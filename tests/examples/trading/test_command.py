"""A mistake on the command line is told in one line, before anything has started."""

import re

import pytest

from examples.trading.__main__ import main


@pytest.mark.parametrize(
    'arguments, answer',
    [
        (['--symbols', 'AAPL,XYZ'], r"unknown symbol 'XYZ': choose from AAPL, .*"),
        (['--symbols', ','], r'no symbol given: .*'),
        (
            ['--from', '2012-02-01', '--to', '2012-01-01'],
            r'the last date .* lies before the first .*',
        ),
        (['--from', '2013-03-02'], r'no prices of .* in that time: they begin on .*'),
        (['--from', 'yesterday'], r".*'yesterday' does not match the format.*"),
        (['--speed', '-1'], r'the speed must be 0 .*'),
        (['--speed', 'fast'], r".*'fast' is not a valid float.*"),
        (['--sabotage', 'typo'], r"unknown strategy 'typo': choose from hold, .*"),
        (['--symbols', 'IBM', '--sabotage', 'breakout'], r"'breakout' cannot be sabotaged: .*"),
        (['--png', 'no/such/folder/equity.png'], r'cannot write no/such/folder/equity.png: .*'),
        (['--record', 'no/such/folder/feeds.mcap'], r'cannot write no/such/folder/feeds.mcap: .*'),
        (['--record', 'feeds.mcap', '--restart'], r'a run is recorded in which nobody is expected to die'),
        (['--record', 'feeds.mcap', '--sabotage', 'hold'], r'a run is recorded in which nobody .*'),
        (['--record', 'feeds.mcap', '--to', '2010-01-31'], r'FB has no prices in that time: .*'),
        (['--replay', 'no/such/feeds.mcap'], r'no/such/feeds.mcap: No such file or directory'),
        (['--replay', 'README.md'], r'README.md cannot be read as a recording: it is no MCAP file'),
        (['--replay', 'feeds.mcap', '--from', '2012-01-01'], r'--from does not go with --replay: .*'),
        (['--replay', 'feeds.mcap', '--record', 'b.mcap'], r'--record does not go with --replay: .*'),
        (['--typo'], r'.*--typo.*'),
        (['surplus'], r'.*surplus.*'),
    ],
)
def test_a_mistake_is_told_in_one_line_with_exit_code_2(arguments, answer, capsys):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ''
    assert re.fullmatch(f'Error: {answer}\n', told.err), told.err


def test_a_folder_is_no_file_for_the_curves(tmp_path, capsys):
    assert main(['--png', str(tmp_path)]) == 2
    assert 'is a directory' in capsys.readouterr().err


def test_help_names_every_option_and_every_strategy(capsys):
    assert main(['--help']) == 0
    shown = capsys.readouterr().out
    for word in ('symbols', 'from', 'to', 'speed', 'sabotage', 'restart', 'record', 'replay', 'png', 'headless'):
        assert f'--{word}' in shown
    for name in ('hold', 'crossover', 'breakout', 'reversion'):
        assert name in shown
