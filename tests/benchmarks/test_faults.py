"""The fault suite's plan, its book-keeping and its report; no system is struck here."""

import io

import pytest
from rich.console import Console

from benchmarks.faults.__main__ import main
from benchmarks.faults.ledger import Ledger, Outcome
from benchmarks.faults.report import as_json, print_report, summary
from benchmarks.faults.schedule import MOMENTS, PERIODS, Fault, schedule

SECONDS = [0, 0.1, 3, 15, 60, 61, 150]


# -- The plan ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('seconds', SECONDS)
def test_strikes_come_in_their_order_and_within_the_run(seconds):
    moments = [strike.at for strike in schedule(seconds, 1)]
    assert moments == sorted(moments)
    assert all(0 < moment <= seconds for moment in moments)


@pytest.mark.parametrize('seconds', [15, 60])
def test_every_fault_strikes(seconds):
    assert {strike.fault for strike in schedule(seconds, 1)} == set(Fault)


def test_every_fault_has_its_time():
    assert {*PERIODS, *MOMENTS} == set(Fault)
    assert not {*PERIODS} & {*MOMENTS}


@pytest.mark.parametrize('seconds, minutes', [(20, 1), (60, 1), (119, 1), (120, 2), (300, 5)])
def test_a_minute_or_a_shorter_run_has_two_dead_name_servers_and_one_dispatcher(seconds, minutes):
    faults = [strike.fault for strike in schedule(seconds, 1)]
    assert faults.count(Fault.NAME_SERVER_KILLED) == 2 * minutes
    assert faults.count(Fault.DISPATCHER_KILLED) == minutes


def test_a_worker_is_killed_every_fifth_of_a_second():
    moments = [strike.at for strike in schedule(10, 1) if strike.fault is Fault.WORKER_KILLED]
    assert len(moments) == 50
    assert all(after - before == pytest.approx(0.2) for before, after in zip(moments, moments[1:]))


def test_a_seed_is_a_run():
    assert schedule(20, 7) == schedule(20, 7)
    assert schedule(20, 7) != schedule(20, 8)


@pytest.mark.parametrize('strike', schedule(20, 3), ids=str)
def test_every_strike_says_whom_it_hits(strike):
    assert 0 <= strike.victim < 1


# -- The book ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'handed_in, counts, arrived, lost, repeats',
    [
        (0, [], 0, (), 0),
        (3, [1, 1, 1], 3, (), 0),
        (3, [1, 0, 1], 2, (1,), 0),
        (3, [1, 3, 2], 3, (), 3),
        (2, [1, 1, 1], 3, (), 0),
        (4, [0, 2, 1, 0], 2, (0, 3), 1),
    ],
)
def test_what_did_not_arrive_is_lost_and_what_arrived_twice_is_repeated(handed_in, counts, arrived, lost, repeats):
    outcome = Ledger().outcome(handed_in, counts, 1.0)
    assert (outcome.arrived, outcome.lost, outcome.repeats) == (arrived, lost, repeats)
    assert outcome.sound is (not lost)


def test_strikes_and_recoveries_are_kept_by_fault():
    ledger = Ledger()
    for fault in (Fault.WORKER_KILLED, Fault.WORKER_KILLED, Fault.FRAMES_CORRUPT):
        ledger.struck(fault)
    ledger.recovered(Fault.WORKER_KILLED, 0.25)
    ledger.recovered(Fault.WORKER_KILLED, 0.5)
    outcome = ledger.outcome(0, [], 1.0)
    assert outcome.strikes == {Fault.WORKER_KILLED: 2, Fault.FRAMES_CORRUPT: 1}
    assert outcome.recoveries == {Fault.WORKER_KILLED: (0.25, 0.5)}


def test_a_run_with_trouble_is_not_sound():
    ledger = Ledger()
    ledger.trouble('why')
    outcome = ledger.outcome(1, [1], 1.0)
    assert outcome.troubles == ('why',)
    assert not outcome.sound


# -- The report ----------------------------------------------------------------------------------------------------


def printed(outcome):
    output = io.StringIO()
    print_report(outcome, Console(file=output, width=120))
    return output.getvalue()


@pytest.fixture
def outcome():
    return Outcome(
        1000,
        1000,
        (),
        12,
        15.2,
        {Fault.WORKER_KILLED: 70, Fault.DISPATCHER_KILLED: 1},
        {Fault.WORKER_KILLED: (0.1, 0.2, 0.9)},
    )


def test_the_report_has_a_line_for_each_fault(outcome):
    lines = printed(outcome).splitlines()
    (killed,) = (line for line in lines if line.strip().startswith(Fault.WORKER_KILLED.value))
    assert killed.split()[-4:] == ['70', '3', '0.200', '0.900']
    for fault in Fault:
        assert any(line.strip().startswith(fault.value) for line in lines)


def test_the_summary_says_what_became_of_the_tasks(outcome):
    assert summary(outcome) == '1,000 tasks handed in within 15 s: 1,000 arrived, none lost, 12 repeated.'


def test_what_is_lost_is_named():
    text = printed(Outcome(3, 1, (1, 2), 0, 2.0, troubles=('still at work',)))
    assert '2 LOST' in text
    assert '[1, 2]' in text
    assert 'still at work' in text


def test_the_report_can_be_read_by_programs(outcome):
    data = as_json(outcome)
    assert (data['handed_in'], data['lost'], data['repeats'], data['sound']) == (1000, [], 12, True)
    assert data['faults']['worker killed'] == {'struck': 70, 'recoveries': [0.1, 0.2, 0.9]}
    assert set(data['faults']) == {fault.value for fault in Fault}


# -- The command ---------------------------------------------------------------------------------------------------


def test_help_says_what_will_happen(capsys):
    assert main(['--help']) == 0
    out = capsys.readouterr().out
    assert '--minutes' in out
    assert 'nothing is lost' in out


@pytest.mark.parametrize(
    'arguments',
    [['--minutes', '0'], ['--minutes', 'x'], ['--tasks', '0'], ['--what'], ['--json', 'no/such/folder/out.json']],
)
def test_a_mistake_on_the_command_line_is_one_line(arguments, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith('Error: ')
