"""The platform trades as a plain loop would, whatever the timing and whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from examples.trading.audit import audit
from examples.trading.plan import Plan, make_plan
from examples.trading.platform import Platform, run
from examples.trading.watch import PlatformError, Watch
from osbrain import config, run_nameserver

ROOT = Path(__file__).parents[3]
# All five symbols, and the date on which FB comes to the market.
SPAN = {'start': date(2012, 4, 2), 'end': date(2013, 3, 1)}
PROMPT = 15.0  # seconds after which nobody would call it prompt


@pytest.fixture(scope='module')
def plan():
    return make_plan(**SPAN)


@pytest.fixture(scope='module')
def results(plan):
    return run(plan)


def command(*arguments, **options):
    """Start the example as a user does."""
    options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True, **options}
    return subprocess.Popen([sys.executable, '-m', 'examples.trading', *arguments], cwd=ROOT, **options)


def finish(process):
    """Return the exit code, the output and the errors of a process, which must end by itself."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_books_are_those_of_the_plain_loop(plan, results, plain_loop, kept):
    """Every fill, every point of every curve, every order and refusal: exactly."""
    for name, outcome in results.outcomes.items():
        assert kept(outcome) == plain_loop(plan, name), name


def test_the_comparison_compares_something(results):
    """Every strategy trades in this span, and the risk agent says no to one of them."""
    assert all(outcome.account.fills for outcome in results.outcomes.values())
    assert any(outcome.refused for outcome in results.outcomes.values())


def test_every_bar_is_accounted_for_from_end_to_end(plan, results):
    assert results.discrepancies() == []
    assert results.bars['feeds'] == {symbol: plan.bars_of([symbol]) for symbol in plan.symbols}
    assert results.bars['broker'] == results.bars['portfolio'] == results.bars['feeds']
    for name, symbols in plan.strategies.items():
        assert results.bars[name] == {symbol: plan.bars_of([symbol]) for symbol in symbols}


def test_every_order_fill_and_line_of_log_is_accounted_for(results):
    orders = sum(outcome.orders for outcome in results.outcomes.values())
    refused = sum(outcome.refused for outcome in results.outcomes.values())
    fills = sum(len(outcome.account.fills) for outcome in results.outcomes.values())
    assert set(results.counts['orders'].values()) == {orders}
    assert set(results.counts['fills'].values()) == {fills}
    assert set(results.counts['lines of log'].values()) == {fills + refused}


def test_a_second_run_gives_the_same(plan, results):
    again = run(plan)
    assert [vars(outcome.account) for outcome in again.outcomes.values()] == [
        vars(outcome.account) for outcome in results.outcomes.values()
    ]
    assert (again.bars, again.counts) == (results.bars, results.counts)


@pytest.mark.parametrize('symbols', [['IBM'], ['AAPL', 'FB'], ['FB', 'IBM']])
def test_any_choice_of_symbols_gives_the_books_of_the_plain_loop(symbols, plain_loop, kept):
    """One market or two, one of which may have nothing to publish on most dates."""
    plan = make_plan(symbols, date(2012, 4, 2), date(2012, 8, 31))
    results = run(plan)
    assert results.discrepancies() == []
    for name, outcome in results.outcomes.items():
        assert kept(outcome) == plain_loop(plan, name), name


def test_progress_is_told_up_to_the_last_date():
    told = []
    plan = make_plan(['IBM'], date(2012, 4, 2), date(2012, 4, 30))
    run(plan, told.append)
    assert told == sorted(told)
    assert told[-1] == len(plan.days)


def test_the_speed_is_kept():
    """Eleven dates at twenty a second: the last is published half a second after the first."""
    plan = make_plan(['IBM'], date(2012, 4, 2), date(2012, 4, 17), speed=20)
    assert len(plan.days) == 11
    with run_nameserver():
        platform = Platform(plan)
        platform.wire()
        began = time.monotonic()
        Watch(platform).trade(lambda rounds: None)
        assert 0.5 <= time.monotonic() - began < 0.5 + PROMPT


