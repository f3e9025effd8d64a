"""A run that was recorded is traded once more on the recording, and nobody can tell the difference."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from examples.trading.plan import make_plan, make_replay
from examples.trading.platform import run
from examples.trading.report import print_report
from osbrain.recording import Recording

ROOT = Path(__file__).parents[3]
SPAN = {'start': date(2012, 4, 2), 'end': date(2013, 3, 1)}
LIMIT = 300  # seconds; on an idle machine the slowest takes 4


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return tmp_path_factory.mktemp('tape') / 'feeds.mcap'


@pytest.fixture(scope='module')
def recorded(path):
    return run(make_plan(**SPAN, record=path))


@pytest.fixture(scope='module')
def replayed(path, recorded):
    return run(make_replay(path))


def report(results):
    """Return all that is printed of a run, curves included."""
    console = Console(file=io.StringIO(), width=100)
    print_report(results, console)
    return console.file.getvalue()


def test_the_books_come_out_equal(recorded, replayed, kept):
    """Every fill, every point of every curve, cash, positions and trades, in whole units of money."""
    assert recorded.outcomes.keys() == replayed.outcomes.keys()
    for name, outcome in recorded.outcomes.items():
        assert vars(outcome.account) == vars(replayed.outcomes[name].account), name
        assert kept(outcome) == kept(replayed.outcomes[name]), name
    assert all(outcome.account.fills for outcome in replayed.outcomes.values())


def test_the_books_are_those_of_the_plain_loop_over_the_prices(replayed, plain_loop, kept):
    plan = make_plan(**SPAN)
    for name, outcome in replayed.outcomes.items():
        assert kept(outcome) == plain_loop(plan, name), name


def test_everybody_has_counted_the_same(recorded, replayed):
    assert (replayed.bars, replayed.counts) == (recorded.bars, recorded.counts)
    assert replayed.discrepancies() == recorded.discrepancies() == []


def test_the_reports_are_equal_to_the_letter(recorded, replayed):
    assert report(replayed) == report(recorded)


def test_all_that_was_published_is_on_the_recording(path, recorded):
    for market, symbols in recorded.plan.markets.items():
        bars = f'feed.{market}', 'bars'
        numbers = [message.number for message in Recording(path) if (message.agent, message.alias) == bars]
        bells = len(recorded.plan.days)
        assert numbers == list(range(1, recorded.plan.bars_of(symbols) + bells + 1))


def test_both_are_options_of_the_command(tmp_path):
    def command(*arguments):
        done = subprocess.run(
            [sys.executable, '-m', 'examples.trading', '--headless', '--png', str(tmp_path / 'e.png'), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, '')
        return done.stdout

    path = str(tmp_path / 'feeds.mcap')
    first = command('--symbols', 'IBM,MSFT', '--from', '2012-04-02', '--to', '2012-08-31', '--record', path)
    assert command('--replay', path) == first