# When somebody dies.


@pytest.fixture(scope='module')
def broken():
    return run(make_plan(**SPAN, sabotage='crossover'))


def test_a_sabotaged_strategy_takes_no_other_down(broken, results, kept):
    for name in ('hold', 'breakout', 'reversion'):
        assert kept(broken.outcomes[name]) == kept(results.outcomes[name]), name
        assert broken.outcomes[name].failure is None
        assert broken.bars[name] == results.bars[name]
    for agent in ('feeds', 'broker', 'portfolio'):
        assert broken.bars[agent] == results.bars[agent]
    assert broken.discrepancies() == []


def test_the_results_of_a_sabotaged_strategy_end_where_it_stopped(broken, plan, plain_loop, kept):
    """It fails on the first bar of the date, after the orders of the date before were filled."""
    outcome, day = broken.outcomes['crossover'], broken.plan.sabotage_day()
    assert outcome.failure == (day, 'AAPL', 'RuntimeError: sabotaged, as asked for')
    whole = plain_loop(plan, 'crossover')
    found = kept(outcome)
    assert found.fills == [fill for fill in whole.fills if fill.date <= day]
    assert found.curve == [point for point in whole.curve if point[0] <= day]
    assert 0 < len(found.curve) < len(whole.curve)


def test_sabotage_is_the_same_on_every_run(broken, kept):
    again = run(broken.plan)
    for name, outcome in broken.outcomes.items():
        assert kept(again.outcomes[name]) == kept(outcome), name
        assert again.outcomes[name].failure == outcome.failure
    assert (again.bars, again.counts) == (broken.bars, broken.counts)


@pytest.mark.new  # 0.6.5 cannot shut down a name server that knows the name of a killed process
def test_a_strategy_whose_process_is_killed_takes_no_other_down(plan, results, kept):
    with run_nameserver():
        platform = Platform(make_plan(**SPAN, speed=200))
        platform.wire()
        victim = platform.strategists['hold'].execute_as_function(os.getpid)

        def kill_half_way(rounds):
            nonlocal victim
            if victim and rounds > len(plan.days) // 3:
                os.kill(victim, signal.SIGKILL)
                victim = None

        failures = Watch(platform).trade(kill_half_way)
        accounts = platform.portfolio.get_attr('accounts')
    assert failures['hold'].error == 'its process has ended'
    assert accounts['hold'].curve[-1][0] == failures['hold'].date < plan.days[-1][0]
    for name in ('crossover', 'breakout', 'reversion'):
        assert accounts[name].curve == results.outcomes[name].account.curve


# When somebody comes back.


def same(found, expected, kept):
    """Whether two runs have had the same: books, bars, orders, fills and lines of log."""
    assert found.discrepancies() == []
    for name, outcome in expected.outcomes.items():
        assert kept(found.outcomes[name]) == kept(outcome), name
        assert found.outcomes[name].failure is None
    assert (found.bars, found.counts) == (expected.bars, expected.counts)


@pytest.mark.new  # 0.6.5 restarts nobody
def test_a_sabotaged_strategy_that_is_restarted_leaves_no_trace_in_the_books(results, kept):
    found = run(make_plan(**SPAN, sabotage='crossover', restart=True))
    same(found, results, kept)
    day = found.plan.sabotage_day()
    deaths = {name: outcome.deaths for name, outcome in found.outcomes.items() if outcome.deaths}
    assert deaths == {'crossover': (f'stopped at the bar of AAPL, {day}: RuntimeError: sabotaged, as asked for',)}


@pytest.mark.new  # 0.6.5 restarts nobody
@pytest.mark.parametrize('date_number', [0, 1, -1])
def test_any_date_may_be_that_of_the_crash(date_number, kept, monkeypatch):
    """The first, of which nothing is saved before, and the last, which nobody waits for afterwards, too."""
    week = {'start': date(2012, 5, 14), 'end': date(2012, 5, 22)}
    expected = run(make_plan(**week))
    day = expected.plan.days[date_number][0]
    monkeypatch.setattr(Plan, 'sabotage_day', lambda plan: day)
    found = run(make_plan(**week, sabotage='hold', restart=True))
    same(found, expected, kept)
    assert len(found.outcomes['hold'].deaths) == 1


@pytest.mark.new  # 0.6.5 restarts nobody
def test_strategies_whose_processes_are_killed_and_restarted_leave_no_trace_in_the_books(results, kept):
    """At any moment: with half of a date received, with orders under way, with the receipt just sent."""
    with run_nameserver():
        platform = Platform(make_plan(**SPAN, speed=200, restart=True))
        platform.wire()
        victims = ['hold', 'crossover', 'reversion', 'hold']
        watch = Watch(platform)

        def kill(rounds):
            if victims and rounds > 30 * (5 - len(victims)):
                pid = platform.strategists[victims.pop()].execute_as_function(os.getpid)
                os.kill(pid, signal.SIGKILL)

        failures = watch.trade(kill)
        same(audit(platform, failures, watch.deaths), results, kept)
    assert not victims
    assert {name: len(deaths) for name, deaths in watch.deaths.items()} == {'hold': 2, 'crossover': 1, 'reversion': 1}
    assert all('SIGKILL' in death for deaths in watch.deaths.values() for death in deaths)


@pytest.mark.new  # 0.6.5 restarts nobody
def test_a_strategy_that_stays_away_is_gone_on_without(results, kept, monkeypatch):
    """It was shut down, and so nobody starts it again."""
    monkeypatch.setattr('examples.trading.watch.AWAY', 0.3)
    with run_nameserver():
        platform = Platform(make_plan(**SPAN, speed=100, restart=True))
        platform.wire()
        watch = Watch(platform)

        def end(rounds):
            if 'hold' not in watch.deaths:
                platform.strategists['hold'].shutdown()

        failures = watch.trade(end)
        found = audit(platform, failures, watch.deaths)
    assert list(failures) == ['hold']
    for name in ('crossover', 'breakout', 'reversion'):
        assert kept(found.outcomes[name]) == kept(results.outcomes[name]), name


# When somebody dies who is needed.


@pytest.mark.parametrize('name', ['feed.NYSE', 'broker', 'risk', 'portfolio', 'logger'])
def test_who_is_needed_and_stops_ends_the_run(name):
    """Promptly, with an error that names it; nobody waits for ever."""
    with run_nameserver():
        platform = Platform(make_plan(**SPAN, speed=20))
        platform.wire()

        def stop(rounds):
            platform.needed[name].stop()

        began = time.monotonic()
        with pytest.raises(PlatformError, match=f'{name} has stopped'):
            Watch(platform).trade(stop)
        assert time.monotonic() - began < PROMPT


@pytest.fixture
def _files_of_the_killed():
    """Nobody is there to remove the socket files of a process that gets SIGKILL."""
    yield
    for path in Path(config['IPC_DIR']).iterdir():
        path.unlink()


@pytest.mark.new  # 0.6.5 cannot shut down a name server that knows the name of a killed process
@pytest.mark.usefixtures('_files_of_the_killed')
@pytest.mark.parametrize('name', ['feed.NASDAQ', 'broker'])
def test_who_is_needed_and_is_killed_ends_the_run(name):
    with run_nameserver():
        platform = Platform(make_plan(**SPAN, speed=20))
        platform.wire()
        victim = platform.needed[name].execute_as_function(os.getpid)

        def kill(rounds):
            os.kill(victim, signal.SIGKILL)

        began = time.monotonic()
        with pytest.raises(PlatformError, match=f'{name} has stopped'):
            Watch(platform).trade(kill)
        assert time.monotonic() - began < PROMPT


def test_no_date_begins_before_everybody_is_done_with_the_last(monkeypatch):
    """A subscriber that is counted on never answers: the run ends and names it."""
    monkeypatch.setattr('examples.trading.watch.PATIENCE', 0.5)
    with run_nameserver():
        platform = Platform(make_plan(['IBM'], date(2012, 4, 2), date(2012, 4, 30)))
        platform.wire()
        feed = platform.feeds['NYSE']
        feed.expect('nobody there')
        with pytest.raises(PlatformError, match=r'feed\.NYSE waits for nobody there'):
            Watch(platform).trade(lambda rounds: None)
        assert feed.get_attr('published') == {'IBM': 1}


# As a user runs it.


def test_the_command_prints_the_report_and_writes_the_curves(tmp_path):
    png = tmp_path / 'curves.png'
    code, out, err = finish(command('--from', '2012-04-02', '--png', str(png)))
    assert err == ''
    assert code == 0
    assert '229 trading dates' in out
    assert 'Every bar, order and fill is accounted for from end to end.' in out
    assert 'Equity in thousands of dollars' in out
    assert png.read_bytes().startswith(b'\x89PNG')


@pytest.mark.new  # the name server of 0.6.5 prints its random port
def test_two_runs_of_the_command_print_the_same(tmp_path):
    arguments = ('--symbols', 'FB,IBM', '--from', '2012-04-02', '--png', str(tmp_path / 'a.png'))
    assert finish(command(*arguments)) == finish(command(*arguments))


def test_the_command_reports_a_sabotaged_strategy_and_succeeds(tmp_path):
    """It was asked for; the log shows the error on standard error, as of any agent that fails."""
    code, out, err = finish(command('--from', '2012-04-02', '--sabotage', 'hold', '--png', str(tmp_path / 'a.png')))
    text = ' '.join(out.split())
    assert code == 0
    assert '* hold stopped at the bar of AAPL, 2012-09-13: RuntimeError: sabotaged' in text
    assert '(hold): An exception occurred while running! (sabotaged, as asked for)' in err


@pytest.mark.new  # 0.6.5 restarts nobody
def test_the_command_reports_a_restarted_strategy_and_succeeds(tmp_path):
    arguments = ('--from', '2012-04-02', '--sabotage', 'hold', '--restart', '--png', str(tmp_path / 'a.png'))
    code, out, _ = finish(command(*arguments))
    text = ' '.join(out.split())
    assert code == 0
    assert 'hold stopped at the bar of AAPL, 2012-09-13: RuntimeError: sabotaged, as asked for. It was started' in text
    assert 'Every bar, order and fill is accounted for from end to end.' in text


def test_a_mistake_on_the_command_line_ends_the_command_with_code_2():
    code, out, err = finish(command('--symbols', 'XYZ'))
    assert (code, out) == (2, '')
    assert err == "Error: unknown symbol 'XYZ': choose from AAPL, FB, GOOG, IBM, MSFT\n"


def members(group):
    """Return the processes of a process group."""
    found = set()
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, its_group = stat.read_text().rpartition(')')[2].split()[:3]
        except OSError:  # gone since it was listed
            continue
        if int(its_group) == group and state not in 'ZX':
            found.add(int(stat.parent.name))
    return found


def wait_until(condition, limit=30.0):
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.new  # 0.6.5 leaves files and prints tracebacks
def test_ctrl_c_ends_everything(tmp_path):
    """The terminal sends it to the whole group: to the command and to all agents."""
    png, errors = tmp_path / 'a.png', tmp_path / 'errors'
    with errors.open('w') as stderr:
        process = command(
            *('--speed', '2', '--png', str(png)),
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, 'FORCE_COLOR': '1'},  # so that there is a progress bar
        )
    wait_until(lambda: '2000-03-01' in errors.read_text())
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    code, out, _ = finish(process)
    assert (code, out) == (130, '')
    assert errors.read_text().endswith('Interrupted: everything has been ended.\n')
    assert 'Traceback' not in errors.read_text()
    assert time.monotonic() - began < PROMPT
    wait_until(lambda: not members(process.pid), limit=5.0)
    assert not png.exists()
